//! The store as its users see it: groups, failures, crashes, full disks, foreign schemas, two processes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the child process reports to its parent on standard output")]

mod contention;
mod crash;
mod failure;
mod group;
mod look;
mod open;
mod outage;
mod parts;
mod schema;
mod server;

use fuda_store::{DurabilityPolicy, Error, Options, SchemaPolicy, Store};
use fuda_tests_cluster::{Cluster, Engine};
use tempfile::TempDir;

/// A place of its own for a store, on either engine.
struct Place {
    dir: TempDir,
    url: String,
}

impl Place {
    fn on(engine: Engine) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = match engine {
            Engine::Sqlite => url(&dir),
            Engine::Postgres => Cluster::of_this_binary().unwrap().database().url(),
        };
        Self { dir, url }
    }

    fn open(&self) -> Store {
        Store::open_with(&self.url, &options()).unwrap()
    }
}

/// The defaults, but for a new database and a cluster that does not sync.
fn options() -> Options {
    Options { schema: SchemaPolicy::Migrate, durability: DurabilityPolicy::ThrowAway, ..Options::default() }
}

/// A store in a place of its own with one table, `note(id, body)`.
struct Fixture {
    place: Place,
    store: Store,
}

impl Fixture {
    fn new() -> Self {
        Self::on(Engine::Sqlite)
    }

    fn on(engine: Engine) -> Self {
        let place = Place::on(engine);
        let store = place.open();
        create_notes(&store).unwrap();
        Self { place, store }
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
