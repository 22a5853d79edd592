//! The store as its users see it: groups, failures, crashes, full disks, foreign schemas, two processes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the child process reports to its parent on standard output")]

mod contention;
mod crash;
mod failure;
mod group;
mod open;
mod schema;

use fuda_store::{Error, Store};
use tempfile::TempDir;

/// A store in a folder of its own with one table, `note(id, body)`.
struct Fixture {
    dir: TempDir,
    store: Store,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&url(&dir)).unwrap();
        create_notes(&store).unwrap();
        Self { dir, store }
    }
}

fn url(dir: &TempDir) -> String {
    format!("sqlite:{}/test.db", dir.path().display())
}

fn create_notes(store: &Store) -> Result<(), Error> {
    store.run_tx_blocking("note.table", async |tx| {
        let sql = "CREATE TABLE note (id BIGINT PRIMARY KEY, body TEXT NOT NULL, CONSTRAINT body_short CHECK (length(body) <= 4000))";
        sqlx::raw_sql(sql).execute(tx).await?;
        Ok(())
    })
}

fn insert(store: &Store, id: i64, body: &str) -> Result<(), Error> {
    let body = body.to_owned();
    store.run_tx_blocking("note.insert", async move |tx| {
        sqlx::query("/* note.insert */ INSERT INTO note (id, body) VALUES ($1, $2)")
            .bind(id)
            .bind(body)
            .execute(tx)
            .await?;
        Ok(())
    })
}

fn ids(store: &Store) -> Vec<i64> {
    store
        .read_blocking("note.ids", async |tx| {
            Ok::<_, Error>(sqlx::query_scalar("/* note.ids */ SELECT id FROM note ORDER BY id").fetch_all(tx).await?)
        })
        .unwrap()
}
