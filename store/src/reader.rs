//! A reader: one thread, one connection that cannot write; each read is on one snapshot. All readers take from one queue.

use std::sync::Arc;

use sqlx::raw_sql;
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;

use crate::engine::{Engine, Patience, Role};
use crate::job::Job;
use crate::metrics::Counters;
use crate::tries::Tries;
use crate::{Conn, Error};

/// Threads that read at the same time: reads are reports and look-ups beside the line, and the machine of a line has a few cores.
pub(crate) const READERS: usize = 4;

/// Reads that may wait: they answer in milliseconds, so more waiting ones would mean that something else is wrong.
pub(crate) const QUEUE_READS_MAX: usize = 256;

/// Reads that wait for a reader.
pub(crate) type Reads = Arc<Mutex<mpsc::Receiver<Box<dyn Job>>>>;

pub(crate) struct Reader {
    engine: Arc<Engine>,
    patience: Patience,
    counters: Arc<Counters>,
    conn: Option<Conn>,
}

impl Reader {
    pub(crate) const fn new(engine: Arc<Engine>, patience: Patience, counters: Arc<Counters>) -> Self {
        Self { engine, patience, counters, conn: None }
    }

    /// Serves until every sender is dropped and the queue is empty.
    pub(crate) async fn serve(mut self, queue: Reads) {
        loop {
            let next = queue.lock().await.recv().await;
            let Some(job) = next else { break };
            self.read(job).await;
            self.counters.read();
        }
        if let Some(conn) = self.conn {
            conn.close().await;
        }
    }

    /// Answers a read; one whose connection was lost is asked again for as long as a connection is sought.
    async fn read(&mut self, mut job: Box<dyn Job>) {
        let mut tries = Tries::new(self.patience);
        let ended = loop {
            let limit = self.patience.answer;
            let asked = self.ask(&mut *job);
            let answer = match limit {
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

    async fn ask(&mut self, job: &mut dyn Job) -> Result<(), Error> {
        // It is out of reach while it is asked: one that does not answer in time, or does not end its read, is let go.
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => self.engine.connect(Role::Reader).await?.0,
        };
        self.engine.begin_read(&mut conn).await?;
        let ran = job.run(&mut conn).await;
        if let Some(cause) = ran.cause.filter(Error::is_lost_connection) {
            return Err(cause);
        }
        if raw_sql("ROLLBACK").execute(&mut conn).await.is_ok() {
            self.conn = Some(conn);
        }
        Ok(())
    }
}
