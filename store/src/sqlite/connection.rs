//! A connection to an SQLite file, in the thread of its user, with the arguments and rows of `sqlx::Any`.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{OpenFlags, Row, Statement};
use sqlx::any::{AnyArguments, AnyQueryResult, AnyRow, AnyTypeInfo, AnyTypeInfoKind, AnyValue};
use sqlx::{Any, Either, Execute};
use sqlx_core::HashMap;
use sqlx_core::any::{AnyColumn, AnyValueKind};
use sqlx_core::ext::ustr::UStr;

use super::failure::failure;

/// Statements that stay prepared: all that the programs have, with room for those that they put together.
const STATEMENTS_KEPT: usize = 256;

/// A row, or how many rows a statement changed.
type Step = Either<AnyQueryResult, AnyRow>;

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection {
    conn: rusqlite::Connection,
    /// Of the statements that have rows.
    names: RefCell<HashMap<Box<str>, Arc<Names>>>,
}

impl Connection {
    /// Opens a file that is there.
    pub(crate) fn open(path: &Path) -> sqlx::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = rusqlite::Connection::open_with_flags(path, flags).map_err(failure)?;
        conn.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        Ok(Self { conn, names: RefCell::default() })
    }

    /// Everything that a query gives.
    pub(crate) fn all<'q>(&self, query: impl Execute<'q, Any>) -> Vec<sqlx::Result<Step>> {
        let mut steps = Vec::new();
        let ended = self.run(query, |row| {
            steps.push(Ok(Either::Right(row)));
            Wanted::More
        });
        steps.push(ended.map(Either::Left));
        steps
    }

    /// The first row that a query gives; it runs no further.
    pub(crate) fn first<'q>(&self, query: impl Execute<'q, Any>) -> sqlx::Result<Option<AnyRow>> {
        let mut first = None;
        self.run(query, |row| {
            first = Some(row);
            Wanted::Enough
        })?;
        Ok(first)
    }

    fn run<'q>(
        &self,
        mut query: impl Execute<'q, Any>,
        mut take: impl FnMut(AnyRow) -> Wanted,
    ) -> sqlx::Result<AnyQueryResult> {
        let arguments = query.take_arguments().map_err(sqlx::Error::Encode)?;
        let sql = query.sql();
        let before = self.conn.total_changes();
        match arguments {
            // Text without arguments may be several statements; nobody asks for their rows.
            None => self.conn.execute_batch(sql.as_str()).map_err(failure)?,
            Some(arguments) => {
                let mut statement = self.conn.prepare_cached(sql.as_str()).map_err(failure)?;
                bind(&mut statement, &arguments)?;
                // What makes no rows needs no names.
                let names = (statement.column_count() > 0).then(|| self.names(sql.as_str(), &statement));
                let mut rows = statement.raw_query();
                while let Some(row) = rows.next().map_err(failure)? {
                    if let Some(names) = &names
                        && take(names.row(row)?) == Wanted::Enough
                    {
                        break;
                    }
                }
            }
        }
        Ok(AnyQueryResult { rows_affected: self.conn.total_changes() - before, last_insert_id: None })
    }

    /// The names of a statement's columns, which stay as they are while its text does.
    fn names(&self, sql: &str, statement: &Statement<'_>) -> Arc<Names> {
        let mut kept = self.names.borrow_mut();
        if let Some(names) = kept.get(sql).filter(|names| names.list.len() == statement.column_count()) {
            return Arc::clone(names);
        }
        if kept.len() >= STATEMENTS_KEPT {
            kept.clear();
        }
        let names = Arc::new(Names::of(statement));
        kept.insert(sql.into(), Arc::clone(&names));
        names
    }
}

/// Whether whoever takes rows wants another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    More,
    Enough,
}

/// Gives every `$N` the argument of this number: SQLite itself counts parameters in the order in which they stand.
fn bind(statement: &mut Statement<'_>, arguments: &AnyArguments) -> sqlx::Result<()> {
    for index in 1..=statement.parameter_count() {
        let number = statement.parameter_name(index).and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok());
        let value = number.and_then(|number| arguments.values.0.get(number.checked_sub(1)?));
        let value = value.ok_or_else(|| sqlx::Error::Encode(format!("parameter {index} has no argument").into()))?;
        statement.raw_bind_parameter(index, argument(value)?).map_err(failure)?;
    }
    Ok(())
}

fn argument(value: &AnyValueKind) -> sqlx::Result<ToSqlOutput<'_>> {
    Ok(ToSqlOutput::Borrowed(match value {
        AnyValueKind::Null(_) => ValueRef::Null,
        AnyValueKind::Bool(yes) => ValueRef::Integer(i64::from(*yes)),
        AnyValueKind::SmallInt(number) => ValueRef::Integer(i64::from(*number)),
        AnyValueKind::Integer(number) => ValueRef::Integer(i64::from(*number)),
        AnyValueKind::BigInt(number) => ValueRef::Integer(*number),
        AnyValueKind::Real(number) => ValueRef::Real(f64::from(*number)),
        AnyValueKind::Double(number) => ValueRef::Real(*number),
        AnyValueKind::Text(text) => ValueRef::Text(text.as_bytes()),
        AnyValueKind::TextSlice(text) => ValueRef::Text(text.as_bytes()),
        AnyValueKind::Blob(bytes) => ValueRef::Blob(bytes),
        _ => return Err(sqlx::Error::Encode("an argument of a kind that SQLite has not".into())),
    }))
}

/// Names of a result's columns, shared by its rows.
#[derive(Debug)]
struct Names {
    list: Vec<UStr>,
    places: Arc<HashMap<UStr, usize>>,
}

impl Names {
    fn of(statement: &Statement<'_>) -> Self {
        let list: Vec<UStr> = statement.column_names().into_iter().map(UStr::new).collect();
        let places = list.iter().cloned().zip(0..).collect();
        Self { list, places: Arc::new(places) }
    }

    fn row(&self, row: &Row<'_>) -> sqlx::Result<AnyRow> {
        let (mut columns, mut values) = (Vec::with_capacity(self.list.len()), Vec::with_capacity(self.list.len()));
        for (ordinal, name) in self.list.iter().enumerate() {
            let (kind, value) = column(row.get_ref(ordinal).map_err(failure)?)?;
            columns.push(AnyColumn { ordinal, name: name.clone(), type_info: AnyTypeInfo { kind } });
            values.push(AnyValue { kind: value });
        }
        Ok(AnyRow { column_names: Arc::clone(&self.places), columns, values })
    }
}

/// A value by the type that it has, whatever its column was declared as.
fn column(value: ValueRef<'_>) -> sqlx::Result<(AnyTypeInfoKind, AnyValueKind)> {
    Ok(match value {
        ValueRef::Null => (AnyTypeInfoKind::Null, AnyValueKind::Null(AnyTypeInfoKind::Null)),
        ValueRef::Integer(number) => (AnyTypeInfoKind::BigInt, AnyValueKind::BigInt(number)),
        ValueRef::Real(number) => (AnyTypeInfoKind::Double, AnyValueKind::Double(number)),
        ValueRef::Text(bytes) => {
            let text = str::from_utf8(bytes).map_err(|error| sqlx::Error::Decode(error.into()))?;
            (AnyTypeInfoKind::Text, AnyValueKind::Text(Arc::new(text.to_owned())))
        }
        ValueRef::Blob(bytes) => (AnyTypeInfoKind::Blob, AnyValueKind::Blob(Arc::new(bytes.to_vec()))),
    })
}
