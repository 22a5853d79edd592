//! The writer: one thread, one connection, group commit.
//!
//! Jobs that wait share one transaction, each under a savepoint of its own, so a job that fails undoes only itself. The transaction ends when
//! nobody waits, after [`GROUP_TIME_MAX`], or after [`GROUP_JOBS_MAX`] jobs. While a COMMIT syncs the disk new jobs gather, which is what
//! makes groups: there is no pause to wait for company. Answers leave after COMMIT has returned.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::raw_sql;
use tokio::sync::mpsc;

use crate::job::{Job, Ran, Verdict};
use crate::location::Identity;
use crate::metrics::Counters;
use crate::{Conn, Error};

/// Jobs that may wait for the writer. A caller waits for its own answer, so there are never more jobs than threads and tasks that issue
/// cards; four times the largest line (64 encoders and their workers) keeps the queue from being the first thing to block.
pub(crate) const QUEUE_JOBS_MAX: usize = 512;

/// Longest time a transaction stays open for company (DESIGN §5: results are group-committed, ≤ 5 ms).
const GROUP_TIME_MAX: Duration = Duration::from_millis(5);

/// Most jobs in one transaction: bounds how many answers one failed COMMIT takes with it.
const GROUP_JOBS_MAX: usize = 256;

pub(crate) struct Writer {
    pub(crate) conn: Conn,
    pub(crate) identity: Identity,
    pub(crate) counters: Arc<Counters>,
}

/// The transaction is over before its end: every job in it gets this error.
struct Lost(Error);

impl Writer {
    /// Serves until every sender is dropped and the queue is empty.
    pub(crate) async fn serve(mut self, mut queue: mpsc::Receiver<Box<dyn Job>>) -> Conn {
        while let Some(first) = queue.recv().await {
            if let Err(error) = self.begin().await {
                tracing::warn!(code = error.code(), "store: no transaction");
                self.abandon().await;
                self.refuse_waiting(first, &mut queue, &error);
                continue;
            }
            let mut ran = Vec::new();
            let group = self.run_group(first, &mut queue, &mut ran).await;
            let ended = match group {
                Ok(()) => self.commit(&ran).await,
                Err(Lost(error)) => {
                    self.abandon().await;
                    Err(error)
                }
            };
            if let Err(error) = &ended {
                tracing::error!(code = error.code(), jobs = ran.len(), "store: transaction lost");
                self.counters.lost(count(ran.len()));
            }
            for job in ran {
                (job.settle)(ended.clone());
            }
        }
        self.conn
    }

    async fn begin(&mut self) -> Result<(), Error> {
        // IMMEDIATE takes the write lock now, where waiting is harmless, and not at the first INSERT, where SQLite may refuse to wait.
        raw_sql("BEGIN IMMEDIATE; SAVEPOINT job").execute(&mut self.conn).await?;
        Ok(())
    }

    /// Whoever waits behind a lock that was not given would only wait as long again.
    fn refuse_waiting(&self, first: Box<dyn Job>, queue: &mut mpsc::Receiver<Box<dyn Job>>, error: &Error) {
        let mut refused = 0;
        let mut next = Some(first);
        while let Some(job) = next {
            job.refuse(error.clone());
            refused += 1;
            next = queue.try_recv().ok();
        }
        self.counters.lost(refused);
    }

    async fn run_group(
        &mut self,
        first: Box<dyn Job>,
        queue: &mut mpsc::Receiver<Box<dyn Job>>,
        ran: &mut Vec<Ran>,
    ) -> Result<(), Lost> {
        let opened = Instant::now();
        let mut next = Some(first);
        while let Some(job) = next.take() {
            self.run_one(job, ran).await?;
            if ran.len() < GROUP_JOBS_MAX && opened.elapsed() < GROUP_TIME_MAX {
                next = queue.try_recv().ok();
            }
        }
        Ok(())
    }

    async fn run_one(&mut self, job: Box<dyn Job>, ran: &mut Vec<Ran>) -> Result<(), Lost> {
        let name = job.name();
        let started = Instant::now();
        let done = job.run(&mut self.conn).await;
        let (verdict, cause) = (done.verdict, done.cause.clone());
        ran.push(done);
        // The next job finds a savepoint either way; the last one ends with the transaction. One statement per job, because each is a
        // trip to the engine's thread and back.
        let end = match verdict {
            Verdict::Keep => "RELEASE job; SAVEPOINT job",
            Verdict::Undo => "ROLLBACK TO job",
        };
        tracing::trace!(job = name, ?verdict, micros = started.elapsed().as_micros(), "store job");
        // A full disk or an I/O error rolls the whole transaction back inside SQLite; then there is no savepoint and nothing to commit.
        match raw_sql(end).execute(&mut self.conn).await {
            Ok(_) => Ok(()),
            Err(error) => Err(Lost(cause.unwrap_or_else(|| Error::TransactionLost { source: Arc::new(error) }))),
        }
    }

    async fn commit(&mut self, ran: &[Ran]) -> Result<(), Error> {
        let started = Instant::now();
        if let Err(error) = raw_sql("COMMIT").execute(&mut self.conn).await {
            self.abandon().await;
            return Err(error.into());
        }
        let took = started.elapsed();
        self.identity.check()?;
        let kept = ran.iter().filter(|job| job.verdict == Verdict::Keep).count();
        self.counters.committed(count(kept), count(ran.len() - kept), took);
        Ok(())
    }

    /// Leaves the transaction if it is still open; an error here says that it is not.
    async fn abandon(&mut self) {
        let _ = raw_sql("ROLLBACK").execute(&mut self.conn).await;
    }
}

fn count(jobs: usize) -> u64 {
    u64::try_from(jobs).unwrap_or(u64::MAX)
}
