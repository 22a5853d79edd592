//! Group commit: many jobs, few commits; and an answer is never earlier than its commit.

use std::sync::Barrier;
use std::time::Duration;

use fuda_store::Error;

use crate::{Fixture, ids, insert};

#[test]
fn jobs_that_wait_share_a_commit() {
    let fixture = Fixture::new();
    let before = fixture.store.metrics();
    let gate = Barrier::new(33);
    let (holds, held) = std::sync::mpsc::sync_channel(1);
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    std::thread::scope(|scope| {
        // While this job holds the writer, the others queue up behind it.
        scope.spawn(|| {
            fixture.store.run_tx_blocking("note.slow", async move |_| {
                holds.send(()).unwrap();
                released.await.unwrap();
                Ok::<_, Error>(())
            })
        });
        held.recv().unwrap();
        for id in 0..32 {
            let (fixture, gate) = (&fixture, &gate);
            scope.spawn(move || {
                gate.wait();
                insert(&fixture.store, id, "x").unwrap();
            });
        }
        gate.wait();
        std::thread::sleep(Duration::from_millis(200));
        release.send(()).unwrap();
    });
    let after = fixture.store.metrics();
    assert_eq!(ids(&fixture.store).len(), 32);
    assert_eq!(after.jobs - before.jobs, 33);
    // The slow job used its group's five milliseconds up, so it commits alone; the 32 need a handful of commits at most.
    assert!(after.commits - before.commits <= 16, "{} commits for 33 jobs", after.commits - before.commits);
    assert!(after.jobs_in_largest_commit >= 4, "{after:?}");
    assert!(after.commit_time > Duration::ZERO);
}

#[test]
fn every_answered_job_is_visible_to_a_reader() {
    let fixture = Fixture::new();
    for id in 0..20 {
        insert(&fixture.store, id, "x").unwrap();
        assert_eq!(ids(&fixture.store).len(), usize::try_from(id).unwrap() + 1);
    }
}

#[test]
fn async_callers_share_the_same_door() {
    let fixture = Fixture::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let store = fixture.store.clone();
    let count: i64 = runtime
        .block_on(async move {
            for id in 0..3_i64 {
                let write = store.run_tx("note.insert", async move |tx| {
                    sqlx::query("INSERT INTO note (id, body) VALUES ($1, $2)").bind(id).bind("x").execute(tx).await?;
                    Ok::<_, Error>(())
                });
                assert_send(&write);
                write.await?;
            }
            store
                .read("note.count", async |tx| {
                    Ok::<_, Error>(sqlx::query_scalar("SELECT COUNT(*) FROM note").fetch_one(tx).await?)
                })
                .await
        })
        .unwrap();
    assert_eq!(count, 3);
}

fn assert_send<T: Send>(_: &T) {}
