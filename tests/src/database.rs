//! The database as anybody reads it: with SQL, and none of the programs' code.

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A database of either engine.
#[derive(Debug)]
pub struct Database {
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// A SQLite file.
    File(PathBuf),
    /// A database of a PostgreSQL cluster.
    Server(fuda_tests_cluster::Database),
}

impl Database {
    /// The database in a file.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self { place: Place::File(path.to_owned()) }
    }

    /// The database of a cluster.
    #[must_use]
    pub const fn on_server(database: fuda_tests_cluster::Database) -> Self {
        Self { place: Place::Server(database) }
    }

    /// The file, of a database that is one.
    fn path(&self) -> &Path {
        match &self.place {
            Place::File(path) => path,
            Place::Server(database) => panic!("{} is no file", database.name()),
        }
    }

    /// The rows of a query, every value as text; NULL as empty text.
    #[must_use]
    pub fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        if let Place::Server(database) = &self.place {
            return database.rows(sql);
        }
        self.with(async |connection| {
            let rows =
                sqlx::query(AssertSqlSafe(sql)).fetch_all(connection).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
            let value =
                |row: &sqlx::sqlite::SqliteRow, at| row.get_unchecked::<Option<String>, _>(at).unwrap_or_default();
            rows.iter().map(|row| (0..row.len()).map(|at| value(row, at)).collect()).collect()
        })
    }

    /// The first column of a query.
    #[must_use]
    pub fn column(&self, sql: &str) -> Vec<String> {
        self.rows(sql).into_iter().map(|row| row.into_iter().next().unwrap_or_default()).collect()
    }

    /// A number that a query counts.
    #[must_use]
    pub fn count(&self, sql: &str) -> u64 {
        let rows = self.column(sql);
        rows.first().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{sql}: {rows:?} is no number"))
    }

    /// Changes the database as other hands would; answers the number of rows changed.
    pub fn change(&self, sql: &str) -> u64 {
        if let Place::Server(database) = &self.place {
            return database.change(sql);
        }
        self.with(async |connection| {
            let done = sqlx::query(AssertSqlSafe(sql)).execute(connection).await;
            done.unwrap_or_else(|error| panic!("{sql}: {error}")).rows_affected()
        })
    }

    /// Keeps everybody else from writing to a file meanwhile, as a program that hangs in the midst of it would.
    pub fn locked(&self, meanwhile: impl FnOnce()) {
        self.with(async |connection| {
            for (sql, then) in [("BEGIN IMMEDIATE", Some(meanwhile)), ("ROLLBACK", None)] {
                let done = sqlx::query(AssertSqlSafe(sql)).execute(&mut *connection).await;
                done.unwrap_or_else(|error| panic!("{sql}: {error}"));
                if let Some(then) = then {
                    then();
                }
            }
        });
    }

    /// The file with all that was written, when no program uses it: one that ended in a hurry leaves the newest pages in the log beside it.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let _ = self.rows("PRAGMA wal_checkpoint(TRUNCATE)");
        std::fs::read(self.path()).unwrap()
    }

    /// Puts another file in its place, without the log of the one before.
    pub fn replace(&self, bytes: &[u8]) {
        for extension in ["db-wal", "db-shm"] {
            let _ = std::fs::remove_file(self.path().with_extension(extension));
        }
        std::fs::write(self.path(), bytes).unwrap();
    }

    fn with<T>(&self, body: impl AsyncFnOnce(&mut SqliteConnection) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let options = SqliteConnectOptions::new().filename(self.path()).busy_timeout(Duration::from_secs(10));
            let mut connection = options.connect().await.unwrap();
            let out = body(&mut connection).await;
            connection.close().await.unwrap();
            out
        })
    }
}
