//! From an engine's result code to who has to act.
//!
//! Result codes of SQLite: <https://www.sqlite.org/rescode.html>; SQLSTATE of PostgreSQL: its manual, appendix A. The former have one to four
//! digits, the latter five characters, so one function reads both.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::postgres::PgDatabaseError;

use crate::{ConstraintKind, Error};

/// Characters of a SQLSTATE.
const SQLSTATE_LENGTH: usize = 5;

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
            // A file's errors come as result codes: what fails here is the way to a server.
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) => Self::Unreachable { server: String::new(), source },
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

    /// Sorts an engine's result code by who has to act.
    fn from_engine(code: &str, source: Arc<sqlx::Error>) -> Self {
        match code.parse() {
            Ok(extended) if code.len() < SQLSTATE_LENGTH => Self::from_sqlite(extended, source),
            _ => Self::from_sqlstate(code, source),
        }
    }

    /// PostgreSQL's manual, appendix A.
    fn from_sqlstate(code: &str, source: Arc<sqlx::Error>) -> Self {
        match code {
            "40001" | "40P01" => Self::Conflict { source },
            "55P03" | "57014" | "53300" => Self::Busy { source },
            "53100" => Self::Full { source },
            "58030" | "58P01" | "58P02" => Self::Disk { source },
            "XX001" | "XX002" => Self::Damaged { source },
            "42501" | "25006" | "28000" | "28P01" => Self::Denied { source },
            "3D000" => Self::Gone { place: String::new(), why: "the server has no database of this name" },
            "25P03" | "57P01" | "57P02" | "57P03" | "57P05" => Self::Unreachable { server: String::new(), source },
            code if code.starts_with("08") => Self::Unreachable { server: String::new(), source },
            _ => Self::Query { source },
        }
    }

    /// A result code of SQLite, extended.
    fn from_sqlite(extended: u32, source: Arc<sqlx::Error>) -> Self {
        // SQLITE_IOERR_SHMSIZE (19 << 8 | 10): the shared-memory file could not grow, which is how WAL meets a full disk.
        const IOERR_SHMSIZE: u32 = 4874;
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

    /// A server that said nothing for as long as a transaction may take.
    pub(crate) fn silent(limit: Duration) -> Self {
        let text = format!("no answer within {} s", limit.as_secs());
        let source = Arc::new(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, text)));
        Self::Unreachable { server: String::new(), source }
    }

    /// The engine gave a transaction up and no job said why.
    pub(crate) fn lost(error: sqlx::Error) -> Self {
        match Self::from(error) {
            told @ (Self::Unreachable { .. } | Self::Conflict { .. }) => told,
            other => Self::TransactionLost { cause: Box::new(other) },
        }
    }

    /// Whether the connection is gone, and with it whatever was not committed.
    pub(crate) const fn is_lost_connection(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    /// Whether more than the job that met it is lost, so that its neighbours must be run again with it.
    pub(crate) const fn takes_the_transaction(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Conflict { .. })
    }
}

/// A rule that a row broke, by the name that both engines can be asked for: `table.column` for uniqueness and presence.
fn constraint(engine: &dyn DatabaseError) -> Option<Error> {
    let kind = match engine.kind() {
        ErrorKind::UniqueViolation => ConstraintKind::Unique,
        ErrorKind::ForeignKeyViolation => ConstraintKind::ForeignKey,
        ErrorKind::NotNullViolation => ConstraintKind::NotNull,
        ErrorKind::CheckViolation => ConstraintKind::Check,
        _ => return None,
    };
    let what = match engine.try_downcast_ref::<PgDatabaseError>() {
        Some(error) => named_by_postgres(kind, error),
        None => named_by_sqlite(engine.message()),
    };
    Some(Error::Constraint { kind, what })
}

/// "UNIQUE constraint failed: card.kdd", "CHECK constraint failed: body_short".
fn named_by_sqlite(message: &str) -> String {
    message.split_once("failed: ").map_or(message, |(_, told)| told).to_owned()
}

/// The columns stand in the detail, in every language: "Key (name, number)=(issuer, 1) already exists."
fn named_by_postgres(kind: ConstraintKind, error: &PgDatabaseError) -> String {
    let column = |name: &str| format!("{}.{}", error.table().unwrap_or_default(), name.trim());
    let columns = match kind {
        ConstraintKind::NotNull => error.column().map(column),
        ConstraintKind::Unique => key_columns(error.detail().unwrap_or_default())
            .map(|names| names.split(',').map(column).collect::<Vec<_>>().join(", ")),
        ConstraintKind::ForeignKey | ConstraintKind::Check => None,
    };
    columns.unwrap_or_else(|| error.constraint().unwrap_or_else(|| error.message()).to_owned())
}

/// What stands between the first `(` and `)=`.
fn key_columns(detail: &str) -> Option<&str> {
    Some(detail.split_once('(')?.1.split_once(")=")?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_both_engines_say_who_has_to_act() {
        for (code, ours) in [
            ("13", "STORE_FULL"),
            ("4874", "STORE_FULL"),
            ("5", "STORE_BUSY"),
            ("26", "STORE_DAMAGED"),
            ("1", "STORE_QUERY"),
            ("53100", "STORE_FULL"),
            ("55P03", "STORE_BUSY"),
            ("40001", "STORE_CONFLICT"),
            ("40P01", "STORE_CONFLICT"),
            ("28P01", "STORE_DENIED"),
            ("3D000", "STORE_GONE"),
            ("57P01", "STORE_UNREACHABLE"),
            ("08006", "STORE_UNREACHABLE"),
            ("XX001", "STORE_DAMAGED"),
            ("42601", "STORE_QUERY"),
        ] {
            assert_eq!(Error::from_engine(code, Arc::new(sqlx::Error::RowNotFound)).code(), ours, "{code}");
        }
    }

    #[test]
    fn columns_are_found_in_the_detail_of_any_language() {
        assert_eq!(key_columns("Key (name, number)=(issuer, 1) already exists."), Some("name, number"));
        assert_eq!(key_columns("キー (name)=(a) はすでに存在します。"), Some("name"));
        assert_eq!(key_columns("Key (lower(name))=(a) already exists."), Some("lower(name)"));
        assert_eq!(key_columns(""), None);
    }
}
