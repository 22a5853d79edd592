//! A writer: one thread, one connection, group commit.
//!
//! Jobs that wait share one transaction, each under a savepoint of its own, so a job that fails undoes only itself: on SQLite whatever they
//! are about, on a server when they are about the same part of the store. The transaction ends when nobody waits, after [`GROUP_TIME_MAX`], or after [`GROUP_JOBS_MAX`] jobs. While a
//! COMMIT syncs the disk new jobs gather, which is what makes groups: there is no pause to wait for company, unless the store was opened with
//! a pace. Answers leave after COMMIT has returned, or after the server was asked and said that it is done.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::raw_sql;
use tokio::sync::mpsc;
use tokio::time::{sleep, sleep_until, timeout};

use crate::engine::{Engine, Patience, Role};
use crate::job::{Job, Verdict};
use crate::metrics::Counters;
use crate::postgres::{Mark, Outcome};
use crate::tries::Tries;
use crate::{Conn, Error};

/// Jobs that may wait for a writer. A caller waits for its own answer, so there are never more jobs than threads and tasks that issue
/// cards; four times the largest line (64 encoders and their workers) keeps the queue from being the first thing to block.
pub(crate) const QUEUE_JOBS_MAX: usize = 512;

/// Longest time a transaction stays open for company (DESIGN §5: results are group-committed, ≤ 5 ms).
const GROUP_TIME_MAX: Duration = Duration::from_millis(5);

/// Most jobs in one transaction: bounds how many answers one failed COMMIT takes with it.
const GROUP_JOBS_MAX: usize = 256;

/// Between two questions what became of a transaction.
const ASK_AGAIN: Duration = Duration::from_millis(200);

pub(crate) struct Writer {
    engine: Arc<Engine>,
    patience: Patience,
    counters: Arc<Counters>,
    conn: Option<Conn>,
    /// Of the last transaction that was begun.
    mark: Mark,
    /// A job about something else, which ended the group before it.
    next: Option<Box<dyn Job>>,
}

/// How far an attempt got: what is known when it breaks off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reached {
    /// No transaction was begun.
    Nothing,
    /// Jobs ran; without COMMIT nothing of it stays.
    Begun,
    /// COMMIT was sent.
    Asked(Mark),
}

impl Writer {
    pub(crate) fn new(engine: Arc<Engine>, patience: Patience, counters: Arc<Counters>, conn: Option<Conn>) -> Self {
        Self { engine, patience, counters, conn, mark: Mark::draw(), next: None }
    }

    /// Serves until every sender is dropped and the queue is empty; answers the connection, to be closed.
    pub(crate) async fn serve(mut self, mut queue: mpsc::Receiver<Box<dyn Job>>) -> Option<Conn> {
        let mut next_begins = Instant::now();
        loop {
            let first = match self.next.take() {
                Some(job) => job,
                None => match queue.recv().await {
                    Some(job) => job,
                    None => break,
                },
            };
            if Instant::now() < next_begins {
                sleep_until(next_begins.into()).await;
            }
            next_begins = Instant::now() + self.patience.pace;
            self.serve_group(first, &mut queue).await;
        }
        self.conn
    }

    /// One transaction, run again while that may help.
    async fn serve_group(&mut self, first: Box<dyn Job>, queue: &mut mpsc::Receiver<Box<dyn Job>>) {
        let mut jobs = vec![first];
        let mut tries = Tries::new(self.patience);
        let (reached, ended) = loop {
            let mut reached = Reached::Nothing;
            let Err(error) = self.attempt_in_time(&mut jobs, queue, &mut reached).await else {
                break (reached, Ok(()));
            };
            let error = self.engine.at_its_place(error);
            match self.after_failure(error, reached, &mut tries).await {
                Some(ended) => break (reached, ended),
                None => self.counters.repeated(),
            }
        };
        if let Err(error) = &ended {
            // Whoever waits behind a lock that was not given, or a server that is not there, would only wait as long again.
            if reached == Reached::Nothing {
                jobs.extend(std::iter::from_fn(|| queue.try_recv().ok()));
            }
            tracing::error!(code = error.code(), jobs = jobs.len(), "store: transaction lost");
            self.counters.lost(count(jobs.len()));
        }
        for job in jobs {
            job.settle(ended.clone());
        }
    }

    async fn attempt_in_time(
        &mut self,
        jobs: &mut Vec<Box<dyn Job>>,
        queue: &mut mpsc::Receiver<Box<dyn Job>>,
        reached: &mut Reached,
    ) -> Result<(), Error> {
        let limit = self.patience.answer;
        let attempt = self.attempt(jobs, queue, reached);
        match limit {
            Some(limit) => timeout(limit, attempt).await.unwrap_or_else(|_| Err(Error::silent(limit))),
            None => attempt.await,
        }
    }

    async fn attempt(
        &mut self,
        jobs: &mut Vec<Box<dyn Job>>,
        queue: &mut mpsc::Receiver<Box<dyn Job>>,
        reached: &mut Reached,
    ) -> Result<(), Error> {
        let Some(scope) = jobs.first().map(|job| job.scope().clone()) else { return Ok(()) };
        let conn = match &mut self.conn {
            Some(conn) => conn,
            None => self.conn.insert(self.engine.connect(Role::Writer).await?.0),
        };
        self.mark = self.mark.next();
        self.engine.begin(conn, &scope, Some(self.mark)).await?;
        *reached = Reached::Begun;
        let opened = Instant::now();
        let (mut at, mut kept) = (0, 0);
        loop {
            if at == jobs.len() {
                let is_open = at < GROUP_JOBS_MAX && opened.elapsed() < GROUP_TIME_MAX && self.next.is_none();
                match if is_open { queue.try_recv().ok() } else { None } {
                    Some(job) if self.engine.may_share(&scope, job.scope()) => jobs.push(job),
                    Some(other) => self.next = Some(other),
                    None => break,
                }
                continue;
            }
            let Some(job) = jobs.get_mut(at) else { break };
            kept += u64::from(run_one(conn, &mut **job).await? == Verdict::Keep);
            at += 1;
        }
        *reached = Reached::Asked(self.mark);
        let started = Instant::now();
        raw_sql("COMMIT").execute(conn).await?;
        let took = started.elapsed();
        self.engine.committed()?;
        self.counters.committed(kept, count(at) - kept, took);
        Ok(())
    }

    /// What a failed attempt means: `None` to run the jobs again, else how the transaction ended.
    async fn after_failure(&mut self, error: Error, reached: Reached, tries: &mut Tries) -> Option<Result<(), Error>> {
        if !error.is_lost_connection() {
            self.abandon().await;
            return if tries.after_conflict(&error).await { None } else { Some(Err(error)) };
        }
        // Whatever the server still does for it ends there: the connection is closed.
        self.conn = None;
        if let Reached::Asked(mark) = reached {
            match self.ask(mark, tries).await {
                Some(Outcome::Committed) => return Some(Ok(())),
                Some(Outcome::Undone) => {}
                None => return Some(Err(Error::OutcomeUnknown { cause: error.into() })),
            }
        }
        tracing::warn!(code = error.code(), "store: connection lost");
        if tries.after_loss().await { None } else { Some(Err(error)) }
    }

    /// Asks what became of a transaction for as long as a connection is sought.
    async fn ask(&mut self, mark: Mark, tries: &mut Tries) -> Option<Outcome> {
        let asked = async {
            loop {
                if let Ok((mut conn, _)) = self.engine.connect(Role::Writer).await
                    && let Ok(outcome) = self.engine.outcome(&mut conn, mark).await
                {
                    self.conn = Some(conn);
                    return outcome;
                }
                sleep(ASK_AGAIN).await;
            }
        };
        timeout(tries.left_from_now(), asked).await.unwrap_or_default()
    }

    /// Leaves the transaction if it is still open; an error here says that it is not.
    async fn abandon(&mut self) {
        if let Some(conn) = &mut self.conn {
            let _ = raw_sql("ROLLBACK").execute(conn).await;
        }
    }
}

/// Runs one job under its savepoint; an error means that the whole transaction is lost.
async fn run_one(conn: &mut Conn, job: &mut dyn Job) -> Result<Verdict, Error> {
    let (name, started) = (job.name(), Instant::now());
    let ran = job.run(conn).await;
    if let Some(cause) = ran.cause.as_ref().filter(|cause| cause.takes_the_transaction()) {
        return Err(cause.clone());
    }
    // The next job finds a savepoint either way; the last one ends with the transaction. One statement per job, because each is a
    // trip to the engine and back.
    let end = match ran.verdict {
        Verdict::Keep => "RELEASE job; SAVEPOINT job",
        Verdict::Undo => "ROLLBACK TO job",
    };
    tracing::trace!(job = name, verdict = ?ran.verdict, micros = started.elapsed().as_micros(), "store job");
    // A full disk or an I/O error rolls the whole transaction back inside SQLite; then there is no savepoint and nothing to commit.
    match raw_sql(end).execute(conn).await {
        Ok(_) => Ok(ran.verdict),
        Err(error) => Err(ran.cause.unwrap_or_else(|| Error::lost(error))),
    }
}

fn count(jobs: usize) -> u64 {
    u64::try_from(jobs).unwrap_or(u64::MAX)
}
