//! A test's database, read and changed as anybody would: with SQL, and none of the programs' code.

use std::future::Future;
use std::path::{Path, PathBuf};

use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};

/// A database of a cluster. It ends with the cluster.
#[derive(Debug, Clone)]
pub struct Database {
    name: String,
    socket: PathBuf,
}

impl Database {
    pub(crate) fn new(name: String, socket: &Path) -> Self {
        Self { name, socket: socket.to_owned() }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The URL for `fuda.toml`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://fuda@/{}?host={}&port=5432", self.name, self.socket.display())
    }

    /// The rows of a query, every value as text; NULL as empty text.
    #[must_use]
    pub fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        self.with(async |connection| {
            // The simple protocol answers every type as text.
            let rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(connection).await;
            let rows = rows.unwrap_or_else(|error| panic!("{sql}: {error}"));
            let value = |row: &PgRow, at| row.try_get_unchecked::<Option<String>, _>(at).unwrap().unwrap_or_default();
            rows.iter().map(|row| (0..row.len()).map(|at| value(row, at)).collect()).collect()
        })
    }

    /// Changes it; answers the number of rows changed.
    pub fn change(&self, sql: &str) -> u64 {
        self.with(async |connection| {
            let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await;
            done.unwrap_or_else(|error| panic!("{sql}: {error}")).rows_affected()
        })
    }

    fn with<T>(&self, body: impl AsyncFnOnce(&mut PgConnection) -> T) -> T {
        block_on(async {
            let options = PgConnectOptions::new_without_pgpass().socket(&self.socket).port(5432);
            let mut connection = options.username("fuda").database(&self.name).connect().await.unwrap();
            let out = body(&mut connection).await;
            connection.close().await.unwrap();
            out
        })
    }
}

pub(crate) fn block_on<T>(body: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(body)
}
