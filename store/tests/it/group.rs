//! Group commit: many jobs, few commits; and an answer is never earlier than its commit.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use fuda_store::{Error, Options, Store};
use fuda_tests_cluster::{Engine, on_both_engines};

use crate::{Fixture, Place, create_notes, ids, insert, options};

fn jobs_that_wait_share_a_commit(engine: Engine) {
    waiting_jobs_share(&Fixture::on(engine), |store, id| insert(store, id, "x").unwrap());
}

/// A file has one writer, so what jobs are about does not keep them apart.
#[test]
fn jobs_about_other_parts_share_a_commit_in_a_file() {
    waiting_jobs_share(&Fixture::on(Engine::Sqlite), |store, id| {
        let insert = async move |tx: &mut fuda_store::Conn| {
            sqlx::query("/* note.insert */ INSERT INTO note (id, body) VALUES ($1, 'x')").bind(id).execute(tx).await?;
            Ok::<_, Error>(())
        };
        store.part(&format!("part-{id}")).run_tx_blocking("note.insert", insert).unwrap();
    });
}

/// Lets 32 jobs wait behind a slow one.
fn waiting_jobs_share(fixture: &Fixture, job: impl Fn(&Store, i64) + Sync) {
    let before = fixture.store.metrics();
    let gate = Barrier::new(33);
    let (holds, held) = std::sync::mpsc::sync_channel(1);
    let (release, released) = tokio::sync::watch::channel(false);
    std::thread::scope(|scope| {
        // While this job holds the writer, the others queue up behind it.
        scope.spawn(|| {
            fixture.store.run_tx_blocking("note.slow", async move |_| {
                holds.send(()).unwrap();
                released.clone().wait_for(|released| *released).await.unwrap();
                Ok::<_, Error>(())
            })
        });
        held.recv().unwrap();
        for id in 0..32 {
            let (job, gate) = (&job, &gate);
            scope.spawn(move || {
                gate.wait();
                job(&fixture.store, id);
            });
        }
        gate.wait();
        std::thread::sleep(Duration::from_millis(200));
        release.send(true).unwrap();
    });
    let after = fixture.store.metrics();
    assert_eq!(ids(&fixture.store).len(), 32);
    assert_eq!(after.jobs - before.jobs, 33);
    // The slow job used its group's five milliseconds up, so it commits alone; the 32 need a handful of commits at most.
    assert!(after.commits - before.commits <= 16, "{} commits for 33 jobs", after.commits - before.commits);
    assert!(after.jobs_in_largest_commit >= 4, "{after:?}");
    assert!(after.commit_time > Duration::ZERO);
}

/// At a pace, jobs gather while the next transaction may not begin.
#[test]
fn jobs_gather_while_the_pace_holds_them() {
    let place = Place::on(Engine::Sqlite);
    let pace = Duration::from_secs(2);
    let store = Store::open_with(&place.url, &Options { pace, ..options() }).unwrap();
    let began = Instant::now();
    create_notes(&store).unwrap();
    let commits = store.metrics().commits;
    std::thread::scope(|scope| {
        for id in 0..8 {
            let store = &store;
            scope.spawn(move || insert(store, id, "x").unwrap());
        }
    });
    assert!(began.elapsed() >= pace);
    assert_eq!(ids(&store).len(), 8);
    let commits = store.metrics().commits - commits;
    assert!(commits <= 2, "{commits} commits for jobs that waited together");
}

fn every_answered_job_is_visible_to_a_reader(engine: Engine) {
    let fixture = Fixture::on(engine);
    for id in 0..20 {
        insert(&fixture.store, id, "x").unwrap();
        assert_eq!(ids(&fixture.store).len(), usize::try_from(id).unwrap() + 1);
    }
}

fn async_callers_share_the_same_door(engine: Engine) {
    let fixture = Fixture::on(engine);
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

on_both_engines!(
    jobs_that_wait_share_a_commit,
    every_answered_job_is_visible_to_a_reader,
    async_callers_share_the_same_door
);
