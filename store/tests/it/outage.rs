//! A server that goes away: what was acknowledged is there, what was not is done when it comes back, and who waits too long is told why.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fuda_store::{Error, Options, Store};
use fuda_tests_cluster::{Cluster, Engine, Syncs, engine_here};
use rustix::process::Signal;

use crate::{create_notes, ids, insert, options};

fn cluster(test: &str) -> Option<Cluster> {
    engine_here(Engine::Postgres, test)?;
    Some(Cluster::start(Syncs::No).unwrap())
}

#[test]
fn a_server_that_crashes_and_comes_back_loses_nothing_and_nobody_notices() {
    let Some(mut cluster) = cluster("outage::a_server_that_crashes_and_comes_back") else { return };
    let database = cluster.database();
    let store = Store::open_with(&database.url(), &options()).unwrap();
    create_notes(&store).unwrap();
    let stop = AtomicBool::new(false);
    let written = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4_i64)
            .map(|lane| {
                let (store, stop) = (&store, &stop);
                scope.spawn(move || {
                    let mut written = Vec::new();
                    for number in 0.. {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        let id = number * 4 + lane;
                        // Each row once: a transaction that was run again although it was durable would meet itself.
                        insert(store, id, "x").unwrap();
                        written.push(id);
                    }
                    written
                })
            })
            .collect();
        for _ in 0..3 {
            std::thread::sleep(Duration::from_millis(300));
            cluster.stop();
            std::thread::sleep(Duration::from_millis(200));
            cluster.run();
            assert!(!ids(&store).is_empty(), "a read finds its way back too");
        }
        std::thread::sleep(Duration::from_millis(300));
        stop.store(true, Ordering::Relaxed);
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect::<Vec<_>>()
    });
    let mut expected = written;
    expected.sort_unstable();
    assert_eq!(ids(&store), expected);
    assert!(store.metrics().repeated > 0);
}

#[test]
fn a_server_that_stays_away_is_named_and_the_store_goes_on_when_it_is_back() {
    let Some(mut cluster) = cluster("outage::a_server_that_stays_away") else { return };
    let impatient = Options { reconnect_timeout: Duration::from_millis(600), ..options() };
    let store = Store::open_with(&cluster.database().url(), &impatient).unwrap();
    create_notes(&store).unwrap();
    insert(&store, 1, "before").unwrap();
    cluster.stop();
    let began = Instant::now();
    for error in [insert(&store, 2, "while").unwrap_err(), insert(&store, 2, "while").unwrap_err()] {
        assert_eq!((error.code(), error.exit()), ("STORE_UNREACHABLE", 8), "{error}");
        assert!(error.to_string().contains("postgres://fuda@/"), "it names the server: {error}");
    }
    assert!(began.elapsed() >= Duration::from_millis(1200), "it was sought each time");
    let read = store.read_blocking("note.ids", async |tx| {
        Ok::<Vec<i64>, Error>(sqlx::query_scalar("SELECT id FROM note").fetch_all(tx).await?)
    });
    assert_eq!(read.unwrap_err().code(), "STORE_UNREACHABLE");
    cluster.run();
    insert(&store, 3, "after").unwrap();
    assert_eq!(ids(&store), [1, 3]);
}

#[test]
fn a_server_that_hangs_is_given_up_after_its_deadline() {
    let Some(cluster) = cluster("outage::a_server_that_hangs") else { return };
    let (answer, reconnect) = (Duration::from_millis(500), Duration::from_millis(300));
    let impatient = Options { answer_timeout: answer, reconnect_timeout: reconnect, ..options() };
    let store = Store::open_with(&cluster.database().url(), &impatient).unwrap();
    create_notes(&store).unwrap();
    cluster.signal_all(Signal::STOP);
    let began = Instant::now();
    let error = insert(&store, 1, "x").unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    // It was frozen before anything was sent, so nothing can have been committed.
    assert_eq!(error.code(), "STORE_UNREACHABLE", "{error}");
    cluster.signal_all(Signal::CONT);
    insert(&store, 2, "x").unwrap();
    assert_eq!(ids(&store), [2]);
}
