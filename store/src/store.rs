//! The store itself: opens the database, keeps its two threads, and is the one door for writes and reads.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::sync::{mpsc, oneshot};

use crate::job::{Job, Typed};
use crate::location::Location;
use crate::metrics::{Counters, Metrics};
use crate::migrate::{AppliedMigration, applied};
use crate::reader::QUEUE_READS_MAX;
use crate::sqlite::{self, Durability};
use crate::threads::{spawn_reader, spawn_writer};
use crate::writer::QUEUE_JOBS_MAX;
use crate::{Clock, Conn, Error, Options};

/// A handle to the open database; clones share it, the last one to go waits for the writer and closes the file.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    reads: Option<mpsc::Sender<Box<dyn Job>>>,
    threads: Vec<JoinHandle<()>>,
    durability: Durability,
    counters: Arc<Counters>,
    clock: Arc<dyn Clock>,
    path: PathBuf,
}

impl Store {
    /// Opens `url` (`sqlite:PATH`) with the defaults: creates the file (0600) if its folder exists, sets and reads back WAL and
    /// synchronous=FULL, and migrates a new or older file.
    ///
    /// # Errors
    /// [`Error::Url`], [`Error::Gone`] (no folder), [`Error::Denied`], [`Error::Damaged`], [`Error::NotDurable`], [`Error::NewerSchema`],
    /// [`Error::ChangedMigration`], [`Error::Migration`], [`Error::Busy`] or [`Error::Full`].
    pub fn open(url: &str) -> Result<Self, Error> {
        Self::open_with(url, &Options::default())
    }

    /// Opens `url` with `options`.
    ///
    /// # Errors
    /// As [`Store::open`], and [`Error::OlderSchema`] under [`SchemaPolicy::MustMatch`](crate::SchemaPolicy::MustMatch).
    pub fn open_with(url: &str, options: &Options) -> Result<Self, Error> {
        let location = Location::parse(url)?;
        location.create_if_absent()?;
        let connect = sqlite::options(&location)?;
        let counters = Arc::new(Counters::default());
        let path = location.path.clone();
        let clock = Arc::clone(&options.clock);
        let (jobs, queue) = mpsc::channel(QUEUE_JOBS_MAX);
        let (durability, writer) =
            spawn_writer(location, connect.clone(), options.clone(), Arc::clone(&counters), queue)?;
        let (reads, queue) = mpsc::channel(QUEUE_READS_MAX);
        let reader = spawn_reader(connect, options.busy_timeout, Arc::clone(&counters), queue)?;
        let threads = vec![writer, reader];
        Ok(Self {
            inner: Arc::new(Inner { jobs: Some(jobs), reads: Some(reads), threads, durability, counters, clock, path }),
        })
    }

    /// Runs `job` in a transaction; `Ok` means durable. Dropping the future does not stop a job that was taken.
    ///
    /// # Errors
    /// The job's own error, its effects undone; or a store error, converted: [`Error::Full`], [`Error::Busy`], [`Error::Gone`], …
    /// After [`Error::Disk`] the outcome is unknown until the store is opened again.
    pub async fn run_tx<T, E, F>(&self, name: &'static str, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: std::error::Error + From<Error> + Send + 'static,
        F: AsyncFnOnce(&mut Conn) -> Result<T, E> + Send + 'static,
    {
        submit(self.inner.jobs.as_ref(), name, job).await
    }

    /// [`Store::run_tx`] for threads: blocks until the answer is there. Must not be called inside an async runtime.
    ///
    /// # Errors
    /// As [`Store::run_tx`].
    pub fn run_tx_blocking<T, E, F>(&self, name: &'static str, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: std::error::Error + From<Error> + Send + 'static,
        F: AsyncFnOnce(&mut Conn) -> Result<T, E> + Send + 'static,
    {
        submit_blocking(self.inner.jobs.as_ref(), name, job)
    }

    /// Runs `job` on one snapshot of the database, beside the writer; writing fails.
    ///
    /// # Errors
    /// The job's own error, or a store error, converted.
    pub async fn read<T, E, F>(&self, name: &'static str, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: std::error::Error + From<Error> + Send + 'static,
        F: AsyncFnOnce(&mut Conn) -> Result<T, E> + Send + 'static,
    {
        submit(self.inner.reads.as_ref(), name, job).await
    }

    /// [`Store::read`] for threads. Must not be called inside an async runtime.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn read_blocking<T, E, F>(&self, name: &'static str, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: std::error::Error + From<Error> + Send + 'static,
        F: AsyncFnOnce(&mut Conn) -> Result<T, E> + Send + 'static,
    {
        submit_blocking(self.inner.reads.as_ref(), name, job)
    }

    /// Engine, journal mode and synchronous as read back from the engine.
    #[must_use]
    pub fn durability(&self) -> &Durability {
        &self.inner.durability
    }

    /// The counters since opening.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.inner.counters.snapshot()
    }

    /// The clock whose time is written.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// The migrations that were applied to this file, oldest first.
    ///
    /// # Errors
    /// As [`Store::read_blocking`]; must not be called inside an async runtime.
    pub fn applied_migrations(&self) -> Result<Vec<AppliedMigration>, Error> {
        self.read_blocking("schema.applied", async |conn| applied(conn).await)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Closed queues are the signal to finish what waits and end.
        self.jobs = None;
        self.reads = None;
        for thread in self.threads.drain(..) {
            // The last handle may have been inside a job: a thread does not wait for itself.
            if thread.thread().id() != thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

async fn submit<T, E, F>(queue: Option<&mpsc::Sender<Box<dyn Job>>>, name: &'static str, body: F) -> Result<T, E>
where
    T: Send + 'static,
    E: std::error::Error + From<Error> + Send + 'static,
    F: AsyncFnOnce(&mut Conn) -> Result<T, E> + Send + 'static,
{
    let (answer, result) = oneshot::channel();
    let queue = queue.ok_or(Error::Closed)?;
    queue.send(Box::new(Typed { name, body, answer })).await.map_err(|_| Error::Closed)?;
    result.await.unwrap_or_else(|_| Err(Error::Closed.into()))
}

fn submit_blocking<T, E, F>(queue: Option<&mpsc::Sender<Box<dyn Job>>>, name: &'static str, body: F) -> Result<T, E>
where
    T: Send + 'static,
    E: std::error::Error + From<Error> + Send + 'static,
    F: AsyncFnOnce(&mut Conn) -> Result<T, E> + Send + 'static,
{
    let (answer, result) = oneshot::channel();
    let queue = queue.ok_or(Error::Closed)?;
    queue.blocking_send(Box::new(Typed { name, body, answer })).map_err(|_| Error::Closed)?;
    result.blocking_recv().unwrap_or_else(|_| Err(Error::Closed.into()))
}
