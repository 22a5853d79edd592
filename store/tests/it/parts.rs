//! Transactions of one part follow one another over all connections; those of two do not wait; two that are in each other's way part.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, LazyLock};
use std::time::Duration;

use fuda_store::{Error, Store};
use fuda_tests_cluster::{Engine, engine_here, on_both_engines};

use crate::{Fixture, ids};

/// Reads the highest number of a lane and writes the next: right only when nobody does the same meanwhile.
fn append(store: &Store, part: &str, lane: i64) -> Result<(), Error> {
    store.part(part).run_tx_blocking("note.append", async move |tx| {
        let (first, last) = (lane * 1_000_000, (lane + 1) * 1_000_000);
        let query = sqlx::query_scalar("SELECT COALESCE(MAX(id), $1) FROM note WHERE id BETWEEN $1 AND $2");
        let highest: i64 = query.bind(first).bind(last).fetch_one(&mut *tx).await?;
        tokio::task::yield_now().await;
        let insert = sqlx::query("INSERT INTO note (id, body) VALUES ($1, 'x')").bind(highest + 1);
        insert.execute(&mut *tx).await?;
        Ok(())
    })
}

fn what_a_transaction_read_is_true_when_it_commits(engine: Engine) {
    let fixture = Fixture::on(engine);
    // As two processes would have it open.
    let stores = [fixture.store.clone(), fixture.place.open()];
    let gate = Barrier::new(8);
    std::thread::scope(|scope| {
        for thread in 0..8_usize {
            let (stores, gate) = (&stores, &gate);
            scope.spawn(move || {
                gate.wait();
                for _ in 0..20 {
                    let lane = i64::from(thread % 4 >= 2);
                    append(&stores[thread % 2], ["a", "b"][usize::from(lane == 1)], lane).unwrap();
                }
            });
        }
    });
    let expected: Vec<i64> = (1..=80).chain(1_000_001..=1_000_080).collect();
    assert_eq!(ids(&fixture.store), expected);
}

fn a_lock_is_held_by_one_and_free_when_it_is_dropped(engine: Engine) {
    let fixture = Fixture::on(engine);
    let other = fixture.place.open();
    let lock = fixture.store.try_lock("job-A").unwrap().unwrap();
    assert!(other.try_lock("job-A").unwrap().is_none());
    assert!(other.try_lock("job-B").unwrap().is_some());
    drop(lock);
    assert!(other.try_lock("job-A").unwrap().is_some());
}

on_both_engines!(what_a_transaction_read_is_true_when_it_commits, a_lock_is_held_by_one_and_free_when_it_is_dropped);

#[test]
fn a_part_that_takes_long_holds_up_no_other_but_the_whole_store_waits_for_it() {
    if engine_here(Engine::Postgres, "parts::a_part_that_takes_long").is_none() {
        return;
    }
    let fixture = Fixture::on(Engine::Postgres);
    let others = fixture.place.open();
    let (begun, has_begun) = std::sync::mpsc::sync_channel(1);
    let (release, released) = tokio::sync::watch::channel(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let body = async move |_: &mut fuda_store::Conn| {
                begun.send(()).unwrap();
                released.clone().wait_for(|released| *released).await.unwrap();
                Ok::<_, Error>(())
            };
            fixture.store.part("slow").run_tx_blocking("test.slow", body).unwrap();
        });
        has_begun.recv().unwrap();
        // If it waited, it would do so for ever.
        append(&others, "quick", 0).unwrap();
        let all = scope.spawn(|| others.run_tx_blocking("test.all", async |_| Ok::<_, Error>(())));
        std::thread::sleep(Duration::from_millis(300));
        assert!(!all.is_finished(), "the whole store did not wait");
        release.send(true).unwrap();
        all.join().unwrap().unwrap();
    });
}

#[test]
fn two_transactions_in_each_others_way_are_both_done() {
    if engine_here(Engine::Postgres, "parts::two_transactions_in_each_others_way").is_none() {
        return;
    }
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    static BOTH_HAVE_ONE: LazyLock<tokio::sync::Barrier> = LazyLock::new(|| tokio::sync::Barrier::new(2));
    let fixture = Fixture::on(Engine::Postgres);
    let stores = [fixture.store.clone(), fixture.place.open()];
    for id in [1, 2] {
        crate::insert(&fixture.store, id, "").unwrap();
    }
    std::thread::scope(|scope| {
        for (number, (store, order)) in stores.iter().zip([[1_i64, 2], [2, 1]]).enumerate() {
            scope.spawn(move || {
                let body = async move |tx: &mut fuda_store::Conn| {
                    let is_first = RUNS.fetch_add(1, Ordering::Relaxed) < 2;
                    for (at, id) in order.into_iter().enumerate() {
                        let touch = "UPDATE note SET body = body || 'x' WHERE id = $1";
                        sqlx::query(touch).bind(id).execute(&mut *tx).await?;
                        if is_first && at == 0 {
                            BOTH_HAVE_ONE.wait().await;
                        }
                    }
                    Ok::<_, Error>(())
                };
                store.part(["a", "b"][number]).run_tx_blocking("test.cross", body).unwrap();
            });
        }
    });
    let bodies = fixture.store.read_blocking("test.bodies", async |tx| {
        Ok::<Vec<String>, Error>(sqlx::query_scalar("SELECT body FROM note").fetch_all(tx).await?)
    });
    assert_eq!(bodies.unwrap(), ["xx", "xx"], "each was done once by each");
    assert!(RUNS.load(Ordering::Relaxed) >= 3, "nobody was in the way");
    let repeated: u64 = stores.iter().map(|store| store.metrics().repeated).sum();
    assert!(repeated >= 1, "{repeated}");
}
