//! The readers: a small pool whose connections cannot write, each read on one snapshot.

use std::sync::Arc;

use sqlx::raw_sql;
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio::task::spawn_local;
use tokio::time::timeout;

use crate::engine::{Engine, Patience, Role};
use crate::job::Job;
use crate::metrics::Counters;
use crate::tries::Tries;
use crate::{Conn, Error};

/// Connections that read at the same time: reads are reports and look-ups beside the line, and the machine of a line has a few cores.
const READERS_MAX: u32 = 4;

/// Reads that may wait: they answer in milliseconds, so more waiting ones would mean that something else is wrong.
pub(crate) const QUEUE_READS_MAX: usize = 256;

/// What every read needs.
struct Desk {
    engine: Arc<Engine>,
    patience: Patience,
    /// Connections that no read uses now.
    idle: Mutex<Vec<Conn>>,
}

/// Serves until every sender is dropped; must run inside a `LocalSet`.
pub(crate) async fn serve(
    engine: Arc<Engine>,
    patience: Patience,
    counters: Arc<Counters>,
    mut queue: mpsc::Receiver<Box<dyn Job>>,
) {
    let places = Arc::new(Semaphore::new(READERS_MAX as usize));
    let desk = Arc::new(Desk { engine, patience, idle: Mutex::default() });
    while let Some(job) = queue.recv().await {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
        let (desk, counters) = (Arc::clone(&desk), Arc::clone(&counters));
        spawn_local(async move {
            desk.read(job).await;
            counters.read();
            drop(place);
        });
    }
    let _all = places.acquire_many(READERS_MAX).await;
    for conn in desk.idle.lock().await.drain(..) {
        let _ = sqlx::Connection::close(conn).await;
    }
}

impl Desk {
    /// Answers a read; one whose connection was lost is asked again for as long as a connection is sought.
    async fn read(&self, mut job: Box<dyn Job>) {
        let mut tries = Tries::new(self.patience);
        let ended = loop {
            let asked = self.ask(&mut *job);
            let answer = match self.patience.answer {
                Some(limit) => timeout(limit, asked).await.unwrap_or_else(|_| Err(Error::silent(limit))),
                None => asked.await,
            };
            match answer.map_err(|error| self.engine.at_its_place(error)) {
                Err(error) if error.is_lost_connection() && tries.after_loss().await => {}
                ended => break ended,
            }
        };
        job.settle(ended);
    }

    async fn ask(&self, job: &mut dyn Job) -> Result<(), Error> {
        let kept = self.idle.lock().await.pop();
        let mut conn = match kept {
            Some(conn) => conn,
            None => self.engine.connect(Role::Reader).await?.0,
        };
        self.engine.begin_read(&mut conn).await?;
        let ran = job.run(&mut conn).await;
        if let Some(cause) = ran.cause.filter(Error::is_lost_connection) {
            return Err(cause);
        }
        // Not usable for the next read when it does not end: then it is let go.
        if raw_sql("ROLLBACK").execute(&mut conn).await.is_ok() {
            self.idle.lock().await.push(conn);
        }
        Ok(())
    }
}
