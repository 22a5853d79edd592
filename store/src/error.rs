//! What can go wrong with the store, told apart by who has to act: the operator's configuration, the disk, another process, the schema, our SQL.
//!
//! Result codes of SQLite: <https://www.sqlite.org/rescode.html>; SQLSTATE of PostgreSQL: its manual, appendix A. The former have one to four
//! digits, the latter five characters, so one function reads both.

use std::path::PathBuf;
use std::sync::Arc;

use sqlx::error::{DatabaseError, ErrorKind};

use crate::migrate::SchemaVersion;

/// Why the store did not do what it was asked.
///
/// Clonable because one failed COMMIT is the answer to every job that shared it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The URL names no engine or place that we know.
    #[error("store url {url:?}: {why}")]
    Url {
        /// As given.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The file or its folder is not there, or is no longer the file that was opened.
    #[error("store file {}: {why}", path.display())]
    Gone {
        /// The database file.
        path: PathBuf,
        /// What was seen.
        why: &'static str,
    },
    /// The operating system refuses access, or the file is read-only.
    #[error("store: access refused: {source}")]
    Denied {
        /// As the engine or the system said it.
        source: Arc<sqlx::Error>,
    },
    /// No space is left; nothing of the transaction was written.
    #[error("store: the disk or the database is full: {source}")]
    Full {
        /// As the engine said it.
        source: Arc<sqlx::Error>,
    },
    /// The disk failed to read, write or sync. After a failed COMMIT the outcome is unknown until the store is opened again.
    #[error("store: the disk failed: {source}")]
    Disk {
        /// As the engine said it.
        source: Arc<sqlx::Error>,
    },
    /// The file is no database or is damaged.
    #[error("store: the file is not a sound database: {source}")]
    Damaged {
        /// As the engine said it.
        source: Arc<sqlx::Error>,
    },
    /// Another process held the write lock longer than the busy timeout.
    #[error("store: another process is writing: {source}")]
    Busy {
        /// As the engine said it.
        source: Arc<sqlx::Error>,
    },
    /// The file was written by a newer program.
    #[error("store: schema {found} is newer than this program, which knows {known}")]
    NewerSchema {
        /// The newest migration of the file.
        found: SchemaVersion,
        /// The newest migration of this program.
        known: SchemaVersion,
    },
    /// The file needs migrations and the options forbid to run them.
    #[error("store: schema migration {missing} is not applied")]
    OlderSchema {
        /// The first migration that is missing.
        missing: SchemaVersion,
    },
    /// A migration that was applied is not the one this program carries.
    #[error("store: migration {version} was applied with other contents")]
    ChangedMigration {
        /// Which.
        version: SchemaVersion,
    },
    /// A migration failed; the schema is as before.
    #[error("store: migration {version} failed: {source}")]
    Migration {
        /// Which.
        version: SchemaVersion,
        /// Why.
        source: Box<Error>,
    },
    /// The engine does not keep a durability setting that we gave it.
    #[error("store: {setting} is {found:?}, must be {wanted:?}")]
    NotDurable {
        /// The name of the setting.
        setting: &'static str,
        /// What was read back.
        found: String,
        /// What it must be.
        wanted: &'static str,
    },
    /// A rule of the schema was broken.
    #[error("store: {kind} violated: {what}")]
    Constraint {
        /// Which sort of rule.
        kind: ConstraintKind,
        /// `table.column` or the name of the rule.
        what: String,
    },
    /// A query that must find a row found none.
    #[error("store: no such row")]
    RowMissing,
    /// The store was closed, or its thread ended.
    #[error("store: closed")]
    Closed,
    /// A job panicked; its effects were undone.
    #[error("store: job {job} panicked")]
    Panicked {
        /// The job's name.
        job: &'static str,
    },
    /// SQLite gave the whole transaction up and no job said why; nothing of it was written.
    #[error("store: transaction lost: {source}")]
    TransactionLost {
        /// What the engine said when the job was to be ended.
        source: Arc<sqlx::Error>,
    },
    /// The engine refused our SQL, or a row has another shape than we think.
    #[error("store: query failed: {source}")]
    Query {
        /// As the engine said it.
        source: Arc<sqlx::Error>,
    },
}

/// The sort of rule that a row broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConstraintKind {
    /// UNIQUE or PRIMARY KEY.
    Unique,
    /// REFERENCES.
    ForeignKey,
    /// NOT NULL.
    NotNull,
    /// CHECK.
    Check,
}

impl std::fmt::Display for ConstraintKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unique => "uniqueness",
            Self::ForeignKey => "reference",
            Self::NotNull => "presence",
            Self::Check => "check",
        })
    }
}

impl Error {
    /// The stable code, for reports and scripts.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Url { .. } => "STORE_URL",
            Self::Gone { .. } => "STORE_GONE",
            Self::Denied { .. } => "STORE_DENIED",
            Self::Full { .. } => "STORE_FULL",
            Self::Disk { .. } => "STORE_DISK",
            Self::Damaged { .. } => "STORE_DAMAGED",
            Self::Busy { .. } => "STORE_BUSY",
            Self::NewerSchema { .. } => "STORE_SCHEMA_NEWER",
            Self::OlderSchema { .. } => "STORE_SCHEMA_OLDER",
            Self::ChangedMigration { .. } => "STORE_SCHEMA_CHANGED",
            Self::Migration { .. } => "STORE_MIGRATION",
            Self::NotDurable { .. } => "STORE_NOT_DURABLE",
            Self::Constraint { .. } => "STORE_CONSTRAINT",
            Self::RowMissing => "STORE_ROW_MISSING",
            Self::Closed => "STORE_CLOSED",
            Self::Panicked { .. } => "STORE_JOB_PANICKED",
            Self::TransactionLost { .. } => "STORE_TRANSACTION_LOST",
            Self::Query { .. } => "STORE_QUERY",
        }
    }

    /// The exit code of the house: 8 for the store, 5 for a wrong URL in the configuration, 70 for a bug of ours.
    #[must_use]
    pub fn exit(&self) -> u8 {
        match self {
            Self::Url { .. } => 5,
            Self::Migration { source, .. } => source.exit(),
            Self::Constraint { .. } | Self::RowMissing | Self::Panicked { .. } | Self::Query { .. } => 70,
            _ => 8,
        }
    }

    /// What the operator can do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Url { .. } => "write url = \"sqlite:PATH\" in [store] of fuda.toml",
            Self::Gone { .. } => {
                "mount the disk or create the folder, put the file back where it was, then start again"
            }
            Self::Denied { .. } => "give this user read and write permission on the file and on its folder",
            Self::Full { .. } => "free space on the disk of the store, then run the same command again",
            Self::Disk { .. } | Self::TransactionLost { .. } => {
                "check the disk and the kernel log; then run the same command again: it continues from what is durable"
            }
            Self::Damaged { .. } => "do not write to the file; restore the last backup beside it and compare",
            Self::Busy { .. } => {
                "end the other program that uses this store, or wait for it, then run the same command again"
            }
            Self::NewerSchema { .. } => "use the program version that wrote this store, or a newer one",
            Self::OlderSchema { .. } => "open the store once with a program that may migrate it",
            Self::ChangedMigration { .. } => {
                "use the release that made this store; a migration is never changed after delivery"
            }
            Self::Migration { .. } => "the store is as it was before; read the cause and run the same command again",
            Self::NotDurable { .. } => {
                "move the store to a local disk whose file system supports SQLite's write-ahead log"
            }
            Self::Closed => "run the same command again: it continues from what is durable",
            Self::Constraint { .. } | Self::RowMissing | Self::Panicked { .. } | Self::Query { .. } => {
                "this is a bug of ours: keep the store and the log and report the code"
            }
        }
    }

    /// Whether the rule `what` (`table.column`, or several joined by `, `) was broken by a duplicate.
    #[must_use]
    pub fn is_duplicate_of(&self, what: &str) -> bool {
        matches!(self, Self::Constraint { kind: ConstraintKind::Unique, what: found } if found == what)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::from_shared(Arc::new(error))
    }
}

impl Error {
    /// Sorts an error of `sqlx` by who has to act.
    pub(crate) fn from_shared(source: Arc<sqlx::Error>) -> Self {
        match &*source {
            sqlx::Error::RowNotFound => Self::RowMissing,
            sqlx::Error::WorkerCrashed | sqlx::Error::PoolClosed => Self::Closed,
            sqlx::Error::PoolTimedOut => Self::Busy { source },
            sqlx::Error::Io(_) => Self::Disk { source },
            sqlx::Error::Database(engine) => match constraint(&**engine) {
                Some(broken) => broken,
                None => {
                    let code = engine.code().unwrap_or_default().into_owned();
                    Self::from_engine(&code, source)
                }
            },
            _ => Self::Query { source },
        }
    }

    /// Sorts an engine's result code (decimal, extended for SQLite) by who has to act.
    fn from_engine(code: &str, source: Arc<sqlx::Error>) -> Self {
        // SQLITE_IOERR_SHMSIZE (19 << 8 | 10): the shared-memory file could not grow, which is how WAL meets a full disk.
        const IOERR_SHMSIZE: u32 = 4874;
        match code {
            "53100" => return Self::Full { source },
            "55P03" | "40001" | "40P01" => return Self::Busy { source },
            "42501" => return Self::Denied { source },
            _ => {}
        }
        let Ok(extended) = code.parse::<u32>() else { return Self::Query { source } };
        if extended == IOERR_SHMSIZE {
            return Self::Full { source };
        }
        // The low byte is the primary result code.
        match extended & 0xFF {
            13 => Self::Full { source },
            10 => Self::Disk { source },
            5 | 6 => Self::Busy { source },
            3 | 8 | 14 | 23 => Self::Denied { source },
            11 | 26 => Self::Damaged { source },
            _ => Self::Query { source },
        }
    }
}

/// A broken rule with its name. SQLite: "UNIQUE constraint failed: card.kdd"; PostgreSQL names the constraint.
fn constraint(engine: &dyn DatabaseError) -> Option<Error> {
    let kind = match engine.kind() {
        ErrorKind::UniqueViolation => ConstraintKind::Unique,
        ErrorKind::ForeignKeyViolation => ConstraintKind::ForeignKey,
        ErrorKind::NotNullViolation => ConstraintKind::NotNull,
        ErrorKind::CheckViolation => ConstraintKind::Check,
        _ => return None,
    };
    let message = engine.message();
    let told = message.split_once("failed: ").map_or(message, |(_, told)| told);
    Some(Error::Constraint { kind, what: engine.constraint().unwrap_or(told).to_owned() })
}
