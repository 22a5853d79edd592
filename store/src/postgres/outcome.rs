//! A COMMIT that was sent and not answered: the server is asked for the transaction by its number.
//!
//! `pg_xact_status` (manual, 9.27.7) knows every recent transaction; its numbers are never used twice by one server, but another server,
//! or the same one after a restore, gives them anew. So the answer counts only where identity and timeline are those of before.

use sqlx::{AssertSqlSafe, Row, query, query_scalar};

use crate::{Conn, Error};

/// The number of a transaction, with its epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Xid(u64);

impl Xid {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is durable.
    Committed,
    /// Nothing of it is there, nor will be.
    Aborted,
    /// The server is still at it.
    Running,
    /// Too old for the server to know.
    Forgotten,
}

pub(super) async fn of(conn: &mut Conn, Xid(number): Xid) -> Result<Outcome, Error> {
    let text = format!("/* store.outcome */ SELECT pg_xact_status('{number}'::xid8)");
    let status: Option<String> = query_scalar(AssertSqlSafe(text)).fetch_one(&mut *conn).await?;
    Ok(match status.as_deref() {
        Some("committed") => Outcome::Committed,
        Some("aborted") => Outcome::Aborted,
        Some(_) => Outcome::Running,
        None => Outcome::Forgotten,
    })
}

/// Which database this is: the cluster, the history that it lives in, and the database in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    cluster: i64,
    timeline: i64,
    database: i64,
}

impl Identity {
    pub(super) async fn read(conn: &mut Conn) -> Result<Self, Error> {
        let row = query(
            "/* store.identity */ SELECT (SELECT system_identifier FROM pg_control_system()), \
             ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint, \
             (SELECT oid::bigint FROM pg_database WHERE datname = current_database())",
        )
        .fetch_one(&mut *conn)
        .await?;
        Ok(Self { cluster: row.try_get(0)?, timeline: row.try_get(1)?, database: row.try_get(2)? })
    }
}
