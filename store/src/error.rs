//! What can go wrong with the store, told apart by who has to act: the operator's configuration, the disk, another process, the schema, our SQL.

use std::sync::Arc;

use crate::migrate::SchemaVersion;

/// Why the store did not do what it was asked.
///
/// Clonable because one failed COMMIT is the answer to every job that shared it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The URL names no engine or place that we know.
    #[error("store url {url:?}: {why}")]
    Url {
        /// As given, without its password.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The database is not there, or is no longer the one that was opened.
    #[error("store {place}: {why}")]
    Gone {
        /// The database file, or the server's address without its password.
        place: String,
        /// What was seen.
        why: &'static str,
    },
    /// The server does not answer; nothing of the transaction was written.
    #[error("store {server}: the server does not answer: {source}")]
    Unreachable {
        /// Its address without its password.
        server: String,
        /// As the driver said it.
        source: Arc<sqlx::Error>,
    },
    /// The connection was lost during COMMIT, and the server could not be asked afterwards: the transaction may be durable or not.
    #[error("store: whether the last transaction is durable is not known: {cause}")]
    OutcomeUnknown {
        /// How the connection was lost.
        cause: Box<Error>,
    },
    /// Transactions of others were in the way each time that this one was tried.
    #[error("store: other transactions are in the way: {source}")]
    Conflict {
        /// As the engine said it.
        source: Arc<sqlx::Error>,
    },
    /// The server is older than what this program needs of it.
    #[error("store: the server is version {found}, {wanted} is the oldest that will do")]
    EngineOld {
        /// Its version.
        found: String,
        /// The oldest.
        wanted: &'static str,
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
    /// A job panicked, or waited for something else than the store in a thread that must not wait; its effects were undone.
    #[error("store: job {job} panicked, or waited where it must not")]
    Panicked {
        /// The job's name.
        job: &'static str,
    },
    /// The engine gave the whole transaction up and no job said why; nothing of it was written.
    #[error("store: transaction lost: {cause}")]
    TransactionLost {
        /// What the engine said when the job was to be ended.
        cause: Box<Error>,
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
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Url { .. } => "STORE_URL",
            Self::Gone { .. } => "STORE_GONE",
            Self::Unreachable { .. } => "STORE_UNREACHABLE",
            Self::OutcomeUnknown { .. } => "STORE_OUTCOME_UNKNOWN",
            Self::Conflict { .. } => "STORE_CONFLICT",
            Self::EngineOld { .. } => "STORE_ENGINE_OLD",
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
    pub const fn exit(&self) -> u8 {
        match self {
            Self::Url { .. } => 5,
            Self::Migration { source, .. } => source.exit(),
            Self::Constraint { .. } | Self::RowMissing | Self::Panicked { .. } | Self::Query { .. } => 70,
            _ => 8,
        }
    }

    /// What the operator can do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Url { .. } => {
                "write url = \"sqlite:PATH\" or \"postgres://USER@HOST/DATABASE\" in [store] of fuda.toml"
            }
            Self::Gone { .. } => {
                "mount the disk, create the folder or the database, or put back what was there; then start again"
            }
            Self::Unreachable { .. } => {
                "see that the server runs and the network is there; then run the same command again: it continues from what is durable"
            }
            Self::OutcomeUnknown { .. } => {
                "run the same command again: it reads what is durable and continues from there"
            }
            Self::Conflict { .. } => "run the same command again; when it stays so, look for sessions that hold locks",
            Self::EngineOld { .. } => "upgrade the server",
            Self::Denied { .. } => {
                "give this user read and write permission on the file and its folder, or on the server's database and its tables"
            }
            Self::Full { .. } => "free space on the disk of the store, then run the same command again",
            Self::Disk { .. } | Self::TransactionLost { .. } => {
                "check the disk and the kernel log; then run the same command again: it continues from what is durable"
            }
            Self::Damaged { .. } => "do not write to the file; restore the last backup beside it and compare",
            Self::Busy { .. } => {
                "end the other program that uses this store, or wait for it, then run the same command again"
            }
            Self::NewerSchema { .. } => "use the program version that wrote this store, or a newer one",
            Self::OlderSchema { .. } => {
                "stop the lines that use the store, run `fuda-factory store migrate`, then start again"
            }
            Self::ChangedMigration { .. } => {
                "use the release that made this store; a migration is never changed after delivery"
            }
            Self::Migration { .. } => "the store is as it was before; read the cause and run the same command again",
            Self::NotDurable { .. } => {
                "SQLite: move the store to a local disk whose file system supports its write-ahead log; PostgreSQL: correct the setting on the primary server"
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
