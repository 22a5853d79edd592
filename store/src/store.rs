//! The store itself: opens the database, keeps its threads, and is the one door for writes and reads.

use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::sync::{Mutex, mpsc, oneshot};

use crate::durability::Durability;
use crate::engine::Engine;
use crate::glance::Glances;
use crate::job::{Job, Typed};
use crate::location::Location;
use crate::lock::Lock;
use crate::metrics::{Counters, Metrics};
use crate::migrate::{AppliedMigration, applied};
use crate::reader::{QUEUE_READS_MAX, READERS};
use crate::scope::Scope;
use crate::threads::{spawn_first_writer, spawn_reader, spawn_writer};
use crate::writer::QUEUE_JOBS_MAX;
use crate::{Clock, Conn, Error, Options};

/// A handle to the open database; clones share it, the last one to go waits for the writer and closes the file.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// One for each writer.
    jobs: Vec<mpsc::Sender<Box<dyn Job>>>,
    reads: Option<mpsc::Sender<Box<dyn Job>>>,
    writers: Vec<JoinHandle<()>>,
    readers: Vec<JoinHandle<()>>,
    glances: Glances,
    durability: Durability,
    counters: Arc<Counters>,
    clock: Arc<dyn Clock>,
    engine: Arc<Engine>,
}

/// The door for transactions that read, to decide, and change one part of the store only; see [`Store::part`].
#[derive(Debug, Clone, Copy)]
pub struct Part<'s> {
    store: &'s Store,
    name: &'s str,
}

impl Store {
    /// Opens `url` with the defaults. `sqlite:PATH`: creates the file (0600) if its folder exists, sets and reads back WAL and
    /// synchronous=FULL, and migrates a new or older file. `postgres://HOST/DATABASE`: reads back fsync, synchronous_commit and
    /// full_page_writes; the schema must be there.
    ///
    /// # Errors
    /// [`Error::Url`], [`Error::Gone`] (no folder, no such database), [`Error::Unreachable`], [`Error::Denied`], [`Error::Damaged`],
    /// [`Error::NotDurable`], [`Error::EngineOld`], [`Error::NewerSchema`], [`Error::OlderSchema`], [`Error::ChangedMigration`],
    /// [`Error::Migration`], [`Error::Busy`] or [`Error::Full`].
    pub fn open(url: &str) -> Result<Self, Error> {
        Self::open_with(url, &Options::default())
    }

    /// Opens `url` with `options`.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with(url: &str, options: &Options) -> Result<Self, Error> {
        let engine = Arc::new(Engine::new(Location::parse(url)?, options)?);
        let counters = Arc::new(Counters::default());
        let (first, queue) = mpsc::channel(QUEUE_JOBS_MAX);
        let (durability, thread) = spawn_first_writer(&engine, options, Arc::clone(&counters), queue)?;
        let (mut jobs, mut writers) = (vec![first], vec![thread]);
        for _ in 1..engine.writers() {
            let (sender, queue) = mpsc::channel(QUEUE_JOBS_MAX);
            jobs.push(sender);
            writers.push(spawn_writer(&engine, options, Arc::clone(&counters), queue)?);
        }
        let (reads, queue) = mpsc::channel(QUEUE_READS_MAX);
        let queue = Arc::new(Mutex::new(queue));
        let reader = |_| spawn_reader(&engine, options, Arc::clone(&counters), Arc::clone(&queue));
        let readers = (0..READERS).map(reader).collect::<Result<_, _>>()?;
        let glances = Glances::new(Arc::clone(&engine), Arc::clone(&counters));
        let (reads, clock) = (Some(reads), Arc::clone(&options.clock));
        let inner = Inner { jobs, reads, writers, readers, glances, durability, counters, clock, engine };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The door for transactions about a part of the store, such as one job. Transactions of one part follow one another, in every
    /// process that has the store open; transactions of two parts may run at the same time, so what one reads to decide, and what it
    /// changes, must belong to its part, be held by a constraint, or be compared in the statement that changes it.
    #[must_use]
    pub const fn part<'s>(&'s self, name: &'s str) -> Part<'s> {
        Part { store: self, name }
    }

    /// Runs `job` in a transaction beside which nothing else is written; `Ok` means durable. Dropping the future does not stop a job that
    /// was taken. A job whose transaction was lost before COMMIT is run again from its beginning, which is why it can be cloned.
    ///
    /// # Errors
    /// The job's own error, its effects undone; or a store error, converted: [`Error::Full`], [`Error::Busy`], [`Error::Gone`],
    /// [`Error::Unreachable`], … After [`Error::OutcomeUnknown`], and after [`Error::Disk`] until the store is opened again, it is not
    /// known whether the effects are there.
    pub async fn run_tx<T, E, F>(&self, name: &'static str, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: std::error::Error + From<Error> + Send + 'static,
        F: AsyncFnOnce(&mut Conn) -> Result<T, E> + Clone + Send + 'static,
    {
        submit(self.writer(&Scope::Store), Scope::Store, name, job).await
    }

    /// [`Store::run_tx`] for threads: blocks until the answer is there. Must not be called inside an async runtime.
    ///
    /// # Errors
    /// As [`Store::run_tx`].
    pub fn run_tx_blocking<T, E, F>(&self, name: &'static str, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: std::error::Error + From<Error> + Send + 'static,
        F: AsyncFnOnce(&mut Conn) -> Result<T, E> + Clone + Send + 'static,
    {
        submit_blocking(self.writer(&Scope::Store), Scope::Store, name, job)
    }

    /// Runs `job` on one snapshot of the database, beside the writer; writing fails.
    ///
    /// # Errors
    /// The job's own error, or a store error, converted.
    pub async fn read<T, E, F>(&self, name: &'static str, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: std::error::Error + From<Error> + Send + 'static,
        F: AsyncFnOnce(&mut Conn) -> Result<T, E> + Clone + Send + 'static,
    {
        submit(self.inner.reads.as_ref(), Scope::Store, name, job).await
    }

    /// [`Store::read`] for a few rows by their keys. Where the database is a file, `job` runs in the thread of the caller, who waits for
    /// no other thread; so it must be short, and wait for nothing but the database.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn look<T, E, F>(&self, name: &'static str, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: std::error::Error + From<Error> + Send + 'static,
        F: AsyncFnOnce(&mut Conn) -> Result<T, E> + Clone + Send + 'static,
    {
        match &*self.inner.engine {
            Engine::Sqlite(_) => self.inner.glances.read(name, job),
            Engine::Postgres(_) => self.read(name, job).await,
        }
    }

    /// [`Store::read`] for threads. Must not be called inside an async runtime.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn read_blocking<T, E, F>(&self, name: &'static str, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: std::error::Error + From<Error> + Send + 'static,
        F: AsyncFnOnce(&mut Conn) -> Result<T, E> + Clone + Send + 'static,
    {
        submit_blocking(self.inner.reads.as_ref(), Scope::Store, name, job)
    }

    /// The writer of a part: always the same, so that its transactions do not wait for each other inside the engine.
    fn writer(&self, scope: &Scope) -> Option<&mpsc::Sender<Box<dyn Job>>> {
        let writers = self.inner.jobs.len().max(1);
        self.inner.jobs.get(usize::try_from(scope.number()).unwrap_or_default() % writers)
    }

    /// Takes a lock that no other process with this store open can have at the same time; `None` when one has it. It is let go when it is
    /// dropped or the process ends, however it ends.
    ///
    /// # Errors
    /// [`Error::Disk`], [`Error::Denied`], [`Error::Unreachable`]. Must not be called inside an async runtime.
    pub fn try_lock(&self, name: &str) -> Result<Option<Lock>, Error> {
        Lock::take(&self.inner.engine, name)
    }

    /// Engine and settings as read back from the engine.
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

    /// The database file, where the store is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match &*self.inner.engine {
            Engine::Sqlite(sqlite) => Some(&sqlite.file.path),
            Engine::Postgres(_) => None,
        }
    }

    /// Where the store is, without a password.
    #[must_use]
    pub fn place(&self) -> String {
        match &*self.inner.engine {
            Engine::Sqlite(sqlite) => sqlite.file.path.display().to_string(),
            Engine::Postgres(postgres) => postgres.address.to_string(),
        }
    }

    /// The URL by which another process opens this store, with its password if it has one: never to be shown.
    #[must_use]
    pub fn url_with_secrets(&self) -> String {
        match &*self.inner.engine {
            Engine::Sqlite(sqlite) => format!("sqlite:{}", sqlite.file.path.display()),
            Engine::Postgres(postgres) => postgres.address.url_with_secrets(),
        }
    }

    /// The migrations that were applied to this store, oldest first.
    ///
    /// # Errors
    /// As [`Store::read_blocking`]; must not be called inside an async runtime.
    pub fn applied_migrations(&self) -> Result<Vec<AppliedMigration>, Error> {
        self.read_blocking("schema.applied", async |conn| applied(conn).await)
    }
}

impl Part<'_> {
    /// [`Store::run_tx`] about this part.
    ///
    /// # Errors
    /// As [`Store::run_tx`].
    pub async fn run_tx<T, E, F>(&self, name: &'static str, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: std::error::Error + From<Error> + Send + 'static,
        F: AsyncFnOnce(&mut Conn) -> Result<T, E> + Clone + Send + 'static,
    {
        let scope = Scope::part(self.name);
        submit(self.store.writer(&scope), scope, name, job).await
    }

    /// [`Store::run_tx_blocking`] about this part.
    ///
    /// # Errors
    /// As [`Store::run_tx`].
    pub fn run_tx_blocking<T, E, F>(&self, name: &'static str, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: std::error::Error + From<Error> + Send + 'static,
        F: AsyncFnOnce(&mut Conn) -> Result<T, E> + Clone + Send + 'static,
    {
        let scope = Scope::part(self.name);
        submit_blocking(self.store.writer(&scope), scope, name, job)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Closed queues are the signal to finish what waits and end. The readers go first: two connections of SQLite that close at the
        // same moment each see the other, and then neither folds the log back.
        self.reads = None;
        self.glances.close();
        self.readers.drain(..).for_each(wait_for);
        self.jobs.clear();
        self.writers.drain(..).for_each(wait_for);
    }
}

/// Waits for a thread to end, unless it is this one: the last handle may have been inside a job.
fn wait_for(thread: JoinHandle<()>) {
    if thread.thread().id() != thread::current().id() {
        let _ = thread.join();
    }
}

async fn submit<T, E, F>(
    queue: Option<&mpsc::Sender<Box<dyn Job>>>,
    scope: Scope,
    name: &'static str,
    body: F,
) -> Result<T, E>
where
    T: Send + 'static,
    E: std::error::Error + From<Error> + Send + 'static,
    F: AsyncFnOnce(&mut Conn) -> Result<T, E> + Clone + Send + 'static,
{
    let (answer, result) = oneshot::channel();
    let queue = queue.ok_or(Error::Closed)?;
    queue.send(Box::new(Typed { name, scope, body, result: None, answer })).await.map_err(|_| Error::Closed)?;
    result.await.unwrap_or_else(|_| Err(Error::Closed.into()))
}

fn submit_blocking<T, E, F>(
    queue: Option<&mpsc::Sender<Box<dyn Job>>>,
    scope: Scope,
    name: &'static str,
    body: F,
) -> Result<T, E>
where
    T: Send + 'static,
    E: std::error::Error + From<Error> + Send + 'static,
    F: AsyncFnOnce(&mut Conn) -> Result<T, E> + Clone + Send + 'static,
{
    let (answer, result) = oneshot::channel();
    let queue = queue.ok_or(Error::Closed)?;
    queue.blocking_send(Box::new(Typed { name, scope, body, result: None, answer })).map_err(|_| Error::Closed)?;
    result.blocking_recv().unwrap_or_else(|_| Err(Error::Closed.into()))
}
