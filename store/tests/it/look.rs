//! Looking: a short read, on a file in the thread of its caller.

use fuda_store::{Error, Store};
use fuda_tests_cluster::{Engine, on_both_engines};
use tokio::runtime::Runtime;

use crate::{Fixture, ids, insert};

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

async fn count(store: &Store) -> Result<i64, Error> {
    let count =
        async |tx: &mut fuda_store::Conn| Ok(sqlx::query_scalar("SELECT COUNT(*) FROM note").fetch_one(tx).await?);
    store.look("note.count", count).await
}

fn a_look_sees_all_that_was_answered_before_it(engine: Engine) {
    let fixture = Fixture::on(engine);
    std::thread::scope(|scope| {
        for caller in 0..4_i64 {
            let store = &fixture.store;
            scope.spawn(move || {
                for id in 0..10 {
                    insert(store, 10 * caller + id, "x").unwrap();
                    let seen = runtime().block_on(count(store)).unwrap();
                    assert!((id + 1..=40).contains(&seen), "{seen} after {} of its own", id + 1);
                }
            });
        }
    });
    assert_eq!(runtime().block_on(count(&fixture.store)).unwrap(), 40);
}

fn a_look_changes_nothing_and_gives_the_error_of_its_job(engine: Engine) {
    let fixture = Fixture::on(engine);
    let write = fixture.store.look("note.write", async |tx| {
        sqlx::query("INSERT INTO note (id, body) VALUES (1, 'x')").execute(tx).await?;
        Ok::<_, Error>(())
    });
    assert!(runtime().block_on(write).is_err());
    let missing = fixture.store.look("note.missing", async |tx| {
        Ok::<i64, Error>(sqlx::query_scalar("SELECT id FROM note WHERE id = 7").fetch_one(tx).await?)
    });
    assert!(matches!(runtime().block_on(missing), Err(Error::RowMissing)));
    assert!(ids(&fixture.store).is_empty());
    assert_eq!(runtime().block_on(count(&fixture.store)).unwrap(), 0, "its connection goes on");
}

/// It would hold up whoever shares the caller's thread.
#[test]
fn a_look_into_a_file_waits_for_nothing_else() {
    let fixture = Fixture::on(Engine::Sqlite);
    let waits = fixture.store.look("note.waits", async |_| {
        std::future::pending::<()>().await;
        Ok::<_, Error>(())
    });
    assert!(matches!(runtime().block_on(waits), Err(Error::Panicked { job: "note.waits" })));
    insert(&fixture.store, 1, "x").unwrap();
    assert_eq!(runtime().block_on(count(&fixture.store)).unwrap(), 1);
}

/// The last connection folds the log back; none of those that looked may be left.
#[test]
fn a_store_that_was_looked_into_closes_whole() {
    let Fixture { place, store } = Fixture::on(Engine::Sqlite);
    insert(&store, 1, "x").unwrap();
    runtime().block_on(count(&store)).unwrap();
    drop(store);
    assert!(!place.dir.path().join("test.db-wal").exists());
}

on_both_engines!(a_look_sees_all_that_was_answered_before_it, a_look_changes_nothing_and_gives_the_error_of_its_job);
