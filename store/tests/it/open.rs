//! Opening: file mode, settings, wrong places.

use std::os::unix::fs::PermissionsExt;

use fuda_store::{Error, Keeps, Store};
use fuda_tests_cluster::{Engine, on_both_engines};

use crate::{Fixture, Place, ids, insert, url};

#[test]
fn a_new_file_is_private_and_durable_settings_are_read_back() {
    let fixture = Fixture::new();
    let mode = std::fs::metadata(fixture.store.file().unwrap()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let durability = fixture.store.durability();
    assert_eq!(durability.keeps, Keeps::WhatItAcknowledged);
    let told = durability.to_string();
    assert!(told.starts_with("SQLite 3.") && told.ends_with(", journal_mode=wal, synchronous=FULL"), "{told}");
    let wal = std::fs::metadata(fixture.place.dir.path().join("test.db-wal")).unwrap().permissions().mode();
    assert_eq!(wal & 0o777, 0o600);
}

#[test]
fn closing_waits_for_the_writer_and_folds_the_log_back() {
    // A reader and the writer that closed at the same moment left the log in place, about once in a thousand times.
    for _ in 0..20 {
        let Fixture { place: Place { dir, .. }, store } = Fixture::new();
        insert(&store, 1, "x").unwrap();
        let clone = store.clone();
        drop(store);
        assert_eq!(ids(&clone), [1]);
        drop(clone);
        assert!(!dir.path().join("test.db-wal").exists());
        assert_eq!(ids(&Store::open(&url(&dir)).unwrap()), [1]);
    }
}

#[test]
fn a_path_with_awkward_characters_is_taken_literally() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("発行 50%?mode=ro#1.db");
    drop(Store::open(&format!("sqlite:{}", path.display())).unwrap());
    assert!(path.exists());
}

#[test]
fn a_missing_folder_and_a_foreign_file_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let error = Store::open(&format!("sqlite:{}/absent/x.db", dir.path().display())).unwrap_err();
    assert_eq!((error.code(), error.exit()), ("STORE_GONE", 8));
    assert!(error.to_string().contains("absent/x.db"), "{error}");

    std::fs::write(dir.path().join("test.db"), b"this is not a database, and long enough to be seen as one".repeat(20))
        .unwrap();
    let error = Store::open(&url(&dir)).unwrap_err();
    assert_eq!((error.code(), error.exit()), ("STORE_DAMAGED", 8), "{error}");
}

#[test]
fn a_folder_in_place_of_the_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("test.db")).unwrap();
    assert_eq!(Store::open(&url(&dir)).unwrap_err().code(), "STORE_DENIED");
}

fn a_read_cannot_write(engine: Engine) {
    let fixture = Fixture::on(engine);
    let refused = fixture.store.read_blocking("note.sneak", async |tx| {
        sqlx::query("INSERT INTO note (id, body) VALUES (1, 'x')").execute(tx).await?;
        Ok::<_, Error>(())
    });
    assert_eq!(refused.unwrap_err().code(), "STORE_DENIED");
    assert!(ids(&fixture.store).is_empty());
}

on_both_engines!(a_read_cannot_write);
