//! The two engines behind one door: what a connection, a transaction and a schema need of each. Everything else has one text.

use std::time::Duration;

use sqlx::raw_sql;

use crate::durability::Durability;
use crate::location::Location;
use crate::postgres::{self, Mark, Outcome, Postgres};
use crate::scope::Scope;
use crate::sqlite::{self, Sqlite};
use crate::{Conn, Error, Options, SchemaPolicy};

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It writes.
    Writer,
    /// The engine refuses its writes.
    Reader,
}

/// An engine at its place.
#[derive(Debug)]
pub(crate) enum Engine {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// How long an engine is waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For one transaction; `None`: it runs in this process.
    pub(crate) answer: Option<Duration>,
    /// For a lost connection; `None`: it cannot be lost, or does not come back by waiting.
    pub(crate) reconnect: Option<Duration>,
    /// Between the beginnings of two transactions.
    pub(crate) pace: Duration,
}

impl Engine {
    pub(crate) fn new(location: Location, options: &Options) -> Result<Self, Error> {
        sqlx::any::install_default_drivers();
        Ok(match location {
            Location::File(file) => Self::Sqlite(Sqlite::new(file, options)?),
            Location::Server(address) => Self::Postgres(Postgres::new(address, options)),
        })
    }

    /// Connections that write at the same time: SQLite has one writer by nature. A line writes about its job; four let key ceremonies,
    /// deliveries and the jobs of other orders go on beside it.
    pub(crate) const fn writers(&self) -> usize {
        match self {
            Self::Sqlite(_) => 1,
            Self::Postgres(_) => 4,
        }
    }

    /// Whether jobs about these two may be in one transaction. SQLite's one writer keeps everybody else out anyway; on a server a transaction
    /// has the lock of its part, and one that took a second would wait in a ring with others.
    pub(crate) fn may_share(&self, first: &Scope, other: &Scope) -> bool {
        match self {
            Self::Sqlite(_) => true,
            Self::Postgres(_) => first == other,
        }
    }

    pub(crate) const fn patience(&self, options: &Options) -> Patience {
        match self {
            Self::Sqlite(_) => Patience { answer: None, reconnect: None, pace: options.pace },
            // Its jobs share a transaction only when they are about the same part.
            Self::Postgres(_) => Patience {
                answer: Some(options.answer_timeout),
                reconnect: Some(options.reconnect_timeout),
                pace: Duration::ZERO,
            },
        }
    }

    /// Whether opening migrates.
    pub(crate) const fn may_migrate(&self, policy: SchemaPolicy) -> bool {
        match (policy, self) {
            (SchemaPolicy::Migrate, _) | (SchemaPolicy::ByEngine, Self::Sqlite(_)) => true,
            (SchemaPolicy::MustMatch, _) | (SchemaPolicy::ByEngine, Self::Postgres(_)) => false,
        }
    }

    /// Connects, configures and reads back.
    pub(crate) async fn connect(&self, role: Role) -> Result<(Conn, Durability), Error> {
        let connected = async {
            match self {
                Self::Sqlite(sqlite) => {
                    let mut conn = sqlite.connect()?;
                    let durability = sqlite.configure(&mut conn, role).await?;
                    Ok((conn, durability))
                }
                Self::Postgres(postgres) => {
                    let mut conn = postgres.connect().await?;
                    let durability = postgres.configure(&mut conn, role).await?;
                    Ok((conn, durability))
                }
            }
        };
        connected.await.map_err(|error: Error| self.at_its_place(error))
    }

    /// Remembers what was opened, so that a commit into something else is noticed.
    pub(crate) fn remember(&self) -> Result<(), Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.remember(),
            // Remembered by the first connection.
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Begins a transaction about a part of the store, which leaves its mark where its COMMIT can be lost on its way.
    pub(crate) async fn begin(&self, conn: &mut Conn, scope: &Scope, mark: Option<Mark>) -> Result<(), Error> {
        match self {
            Self::Sqlite(_) => {
                raw_sql(sqlite::BEGIN).execute(conn).await?;
                Ok(())
            }
            Self::Postgres(_) => Postgres::begin(conn, scope, mark).await,
        }
    }

    /// Begins a read on one snapshot.
    pub(crate) async fn begin_read(&self, conn: &mut Conn) -> Result<(), Error> {
        let begin = match self {
            Self::Sqlite(_) => "BEGIN",
            Self::Postgres(_) => postgres::BEGIN_READ,
        };
        raw_sql(begin).execute(conn).await?;
        Ok(())
    }

    /// Whether a COMMIT that succeeded went where the store was opened.
    pub(crate) fn committed(&self) -> Result<(), Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.still_there(),
            Self::Postgres(_) => Ok(()),
        }
    }

    /// What became of a transaction whose COMMIT was not answered; `None` where there is no way to know.
    pub(crate) async fn outcome(&self, conn: &mut Conn, mark: Mark) -> Result<Option<Outcome>, Error> {
        match self {
            Self::Sqlite(_) => Ok(None),
            Self::Postgres(_) => Postgres::outcome(conn, mark).await.map(Some),
        }
    }

    /// Deletes what writers left that ended long ago.
    pub(crate) async fn forget_marks(&self, conn: &mut Conn) -> Result<(), Error> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(_) => Postgres::forget_marks(conn).await,
        }
    }

    /// Counts the tables in which migrations are recorded: one, or none in a new database.
    pub(crate) const fn count_schema_tables(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'schema_migration'",
            Self::Postgres(_) => "SELECT COUNT(to_regclass('schema_migration'))",
        }
    }

    /// An error with the server's name, where it is about the server.
    pub(crate) fn at_its_place(&self, error: Error) -> Error {
        match (self, error) {
            (Self::Postgres(postgres), Error::Unreachable { source, .. }) => {
                Error::Unreachable { server: postgres.address.to_string(), source }
            }
            (Self::Postgres(postgres), Error::Gone { why, .. }) => {
                Error::Gone { place: postgres.address.to_string(), why }
            }
            (_, error) => error,
        }
    }
}

/// What a query ends with that takes rows which no other transaction is taking: PostgreSQL's words for it. SQLite has one writer, so no
/// row of it is ever being taken by another.
#[must_use]
pub fn skip_locked(conn: &Conn) -> &'static str {
    if conn.is_to_server() { "FOR UPDATE SKIP LOCKED" } else { "" }
}
