//! SQLite's settings: given to every connection, read back, and refused if the engine does not keep them.
//!
//! <https://www.sqlite.org/pragma.html>, <https://www.sqlite.org/wal.html>. With WAL and synchronous=FULL every COMMIT syncs the log before it returns.

mod connection;
mod failure;
mod file;

use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use sqlx::{query_scalar, raw_sql};

use crate::durability::{Durability, Keeps, require};
use crate::engine::Role;
use crate::{Conn, Error, Options};
pub(crate) use connection::Connection;
pub(crate) use file::{DatabaseFile, Identity};

/// Takes the write lock now, where waiting is harmless, and not at the first INSERT, where SQLite may refuse to wait.
pub(crate) const BEGIN: &str = "BEGIN IMMEDIATE; SAVEPOINT job";

/// Between two attempts where SQLite itself does not wait; it is done by the other within a sync or two.
const BUSY_PAUSE: Duration = Duration::from_millis(2);

/// A database file, and what every connection to it is told.
#[derive(Debug)]
pub(crate) struct Sqlite {
    pub(crate) file: DatabaseFile,
    busy_timeout: Duration,
    identity: OnceLock<Identity>,
}

impl Sqlite {
    /// The engine of a file, which is created when it is not there.
    pub(crate) fn new(file: DatabaseFile, options: &Options) -> Result<Self, Error> {
        file.create_if_absent()?;
        Ok(Self { file, busy_timeout: options.busy_timeout, identity: OnceLock::new() })
    }

    pub(crate) fn connect(&self) -> Result<Conn, Error> {
        Ok(Conn::file(Connection::open(&self.file.path)?))
    }

    /// Remembers which files were opened; called once, by the connection that stays open.
    pub(crate) fn remember(&self) -> Result<(), Error> {
        let identity = Identity::of(&self.file)?;
        let _ = self.identity.set(identity);
        Ok(())
    }

    /// Whether what was committed went into the files that were opened.
    pub(crate) fn still_there(&self) -> Result<(), Error> {
        self.identity.get().map_or(Ok(()), Identity::check)
    }

    /// Gives a fresh connection its settings and reads back those on which durability rests.
    pub(crate) async fn configure(&self, conn: &mut Conn, role: Role) -> Result<Durability, Error> {
        // Without this first line a second process that opens at the same moment would fail instead of wait.
        let busy = format!("PRAGMA busy_timeout = {}", self.busy_timeout.as_millis());
        raw_sql(sqlx::AssertSqlSafe(busy)).execute(&mut *conn).await?;
        self.keep_a_log(conn).await?;
        // What a savepoint may have to undo stays in memory: else each transaction makes a file in /tmp for it.
        raw_sql("PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY")
            .execute(&mut *conn)
            .await?;
        if role == Role::Reader {
            raw_sql("PRAGMA query_only = ON").execute(&mut *conn).await?;
        }
        let journal_mode: String = query_scalar("PRAGMA journal_mode").fetch_one(&mut *conn).await?;
        require("journal_mode", &journal_mode, "wal")?;
        let synchronous: i64 = query_scalar("PRAGMA synchronous").fetch_one(&mut *conn).await?;
        require("synchronous", &synchronous.to_string(), "2")?;
        let foreign_keys: i64 = query_scalar("PRAGMA foreign_keys").fetch_one(&mut *conn).await?;
        require("foreign_keys", &foreign_keys.to_string(), "1")?;
        let version: String = query_scalar("SELECT sqlite_version()").fetch_one(&mut *conn).await?;
        Ok(Durability {
            engine: format!("SQLite {version}"),
            settings: vec![("journal_mode", journal_mode), ("synchronous", "FULL".to_owned())],
            keeps: Keeps::WhatItAcknowledged,
        })
    }

    /// Gives the file its write-ahead log. Of two that do this to a new file at the same moment SQLite makes one wait, and fails the other
    /// at once whatever its time limit, because each has read what the other would change.
    async fn keep_a_log(&self, conn: &mut Conn) -> Result<(), Error> {
        let until = Instant::now() + self.busy_timeout;
        loop {
            let changed = raw_sql("PRAGMA journal_mode = WAL").execute(&mut *conn).await.map_err(Error::from);
            match changed {
                Err(Error::Busy { .. }) if Instant::now() < until => thread::sleep(BUSY_PAUSE),
                changed => return changed.map(drop),
            }
        }
    }
}
