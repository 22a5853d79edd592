//! SQLite's settings: given to every connection, read back, and refused if the engine does not keep them.
//!
//! <https://www.sqlite.org/pragma.html>, <https://www.sqlite.org/wal.html>. With WAL and synchronous=FULL every COMMIT syncs the log before it returns.

use std::time::Duration;

use sqlx::any::AnyConnectOptions;
use sqlx::{ConnectOptions, query_scalar, raw_sql};

use crate::Conn;
use crate::error::Error;
use crate::location::Location;

/// How safely this store keeps what it acknowledged: printed in every report that shows a speed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durability {
    /// Engine and version: `SQLite 3.50.4`.
    pub engine: String,
    /// `wal`.
    pub journal_mode: String,
    /// `FULL`.
    pub synchronous: &'static str,
}

impl std::fmt::Display for Durability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, journal_mode={}, synchronous={}", self.engine, self.journal_mode, self.synchronous)
    }
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The one connection that writes.
    Writer,
    /// One of the pool; the engine refuses its writes.
    Reader,
}

pub(crate) fn options(location: &Location) -> Result<AnyConnectOptions, Error> {
    sqlx::any::install_default_drivers();
    let options: AnyConnectOptions = location.to_sqlx_url().parse()?;
    // The statements of a job are ours to log, by name; the engine's log would repeat them for every card.
    Ok(options.disable_statement_logging())
}

/// Gives a fresh connection its settings and reads back those on which durability rests.
pub(crate) async fn configure(conn: &mut Conn, role: Role, busy_timeout: Duration) -> Result<Durability, Error> {
    // Without this first line a second process that opens at the same moment would fail instead of wait.
    let busy = format!("PRAGMA busy_timeout = {}", busy_timeout.as_millis());
    raw_sql(sqlx::AssertSqlSafe(busy)).execute(&mut *conn).await?;
    raw_sql("PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
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
    Ok(Durability { engine: format!("SQLite {version}"), journal_mode, synchronous: "FULL" })
}

fn require(setting: &'static str, found: &str, wanted: &'static str) -> Result<(), Error> {
    if found == wanted {
        return Ok(());
    }
    Err(Error::NotDurable { setting, found: found.to_owned(), wanted })
}
