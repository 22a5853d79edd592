//! The database as anybody reads it: with SQL, and none of the programs' code.

use rusqlite::Connection;
use rusqlite::types::ValueRef;
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
        let connection = self.connect();
        let mut statement = connection.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        let columns = statement.column_count();
        let row = |row: &rusqlite::Row<'_>| (0..columns).map(|at| row.get_ref(at).map(text)).collect();
        let rows = statement.query_map([], row).and_then(Iterator::collect);
        rows.unwrap_or_else(|error| panic!("{sql}: {error}"))
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
        let changed = self.connect().execute(sql, []).unwrap_or_else(|error| panic!("{sql}: {error}"));
        u64::try_from(changed).unwrap()
    }

    /// Keeps everybody else from writing to a file meanwhile, as a program that hangs in the midst of it would.
    pub fn locked(&self, meanwhile: impl FnOnce()) {
        let connection = self.connect();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        meanwhile();
        connection.execute_batch("ROLLBACK").unwrap();
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

    fn connect(&self) -> Connection {
        let connection = Connection::open(self.path()).unwrap();
        connection.busy_timeout(Duration::from_secs(10)).unwrap();
        connection
    }
}

/// A value as text; NULL as empty text.
fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}
