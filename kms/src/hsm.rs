//! The HSM as the rest of the house sees it: a few workers behind a bounded queue, and the questions they answer.

use crate::duty::{Duty, NewestEpoch};
use crate::error::Error;
use crate::freshness::Freshness;
use crate::health::Health;
use crate::login::{Login, TokenConfig};
use crate::message::{CardAnswer, CardRequest, Epoch};
use crate::metrics::{Counters, Metrics};
use crate::name::KeyVersion;
use crate::pool::place::Place;
use crate::pool::{Pool, Shared};
use crate::question::Question;
use crate::queue::{Asker, Job, Queue};
use crate::registry::{Origin, Registry};
use crate::secret::Plain;
use crate::vault::WrappedDataKey;
use crate::worker::{self, Reply, Task};
use crossbeam_channel::{RecvTimeoutError, bounded};
use fuda_cli::config::{Config, Mode};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Requests that wait per worker: enough to hide the hand-over, few enough that a stop loses nothing worth keeping.
const QUEUE_REQUESTS_PER_WORKER: usize = 4;

/// Longest wait for a place in the queue, and again for the answer; of a task, for both. A card takes milliseconds on a soft token, a second on
/// a slow HSM.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(60);

/// How to start.
#[derive(Debug, Clone)]
pub struct HsmConfig {
    /// The token of the duty.
    pub token: TokenConfig,
    /// Number of workers.
    pub workers: NonZeroU16,
    /// Where they run.
    pub place: Place,
}

impl HsmConfig {
    /// As `fuda.toml` says, with the worker program that lies beside the running one.
    ///
    /// # Errors
    /// [`Error::TokenLabel`], [`Error::Provider`], [`Error::Pool`].
    pub fn from_file(config: &Config) -> Result<Self, Error> {
        let workers = NonZeroU16::new(config.hsm.workers).unwrap_or(NonZeroU16::MIN);
        Ok(Self { token: TokenConfig::from_file(config)?, workers, place: Place::beside()? })
    }
}

/// A handle to the running workers; clones share them, and the last one to go waits for their end.
#[derive(Debug, Clone)]
pub struct Hsm {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    queue: Arc<Queue>,
    counters: Arc<Counters>,
    freshness: Arc<Freshness>,
    workers: Workers,
}

#[derive(Debug)]
enum Workers {
    Processes(Pool),
    Threads(Vec<JoinHandle<()>>),
}

impl Hsm {
    /// Starts the workers; each logs in, tests its route and proves every usable key of the registry.
    ///
    /// # Errors
    /// Whatever keeps a token from being used: library, token, PIN, a missing key ([`Error::KeyAbsent`]), another key than
    /// registered ([`Error::KcvMismatch`]), another answer than published ([`Error::KnownAnswer`]), the store. From a worker process they
    /// come as [`Error::Worker`], with the same codes. One worker that is ready is enough, unless another found a fault of integrity.
    pub fn start(config: &HsmConfig, registry: &Registry) -> Result<Self, Error> {
        refuse_public_keys_in_production(&config.token, registry)?;
        let workers = usize::from(config.workers.get());
        let queue = Arc::new(Queue::new(workers * QUEUE_REQUESTS_PER_WORKER));
        let counters = Arc::new(Counters::default());
        let newest = Arc::new(NewestEpoch::default());
        let freshness = Arc::new(Freshness::new(registry.clone(), Arc::clone(&newest)));
        let started = match &config.place {
            Place::Processes { program } => {
                let shared = Shared {
                    queue: Arc::clone(&queue),
                    counters: Arc::clone(&counters),
                    freshness: Arc::clone(&freshness),
                    token: config.token.clone(),
                    program: program.clone(),
                    store: registry.url(),
                };
                Workers::Processes(Pool::start(shared, workers)?)
            }
            Place::Threads => Workers::Threads(threads(config, registry, &queue, &counters, &newest)?),
        };
        Ok(Self { inner: Arc::new(Inner { queue, counters, freshness, workers: started }) })
    }

    /// Asks, and holds no thread while it waits: for tasks of an async runtime.
    ///
    /// # Errors
    /// [`Error::StateForbids`], [`Error::VersionUnknown`], [`Error::WrongKind`], [`Error::BadRequest`]; [`Error::SealBroken`] when what is opened, its data key or
    /// its `aad` is not what it was; [`Error::Token`] when the token fails even after what its return value asks for (from a process, all of
    /// these as [`Error::Worker`] with the same codes); [`Error::Deadline`], [`Error::NoWorker`], [`Error::Store`]; [`Error::Pool`] when
    /// several workers died of it.
    pub async fn ask<T: 'static>(&self, question: Question<T>) -> Result<T, Error> {
        let (task, answer) = question.split()?;
        let reply = match task {
            Some(mut task) => {
                self.refuse_if_down()?;
                task.raise(self.inner.freshness.epoch().await?);
                let (asker, outcome) = oneshot::channel();
                let asked = async {
                    self.inner.queue.push(Job::new(task, Asker::Task(asker))).await?;
                    outcome.await.unwrap_or(Err(Error::NoWorker))
                };
                Some(timeout(ANSWER_WAIT_MAX, asked).await.unwrap_or_else(|_| Err(late()))?)
            }
            None => None,
        };
        answer.read(reply)
    }

    /// [`Hsm::ask`] for threads: blocks until the answer is there. Must not be called inside an async runtime, nor must what follows here.
    ///
    /// # Errors
    /// As [`Hsm::ask`].
    pub fn ask_blocking<T: 'static>(&self, question: Question<T>) -> Result<T, Error> {
        let (task, answer) = question.split()?;
        let reply = match task {
            Some(mut task) => {
                task.raise(self.epoch()?);
                Some(self.perform(task)?)
            }
            None => None,
        };
        answer.read(reply)
    }

    /// Asks [`Question::card`].
    ///
    /// # Errors
    /// As [`Hsm::ask`].
    pub fn card(&self, request: CardRequest) -> Result<CardAnswer, Error> {
        self.ask_blocking(Question::card(request)?)
    }

    /// Asks [`Question::sign`].
    ///
    /// # Errors
    /// As [`Hsm::ask`].
    pub fn sign(&self, key: &KeyVersion, digest: &[u8; 32]) -> Result<[u8; 64], Error> {
        self.ask_blocking(Question::sign(key.clone(), *digest))
    }

    /// Asks [`Question::public_key`].
    ///
    /// # Errors
    /// As [`Hsm::ask`].
    pub fn public_key(&self, key: &KeyVersion) -> Result<p256::PublicKey, Error> {
        self.ask_blocking(Question::public_key(key.clone()))
    }

    /// Asks [`Question::mac`].
    ///
    /// # Errors
    /// As [`Hsm::ask`].
    pub fn mac(&self, key: &KeyVersion, data: &[u8]) -> Result<[u8; 16], Error> {
        self.ask_blocking(Question::mac(key.clone(), data.to_vec())?)
    }

    /// Asks [`Question::new_data_key`].
    ///
    /// # Errors
    /// As [`Hsm::ask`].
    pub fn new_data_key(&self, vault: &KeyVersion) -> Result<WrappedDataKey, Error> {
        self.ask_blocking(Question::new_data_key(vault.clone()))
    }

    /// Asks [`Question::seal`].
    ///
    /// # Errors
    /// As [`Hsm::ask`].
    pub fn seal(
        &self,
        vault: &KeyVersion,
        data_key: &WrappedDataKey,
        aad: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, Error> {
        self.ask_blocking(Question::seal(vault.clone(), data_key.clone(), aad.to_vec(), plain)?)
    }

    /// Asks [`Question::open`].
    ///
    /// # Errors
    /// As [`Hsm::ask`].
    pub fn open(
        &self,
        vault: &KeyVersion,
        data_key: &WrappedDataKey,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Plain, Error> {
        self.ask_blocking(Question::open(vault.clone(), data_key.clone(), aad.to_vec(), sealed.to_vec())?)
    }

    /// The registry epoch to put into requests, at most one second old.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn epoch(&self) -> Result<Epoch, Error> {
        self.inner.freshness.epoch_blocking()
    }

    /// Whether the HSM can be worked with now. A worker asks its token and proves every usable key; where workers have copies of the token,
    /// the master is compared with what was copied.
    #[must_use]
    pub fn health(&self) -> Health {
        let answer = self.ask_blocking(Question::health());
        let master = if let Workers::Processes(pool) = &self.inner.workers { pool.master() } else { None };
        Health::of(answer, master, &self.metrics().workers)
    }

    /// What the workers have done since the start.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.inner.counters.snapshot()
    }

    fn perform(&self, task: Task) -> Result<Reply, Error> {
        self.refuse_if_down()?;
        let (asker, outcome) = bounded(1);
        self.inner.queue.push_blocking(Job::new(task, Asker::Thread(asker)), ANSWER_WAIT_MAX)?;
        match outcome.recv_timeout(ANSWER_WAIT_MAX) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Timeout) => Err(late()),
            Err(RecvTimeoutError::Disconnected) => Err(Error::NoWorker),
        }
    }

    /// Nobody waits for workers that cannot start.
    fn refuse_if_down(&self) -> Result<(), Error> {
        let Workers::Processes(pool) = &self.inner.workers else { return Ok(()) };
        let Some(fault) = pool.down() else { return Ok(()) };
        self.inner.counters.refused(Duration::ZERO);
        Err(Error::Worker(Box::new(fault)))
    }
}

const fn late() -> Error {
    Error::Deadline { waited_s: ANSWER_WAIT_MAX.as_secs() }
}

/// Logs in once and starts the workers as threads.
fn threads(
    config: &HsmConfig,
    registry: &Registry,
    queue: &Arc<Queue>,
    counters: &Arc<Counters>,
    newest: &Arc<NewestEpoch>,
) -> Result<Vec<JoinHandle<()>>, Error> {
    let login = Arc::new(Login::new(&config.token)?);
    let duties = (0..config.workers.get())
        .map(|_| Duty::start(Arc::clone(&login), registry.clone(), Arc::clone(newest)))
        .collect::<Result<Vec<_>, _>>()?;
    let threads = duties.into_iter().map(|duty| {
        let (queue, counters) = (Arc::clone(queue), Arc::clone(counters));
        let thread = std::thread::Builder::new().name("hsm-worker".to_owned());
        thread.spawn(move || worker::serve(duty, &queue, &counters))
    });
    threads
        .collect::<Result<_, _>>()
        .map_err(|error| Error::Binding { doing: "start a worker", text: error.to_string() })
}

fn refuse_public_keys_in_production(config: &TokenConfig, registry: &Registry) -> Result<(), Error> {
    if config.mode == Mode::Test {
        return Ok(());
    }
    match registry.list()?.iter().find(|record| record.origin == Origin::Public && record.token == config.label) {
        Some(record) => Err(Error::public_key_in_production(&record.version)),
        None => Ok(()),
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // A closed queue is the signal to finish what waits and end; a pool waits for its places by itself.
        self.queue.close();
        if let Workers::Threads(threads) = &mut self.workers {
            for thread in threads.drain(..) {
                let _ = thread.join();
            }
        }
    }
}
