//! From an engine's result code to who has to act.
//!
//! Result codes of SQLite: <https://www.sqlite.org/rescode.html>; SQLSTATE of PostgreSQL: its manual, appendix A. The former have one to four
//! digits, the latter five characters, so one function reads both.

use std::sync::Arc;

use sqlx::error::{DatabaseError, ErrorKind};

use crate::{ConstraintKind, Error};

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
