//! The readers: a small pool whose connections cannot write, each read on one snapshot.

use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyPool, raw_sql};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::spawn_local;

use crate::Error;
use crate::job::Job;
use crate::metrics::Counters;
use crate::sqlite::{Role, configure};

/// Connections that read at the same time: reads are reports and look-ups beside the line, and the machine of a line has a few cores.
const READERS_MAX: u32 = 4;

/// Reads that may wait: they answer in milliseconds, so more waiting ones would mean that something else is wrong.
pub(crate) const QUEUE_READS_MAX: usize = 256;

pub(crate) fn pool(options: AnyConnectOptions, busy_timeout: Duration) -> AnyPool {
    AnyPoolOptions::new()
        .max_connections(READERS_MAX)
        .min_connections(0)
        .max_lifetime(None)
        .idle_timeout(None)
        .test_before_acquire(false)
        .after_connect(move |conn, _| {
            Box::pin(async move {
                let configured = configure(conn, Role::Reader, busy_timeout).await;
                configured.map(|_| ()).map_err(|error| sqlx::Error::Configuration(Box::new(error)))
            })
        })
        .connect_lazy_with(options)
}

/// Serves until every sender is dropped; must run inside a `LocalSet`.
pub(crate) async fn serve(pool: AnyPool, counters: Arc<Counters>, mut queue: mpsc::Receiver<Box<dyn Job>>) {
    let places = Arc::new(Semaphore::new(READERS_MAX as usize));
    while let Some(job) = queue.recv().await {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
        let (pool, counters) = (pool.clone(), Arc::clone(&counters));
        spawn_local(async move {
            read(&pool, job).await;
            counters.read();
            drop(place);
        });
    }
    let _all = places.acquire_many(READERS_MAX).await;
    pool.close().await;
}

async fn read(pool: &AnyPool, job: Box<dyn Job>) {
    let mut conn = match pool.acquire().await {
        Ok(conn) => conn,
        Err(error) => return job.refuse(unwrap_configuration(error)),
    };
    if let Err(error) = raw_sql("BEGIN").execute(&mut *conn).await {
        return job.refuse(error.into());
    }
    let ran = job.run(&mut conn).await;
    let ended = raw_sql("ROLLBACK").execute(&mut *conn).await;
    if ended.is_err() {
        // Not usable for the next read: let it go instead of returning it.
        drop(conn.detach());
    }
    (ran.settle)(Ok(()));
}

/// Gives back the error of ours that the pool's callback had to wrap.
fn unwrap_configuration(error: sqlx::Error) -> Error {
    match error {
        sqlx::Error::Configuration(inner) => match inner.downcast::<Error>() {
            Ok(ours) => *ours,
            Err(other) => Error::from(sqlx::Error::Configuration(other)),
        },
        other => other.into(),
    }
}
