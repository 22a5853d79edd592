//! A COMMIT that was sent and not answered: each transaction leaves a mark, and the server is asked for it.
//!
//! The server's own number for a transaction (`pg_xact_status`; manual, 9.27.7) does not answer this: a crash takes back the numbers of
//! which nothing was synced yet, and other transactions get them.

use std::hash::{BuildHasher, RandomState};

use sqlx::{AssertSqlSafe, Row, query, query_scalar, raw_sql};

use crate::{Conn, Error};

/// Marks of writers that are silent for so long are nobody's any more; far above the time for which a lost connection is sought.
const SILENT_DAYS: u32 = 7;

/// The server's time as `fuda_store::clock::stored` writes it.
const NOW: &str = r#"to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"#;

/// What a transaction leaves behind if it commits: its writer, and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    writer: i64,
    number: i64,
}

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is durable.
    Committed,
    /// Nothing of it is there, nor will be.
    Undone,
}

impl Mark {
    /// That of no transaction yet, for a new writer.
    pub(crate) fn draw() -> Self {
        // The keys of each `RandomState` are random.
        let writer = RandomState::new().hash_one(std::process::id()) >> 1;
        Self { writer: i64::try_from(writer).unwrap_or(i64::MAX), number: 0 }
    }

    /// That of the writer's next transaction.
    pub(crate) const fn next(self) -> Self {
        Self { number: self.number + 1, ..self }
    }

    /// The statement by which a transaction leaves it.
    pub(super) fn leave(self) -> String {
        let Self { writer, number } = self;
        format!(
            "INSERT INTO store_writer (writer, number, seen_at) VALUES ({writer}, {number}, {NOW}) \
             ON CONFLICT (writer) DO UPDATE SET number = excluded.number, seen_at = excluded.seen_at"
        )
    }

    /// What became of its transaction. The question writes the writer's row, so it waits for a transaction that still has it.
    pub(super) async fn outcome(self, conn: &mut Conn) -> Result<Outcome, Error> {
        let text = format!(
            "/* store.outcome */ INSERT INTO store_writer (writer, number, seen_at) VALUES ({}, 0, {NOW}) \
             ON CONFLICT (writer) DO UPDATE SET seen_at = excluded.seen_at RETURNING number",
            self.writer
        );
        let last: i64 = query_scalar(AssertSqlSafe(text)).fetch_one(&mut *conn).await?;
        Ok(if last == self.number { Outcome::Committed } else { Outcome::Undone })
    }
}

/// Deletes the marks of writers that ended long ago.
pub(super) async fn forget(conn: &mut Conn) -> Result<(), Error> {
    let since = NOW.replace("now()", &format!("(now() - interval '{SILENT_DAYS} days')"));
    let text = format!("/* store.forget */ DELETE FROM store_writer WHERE seen_at < {since}");
    raw_sql(AssertSqlSafe(text)).execute(conn).await?;
    Ok(())
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
