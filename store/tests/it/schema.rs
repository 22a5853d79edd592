//! Schemas: the future is refused, the past is migrated, changed migrations are found.

use fuda_store::{Error, Options, SchemaPolicy, SchemaVersion, Store};

use crate::{Fixture, url};

fn doctor(store: &Store, sql: &'static str) {
    let done = store.run_tx_blocking("test.doctor", async move |tx| {
        sqlx::raw_sql(sql).execute(tx).await?;
        Ok::<_, Error>(())
    });
    done.unwrap();
}

#[test]
fn the_applied_list_is_the_embedded_list() {
    let fixture = Fixture::new();
    let applied = fixture.store.applied_migrations().unwrap();
    let last = applied.last().map_or(SchemaVersion(0), |migration| migration.version);
    assert_eq!(last, SchemaVersion::known());
    assert!(applied.iter().all(|migration| (20_000_000_000_000..30_000_000_000_000).contains(&migration.version.0)));
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let Fixture { dir, store } = Fixture::new();
    doctor(&store, "INSERT INTO schema_migration VALUES (29991231235959, 'future', '00', '2999-12-31T23:59:59.000Z')");
    drop(store);
    let error = Store::open(&url(&dir)).unwrap_err();
    assert!(matches!(error, Error::NewerSchema { found: SchemaVersion(29_991_231_235_959), .. }), "{error}");
    assert_eq!((error.code(), error.exit()), ("STORE_SCHEMA_NEWER", 8));
}

#[test]
fn a_changed_migration_is_refused() {
    let Fixture { dir, store } = Fixture::new();
    doctor(&store, "UPDATE schema_migration SET checksum = 'ff'");
    drop(store);
    assert_eq!(Store::open(&url(&dir)).unwrap_err().code(), "STORE_SCHEMA_CHANGED");
}

#[test]
fn must_match_refuses_an_empty_file() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { schema: SchemaPolicy::MustMatch, ..Options::default() };
    let error = Store::open_with(&url(&dir), &options).unwrap_err();
    assert_eq!(error.code(), "STORE_SCHEMA_OLDER");
    drop(Store::open(&url(&dir)).unwrap());
    drop(Store::open_with(&url(&dir), &options).unwrap());
}

#[test]
fn two_openers_of_a_new_file_both_succeed() {
    let dir = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| drop(Store::open(&url(&dir)).unwrap()));
        }
    });
}
