//! A server that goes away: what was acknowledged is there, what was not is done when it comes back, and who waits too long is told why.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fuda_store::{Error, Options, Store};
use fuda_tests_cluster::{Cluster, Engine, Syncs, engine_here};
use rustix::process::Signal;

use crate::{Fixture, create_notes, ids, insert, options};

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

/// What holds a COMMIT up.
#[derive(Debug, Clone, Copy)]
enum Lingers {
    /// A constraint that is checked at the end, before anything of the transaction has left the server's memory.
    Before,
    /// A standby that does not answer, when the transaction is on the disk.
    After,
}

/// The server crashes in the midst of a COMMIT; `between` runs when it is back. The store says that the transaction is durable.
fn crashes_in_a_commit(test: &str, lingers: Lingers, between: impl FnOnce(&Cluster)) {
    let Some(mut cluster) = cluster(test) else { return };
    let database = cluster.database();
    let store = Store::open_with(&database.url(), &options()).unwrap();
    create_notes(&store).unwrap();
    let waits_for = match lingers {
        Lingers::Before => {
            // As long as this server lives; the next one lets it pass.
            let born = &database.rows("SELECT pg_postmaster_start_time()::text")[0][0];
            database.change(&format!(
                "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 IF pg_postmaster_start_time() = '{born}' THEN PERFORM pg_sleep(3600); END IF; RETURN NULL; END $$; \
                 CREATE CONSTRAINT TRIGGER linger AFTER INSERT ON note INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION linger()",
            ));
            "PgSleep"
        }
        Lingers::After => {
            cluster.administer("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
            cluster.administer("SELECT pg_reload_conf()");
            "SyncRep"
        }
    };
    let over = AtomicBool::new(false);
    let written = std::thread::scope(|scope| {
        // The server takes a setting up when it has time; transactions before that are not held up.
        let writer = scope.spawn(|| {
            let mut written = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let id = i64::try_from(written.len()).unwrap();
                insert(&store, id, "x").unwrap();
                written.push(id);
            }
            written
        });
        let waiting = format!("SELECT pid FROM pg_stat_activity WHERE query = 'COMMIT' AND wait_event = '{waits_for}'");
        while database.rows(&waiting).is_empty() {
            assert!(!writer.is_finished(), "no COMMIT lingers");
        }
        cluster.signal_all(Signal::KILL);
        cluster.stop();
        cluster.run();
        between(&cluster);
        over.store(true, Ordering::Relaxed);
        writer.join().unwrap()
    });
    assert_eq!(ids(&store), written);
}

#[test]
fn a_transaction_that_a_crash_in_its_commit_undid_is_run_again() {
    crashes_in_a_commit("outage::a_transaction_that_a_crash_in_its_commit_undid", Lingers::Before, |_| {});
}

#[test]
fn a_transaction_that_a_crash_undid_is_not_taken_for_another_that_got_its_number() {
    crashes_in_a_commit("outage::a_transaction_that_a_crash_undid", Lingers::Before, |cluster| {
        (0..3).for_each(|number| cluster.administer(&format!("CREATE ROLE other_{number}")));
    });
}

#[test]
fn a_transaction_that_was_durable_before_a_crash_in_its_commit_is_not_run_again() {
    // Run again, it would meet its own row.
    crashes_in_a_commit("outage::a_transaction_that_was_durable", Lingers::After, |cluster| {
        cluster.administer("ALTER SYSTEM RESET synchronous_standby_names");
        cluster.administer("SELECT pg_reload_conf()");
    });
}

#[test]
fn the_mark_of_a_transaction_stays_whatever_its_jobs_do_and_goes_when_its_writer_is_long_gone() {
    if engine_here(Engine::Postgres, "outage::the_mark_of_a_transaction_stays").is_none() {
        return;
    }
    let fixture = Fixture::on(Engine::Postgres);
    let marks = || {
        let numbers = fixture.store.read_blocking("test.marks", async |tx| {
            let query = "SELECT number FROM store_writer ORDER BY seen_at, number";
            Ok::<Vec<i64>, Error>(sqlx::query_scalar(query).fetch_all(tx).await?)
        });
        numbers.unwrap()
    };
    let change = |sql: &'static str| {
        let body = async move |tx: &mut fuda_store::Conn| {
            sqlx::query(sql).execute(tx).await?;
            Ok::<_, Error>(())
        };
        fixture.store.run_tx_blocking("test.change", body)
    };
    assert_eq!(marks(), [1], "of the transaction that made the table");
    change("DELETE FROM store_writer").unwrap();
    assert!(marks().is_empty());
    change("INSERT INTO note (id) VALUES (1)").unwrap_err();
    assert_eq!(marks(), [3], "its one job was undone");
    change("INSERT INTO store_writer VALUES (1, 9, '2020-01-01T00:00:00.000Z')").unwrap();
    assert_eq!(marks(), [9, 4]);
    let _ = fixture.place.open();
    assert_eq!(marks(), [4]);
}

#[test]
fn a_server_that_stays_away_is_named_and_the_store_goes_on_when_it_is_back() {
    let Some(mut cluster) = cluster("outage::a_server_that_stays_away") else { return };
    let reconnect = Duration::from_secs(2);
    let impatient = Options { reconnect_timeout: reconnect, ..options() };
    let store = Store::open_with(&cluster.database().url(), &impatient).unwrap();
    create_notes(&store).unwrap();
    insert(&store, 1, "before").unwrap();
    cluster.stop();
    let began = Instant::now();
    for error in [insert(&store, 2, "while").unwrap_err(), insert(&store, 2, "while").unwrap_err()] {
        assert_eq!((error.code(), error.exit()), ("STORE_UNREACHABLE", 8), "{error}");
        assert!(error.to_string().contains("postgres://fuda@/"), "it names the server: {error}");
    }
    assert!(began.elapsed() >= 2 * reconnect, "it was sought each time");
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
    let (answer, reconnect) = (Duration::from_secs(2), Duration::from_secs(2));
    let impatient = Options { answer_timeout: answer, reconnect_timeout: reconnect, ..options() };
    let store = Store::open_with(&cluster.database().url(), &impatient).unwrap();
    create_notes(&store).unwrap();
    cluster.signal_all(Signal::STOP);
    let began = Instant::now();
    let error = insert(&store, 1, "x").unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
    // It was frozen before anything was sent, so nothing can have been committed.
    assert_eq!(error.code(), "STORE_UNREACHABLE", "{error}");
    cluster.signal_all(Signal::CONT);
    insert(&store, 2, "x").unwrap();
    assert_eq!(ids(&store), [2]);
}
