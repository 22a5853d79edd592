//! A connection: SQLite in this process, or a server. Queries of `sqlx` run on either, with the rows of `sqlx::Any`.

use futures_util::future::{self, BoxFuture};
use futures_util::stream::{self, BoxStream, StreamExt};
use sqlx::any::{AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo};
use sqlx::{Any, AnyConnection, Connection, Describe, Either, Execute, Executor, SqlStr};

use crate::sqlite;

/// The connection a job works on, inside its transaction.
///
/// A job never says BEGIN, COMMIT or ROLLBACK itself: it answers `Ok` or `Err`.
#[derive(Debug)]
pub struct Conn(Inner);

#[derive(Debug)]
enum Inner {
    /// Statements run in the thread that asks for them and are done when they are first polled: a store's threads wait for nothing else.
    File(sqlite::Connection),
    Server(AnyConnection),
}

impl Conn {
    pub(crate) const fn file(conn: sqlite::Connection) -> Self {
        Self(Inner::File(conn))
    }

    pub(crate) const fn server(conn: AnyConnection) -> Self {
        Self(Inner::Server(conn))
    }

    pub(crate) const fn is_to_server(&self) -> bool {
        matches!(self.0, Inner::Server(_))
    }

    /// Closes it in order; the last connection to an SQLite file folds the write-ahead log back.
    pub(crate) async fn close(self) {
        match self.0 {
            Inner::File(conn) => drop(conn),
            // Whatever goes wrong now was committed before, or is not wanted.
            Inner::Server(conn) => drop(conn.close().await),
        }
    }
}

impl<'c> Executor<'c> for &'c mut Conn {
    type Database = Any;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, sqlx::Result<Either<AnyQueryResult, AnyRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        match &mut self.0 {
            Inner::Server(conn) => conn.fetch_many(query),
            Inner::File(conn) => stream::once(async move { conn.all(query) }).flat_map(stream::iter).boxed(),
        }
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<AnyRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        match &mut self.0 {
            Inner::Server(conn) => conn.fetch_optional(query),
            Inner::File(conn) => Box::pin(async move { conn.first(query) }),
        }
    }

    fn prepare_with<'e>(self, sql: SqlStr, types: &'e [AnyTypeInfo]) -> BoxFuture<'e, sqlx::Result<AnyStatement>>
    where
        'c: 'e,
    {
        match &mut self.0 {
            Inner::Server(conn) => conn.prepare_with(sql, types),
            Inner::File(_) => Box::pin(future::err(not_here("prepare"))),
        }
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<Describe<Any>>>
    where
        'c: 'e,
    {
        match &mut self.0 {
            Inner::Server(conn) => conn.describe(sql),
            Inner::File(_) => Box::pin(future::err(not_here("describe"))),
        }
    }
}

/// Statements are prepared when they first run, and described by nobody.
fn not_here(what: &str) -> sqlx::Error {
    sqlx::Error::AnyDriverError(format!("{what} is not offered for SQLite").into())
}
