//! PostgreSQL: what every connection is told, what is read back, and what a transaction holds while it runs.
//!
//! Documented in the manual, chapters 20 (settings), 13.3.5 (advisory locks); version 14 and later.
//!
//! Transactions run at READ COMMITTED under advisory locks that are taken before anything is read: the store's, shared, and the one of the
//! transaction's part, alone; or the store's alone. So what a function reads stays true until it commits, as on SQLite, and parts with
//! different names do not wait for each other. SERIALIZABLE would promise the same, but lets transactions that read the same small table
//! fail again and again.

mod address;
mod outcome;

use std::sync::OnceLock;
use std::time::Duration;

use sqlx::{AssertSqlSafe, ConnectOptions, Row, query, raw_sql};

use crate::durability::{Durability, Keeps, require};
use crate::engine::Role;
use crate::scope::Scope;
use crate::{Conn, DurabilityPolicy, Error, Options};
pub(crate) use address::Address;
use outcome::Identity;
pub(crate) use outcome::{Mark, Outcome};

/// First halves of our advisory locks' keys: "FUDA" and "FUDB" in ASCII.
const TRANSACTIONS: i32 = 0x4655_4441;
const HELD: i32 = 0x4655_4442;

/// The oldest version with everything that is used here.
const VERSION_MIN: i32 = 140_000;

/// A snapshot for all queries of a read, in which the server refuses writes.
pub(crate) const BEGIN_READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// A server's database, and what every connection to it is told.
#[derive(Debug)]
pub(crate) struct Postgres {
    pub(crate) address: Address,
    busy_timeout: Duration,
    answer_timeout: Duration,
    durability: DurabilityPolicy,
    identity: OnceLock<Identity>,
}

impl Postgres {
    pub(crate) fn new(address: Address, options: &Options) -> Self {
        Self {
            address,
            busy_timeout: options.busy_timeout,
            answer_timeout: options.answer_timeout,
            durability: options.durability,
            identity: OnceLock::new(),
        }
    }

    pub(crate) async fn connect(&self) -> Result<Conn, Error> {
        Ok(Conn::server(self.address.connect_options().connect().await?))
    }

    /// Gives a fresh connection its settings, reads back those on which durability rests, and makes sure that this is still the database
    /// that was opened: after a restore or a change of servers nothing that we remember may be true.
    pub(crate) async fn configure(&self, conn: &mut Conn, role: Role) -> Result<Durability, Error> {
        let (answer_ms, busy_ms) = (self.answer_timeout.as_millis(), self.busy_timeout.as_millis());
        let settings = format!(
            "SET statement_timeout = {answer_ms}; SET lock_timeout = {busy_ms}; \
             SET idle_in_transaction_session_timeout = {answer_ms}; SET standard_conforming_strings = on"
        );
        raw_sql(AssertSqlSafe(settings)).execute(&mut *conn).await?;
        // So that a server lets go of a lock whose owner was killed in the middle of waiting; not every system can do it.
        let _ = raw_sql("SET client_connection_check_interval = '2s'").execute(&mut *conn).await;
        if role == Role::Writer {
            // A role or a database may have been given less; remote_apply is more.
            let stronger = "SELECT set_config('synchronous_commit', 'on', false) \
                            WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')";
            raw_sql(stronger).execute(&mut *conn).await?;
        }
        let durability = self.read_back(conn).await?;
        let found = Identity::read(conn).await?;
        if *self.identity.get_or_init(|| found) != found {
            let why = "another server or another database answers there than the one that was opened";
            return Err(Error::Gone { place: self.address.to_string(), why });
        }
        Ok(durability)
    }

    async fn read_back(&self, conn: &mut Conn) -> Result<Durability, Error> {
        let row = query(
            "/* store.settings */ SELECT current_setting('server_version'), current_setting('server_version_num')::int, \
             pg_is_in_recovery()::text, current_setting('fsync'), current_setting('full_page_writes'), \
             current_setting('synchronous_commit'), current_setting('wal_sync_method')",
        )
        .fetch_one(&mut *conn)
        .await?;
        let text = |at: usize| row.try_get::<String, _>(at);
        let version = text(0)?;
        if row.try_get::<i32, _>(1)? < VERSION_MIN {
            return Err(Error::EngineOld { found: version, wanted: "PostgreSQL 14" });
        }
        require("pg_is_in_recovery", &text(2)?, "false")?;
        let (fsync, full_page_writes, synchronous_commit) = (text(3)?, text(4)?, text(5)?);
        if self.durability == DurabilityPolicy::Required {
            require("fsync", &fsync, "on")?;
            require("full_page_writes", &full_page_writes, "on")?;
        }
        let synced = fsync == "on" && full_page_writes == "on";
        if synchronous_commit != "remote_apply" {
            require("synchronous_commit", &synchronous_commit, "on")?;
        }
        Ok(Durability {
            engine: format!("PostgreSQL {}", version.split(' ').next().unwrap_or_default()),
            settings: vec![
                ("fsync", fsync),
                ("synchronous_commit", synchronous_commit),
                ("full_page_writes", full_page_writes),
                ("wal_sync_method", text(6)?),
            ],
            keeps: if synced { Keeps::WhatItAcknowledged } else { Keeps::Nothing },
        })
    }

    /// Begins a transaction: its locks first, its mark, its savepoint, in one trip. Without a mark nobody can ask what became of it.
    pub(crate) async fn begin(conn: &mut Conn, scope: &Scope, mark: Option<Mark>) -> Result<(), Error> {
        let locks = match scope {
            Scope::Store => format!("SELECT pg_advisory_xact_lock({TRANSACTIONS}, 0)"),
            Scope::Part(_) => format!(
                "SELECT pg_advisory_xact_lock_shared({TRANSACTIONS}, 0); SELECT pg_advisory_xact_lock({TRANSACTIONS}, {})",
                signed(scope.number())
            ),
        };
        let mark = mark.map(|mark| mark.leave() + "; ").unwrap_or_default();
        let text = format!("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {locks}; {mark}SAVEPOINT job");
        raw_sql(AssertSqlSafe(text)).execute(&mut *conn).await?;
        Ok(())
    }

    /// What became of a transaction whose COMMIT was not answered.
    pub(crate) async fn outcome(conn: &mut Conn, mark: Mark) -> Result<Outcome, Error> {
        mark.outcome(conn).await
    }

    /// Deletes what writers left that ended long ago.
    pub(crate) async fn forget_marks(conn: &mut Conn) -> Result<(), Error> {
        outcome::forget(conn).await
    }

    /// Takes a lock that belongs to the connection; false when another connection has it.
    pub(crate) async fn try_hold(conn: &mut Conn, name: &str) -> Result<bool, Error> {
        let number = signed(Scope::part(name).number());
        let text = format!("/* store.hold */ SELECT pg_try_advisory_lock({HELD}, {number})");
        Ok(sqlx::query_scalar(AssertSqlSafe(text)).fetch_one(&mut *conn).await?)
    }
}

/// The same 32 bits as PostgreSQL writes them.
const fn signed(number: u32) -> i32 {
    i32::from_be_bytes(number.to_be_bytes())
}
