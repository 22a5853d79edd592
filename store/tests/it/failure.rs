//! What fails, fails alone, by its own name, and leaves nothing behind.

use std::sync::Barrier;

use fuda_store::{ConstraintKind, Error};
use fuda_tests_cluster::{Engine, on_both_engines};

use crate::{Fixture, ids, insert};

/// A caller's error type, as the crates above have.
#[derive(Debug)]
enum Refusal {
    AlreadyIssued,
    Store(Error),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AlreadyIssued => f.write_str("already issued"),
            Self::Store(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

fn a_failing_job_does_not_hurt_its_neighbours(engine: Engine) {
    let fixture = Fixture::on(engine);
    let gate = Barrier::new(30);
    std::thread::scope(|scope| {
        for id in 0..30_i64 {
            let (fixture, gate) = (&fixture, &gate);
            scope.spawn(move || {
                gate.wait();
                let done = fixture.store.run_tx_blocking("note.insert", async move |tx| {
                    sqlx::query("INSERT INTO note (id, body) VALUES ($1, $2)")
                        .bind(id)
                        .bind("x")
                        .execute(&mut *tx)
                        .await?;
                    if id % 3 == 0 { Err(Refusal::AlreadyIssued) } else { Ok(()) }
                });
                assert_eq!(done.is_err(), id % 3 == 0);
                assert!(!matches!(done, Err(Refusal::Store(_))));
            });
        }
    });
    assert_eq!(ids(&fixture.store), (0..30).filter(|id| id % 3 != 0).collect::<Vec<_>>());
    assert_eq!(fixture.store.metrics().jobs_failed, 10);
}

fn a_panicking_job_is_undone_and_the_store_lives_on(engine: Engine) {
    let fixture = Fixture::on(engine);
    let done = fixture.store.run_tx_blocking("note.panic", async |tx| {
        sqlx::query("INSERT INTO note (id, body) VALUES (1, 'x')").execute(tx).await?;
        if std::hint::black_box(true) {
            std::panic::resume_unwind(Box::new("a bug"));
        }
        Ok::<_, Error>(())
    });
    assert!(matches!(done, Err(Error::Panicked { job: "note.panic" })));
    insert(&fixture.store, 2, "x").unwrap();
    assert_eq!(ids(&fixture.store), [2]);
}

fn broken_rules_are_told_apart(engine: Engine) {
    let fixture = Fixture::on(engine);
    insert(&fixture.store, 1, "x").unwrap();
    let twice = insert(&fixture.store, 1, "x").unwrap_err();
    assert!(twice.is_duplicate_of("note.id"), "{twice:?}");
    let long = insert(&fixture.store, 2, &"x".repeat(4001)).unwrap_err();
    assert!(
        matches!(&long, Error::Constraint { kind: ConstraintKind::Check, what } if what == "body_short"),
        "{long:?}"
    );
    let empty = fixture.store.run_tx_blocking("note.empty", async |tx| {
        sqlx::query("INSERT INTO note (id, body) VALUES (3, NULL)").execute(tx).await?;
        Ok::<_, Error>(())
    });
    let empty = empty.unwrap_err();
    assert!(
        matches!(&empty, Error::Constraint { kind: ConstraintKind::NotNull, what } if what == "note.body"),
        "{empty:?}"
    );
    let wrong = fixture.store.run_tx_blocking("note.wrong", async |tx| {
        sqlx::query("SELECT nothing FROM nowhere").execute(tx).await?;
        Ok::<_, Error>(())
    });
    assert_eq!(wrong.unwrap_err().code(), "STORE_QUERY");
}

#[test]
fn a_full_database_fails_by_name_and_heals_when_there_is_room() {
    let fixture = Fixture::new();
    set_page_limit(&fixture, "PRAGMA max_page_count = 40");
    let body = "x".repeat(4000);
    let mut full = None;
    let mut kept = 0;
    for id in 0..200 {
        match insert(&fixture.store, id, &body) {
            Ok(()) => kept += 1,
            Err(error) => {
                full = Some(error);
                break;
            }
        }
    }
    let full = full.expect("forty pages do not hold two hundred");
    assert_eq!((full.code(), full.exit()), ("STORE_FULL", 8), "{full}");
    assert_eq!(ids(&fixture.store).len(), kept);
    set_page_limit(&fixture, "PRAGMA max_page_count = 4000");
    insert(&fixture.store, 999, &body).unwrap();
    assert_eq!(ids(&fixture.store).len(), kept + 1);
}

#[test]
fn a_full_database_fails_every_job_of_the_transaction() {
    let fixture = Fixture::new();
    set_page_limit(&fixture, "PRAGMA max_page_count = 60");
    let gate = Barrier::new(64);
    let acknowledged = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for id in 0..64 {
            let (fixture, gate, acknowledged) = (&fixture, &gate, &acknowledged);
            scope.spawn(move || {
                gate.wait();
                match insert(&fixture.store, id, &"x".repeat(4000)) {
                    Ok(()) => acknowledged.lock().unwrap().push(id),
                    Err(error) => assert_eq!(error.code(), "STORE_FULL", "{error}"),
                }
            });
        }
    });
    let mut acknowledged = acknowledged.into_inner().unwrap();
    acknowledged.sort_unstable();
    assert!(acknowledged.len() < 64);
    assert_eq!(ids(&fixture.store), acknowledged);
}

fn set_page_limit(fixture: &Fixture, pragma: &'static str) {
    fixture
        .store
        .run_tx_blocking("test.limit", async move |tx| {
            sqlx::raw_sql(pragma).execute(tx).await?;
            Ok::<_, Error>(())
        })
        .unwrap();
}

#[test]
fn a_deleted_file_is_noticed_at_the_next_commit() {
    let fixture = Fixture::new();
    insert(&fixture.store, 1, "x").unwrap();
    std::fs::remove_file(fixture.store.file().unwrap()).unwrap();
    let error = insert(&fixture.store, 2, "x").unwrap_err();
    assert_eq!((error.code(), error.exit()), ("STORE_GONE", 8), "{error}");
}

on_both_engines!(
    a_failing_job_does_not_hurt_its_neighbours,
    a_panicking_job_is_undone_and_the_store_lives_on,
    broken_rules_are_told_apart
);
