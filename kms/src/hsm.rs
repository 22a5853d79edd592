//! The HSM as the rest of the house sees it: a few workers behind a bounded queue, and three questions they answer.
//!
//! The workers are threads of this process, one PKCS#11 session each. The API hides that, so that processes can take their place.

use crate::duty::{Duty, NewestEpoch};
use crate::error::Error;
use crate::login::{Login, TokenConfig};
use crate::message::{CardAnswer, CardRequest, Epoch};
use crate::metrics::{Counters, Metrics};
use crate::name::KeyVersion;
use crate::registry::{Origin, Registry};
use crate::worker::{self, Job, Work};
use crossbeam_channel::{Sender, bounded};
use fuda_cli::config::{Config, Mode};
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Requests that wait per worker: enough to hide the hand-over, few enough that a stop loses nothing worth keeping.
const QUEUE_REQUESTS_PER_WORKER: usize = 4;

/// Longest wait for a place in the queue, and again for the answer. A card takes milliseconds on a soft token, a second on a slow HSM.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(60);

/// How old a known registry epoch may be: half of the two seconds in which a suspension must take effect.
const EPOCH_AGE_MAX: Duration = Duration::from_secs(1);

/// How to start.
#[derive(Debug, Clone)]
pub struct HsmConfig {
    /// The token of the duty.
    pub token: TokenConfig,
    /// Number of workers.
    pub workers: NonZeroU16,
}

impl HsmConfig {
    /// As `fuda.toml` says.
    ///
    /// # Errors
    /// [`Error::TokenLabel`].
    pub fn from_file(config: &Config) -> Result<Self, Error> {
        let workers = NonZeroU16::new(config.hsm.workers).unwrap_or(NonZeroU16::MIN);
        Ok(Self { token: TokenConfig::from_file(config)?, workers })
    }
}

/// A handle to the running workers; clones share them, and the last one to go waits for their end.
#[derive(Debug, Clone)]
pub struct Hsm {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    queue: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
    counters: Arc<Counters>,
    registry: Registry,
    newest: Arc<NewestEpoch>,
    /// When the registry was last asked for its epoch.
    asked: Mutex<Instant>,
}

impl Hsm {
    /// Logs in once, starts the workers, and lets each test its route and prove every usable key of the registry.
    ///
    /// # Errors
    /// Whatever keeps a token from being used: library, token, PIN, a missing key ([`Error::KeyAbsent`]), another key than
    /// registered ([`Error::KcvMismatch`]), another answer than published ([`Error::KnownAnswer`]), the store.
    pub fn start(config: &HsmConfig, registry: &Registry) -> Result<Self, Error> {
        refuse_public_keys_in_production(&config.token, registry)?;
        let login = Arc::new(Login::new(&config.token)?);
        let workers = usize::from(config.workers.get());
        let (queue, jobs) = bounded(workers * QUEUE_REQUESTS_PER_WORKER);
        let counters = Arc::new(Counters::default());
        let newest = Arc::new(NewestEpoch::default());
        let mut threads = Vec::with_capacity(workers);
        let mut started = Vec::with_capacity(workers);
        for number in 0..workers {
            let (login, registry, jobs) = (Arc::clone(&login), registry.clone(), jobs.clone());
            let (counters, newest) = (Arc::clone(&counters), Arc::clone(&newest));
            let (ready, outcome) = bounded(1);
            let body = move || match Duty::start(login, registry, newest) {
                Ok(duty) => {
                    let _ = ready.send(Ok(()));
                    worker::serve(duty, &jobs, &counters);
                }
                Err(error) => {
                    let _ = ready.send(Err(error));
                }
            };
            let thread = std::thread::Builder::new().name(format!("hsm-worker-{number}")).spawn(body);
            threads.push(thread.map_err(|error| Error::Binding { doing: "start a worker", text: error.to_string() })?);
            started.push(outcome);
        }
        for outcome in started {
            outcome.recv().unwrap_or(Err(Error::NoWorker))?;
        }
        let (registry, asked) = (registry.clone(), Mutex::new(Instant::now()));
        Ok(Self { inner: Arc::new(Inner { queue: Some(queue), threads, counters, registry, newest, asked }) })
    }

    /// Computes everything that one card needs.
    ///
    /// # Errors
    /// [`Error::StateForbids`], [`Error::VersionUnknown`], [`Error::WrongKind`], [`Error::BadRequest`]; [`Error::Token`] when the
    /// token fails even after what its return value asks for; [`Error::Deadline`], [`Error::NoWorker`].
    pub fn card(&self, mut request: CardRequest) -> Result<CardAnswer, Error> {
        // A caller that keeps an old epoch must not keep a suspended version alive.
        request.epoch = request.epoch.max(self.epoch()?);
        self.ask(|answer| Work::Card { request, answer })
    }

    /// Signs a SHA-256 digest with a receipt, audit or identity key: ECDSA P-256, r ‖ s.
    ///
    /// # Errors
    /// As [`Hsm::card`].
    pub fn sign(&self, key: &KeyVersion, digest: &[u8; 32]) -> Result<[u8; 64], Error> {
        let epoch = self.epoch()?;
        self.ask(|answer| Work::Sign { epoch, key: key.clone(), digest: *digest, answer })
    }

    /// The public half of a receipt, audit or identity key.
    ///
    /// # Errors
    /// As [`Hsm::card`].
    pub fn public_key(&self, key: &KeyVersion) -> Result<p256::PublicKey, Error> {
        let epoch = self.epoch()?;
        self.ask(|answer| Work::PublicKey { epoch, key: key.clone(), answer })
    }

    /// The registry epoch to put into requests, at most one second old.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn epoch(&self) -> Result<Epoch, Error> {
        let mut asked = self.inner.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.elapsed() > EPOCH_AGE_MAX {
            self.inner.newest.seen(self.inner.registry.epoch()?);
            *asked = Instant::now();
        }
        Ok(self.inner.newest.read())
    }

    /// What the workers have done since the start.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.inner.counters.snapshot()
    }

    fn ask<T>(&self, work: impl FnOnce(Sender<Result<T, Error>>) -> Work) -> Result<T, Error> {
        let (answer, outcome) = bounded(1);
        let job = Job { since: Instant::now(), work: work(answer) };
        let late = Error::Deadline { waited_s: ANSWER_WAIT_MAX.as_secs() };
        match self.inner.queue.as_ref().map(|queue| queue.send_timeout(job, ANSWER_WAIT_MAX)) {
            Some(Ok(())) => {}
            Some(Err(crossbeam_channel::SendTimeoutError::Timeout(_))) => return Err(late),
            Some(Err(crossbeam_channel::SendTimeoutError::Disconnected(_))) | None => return Err(Error::NoWorker),
        }
        match outcome.recv_timeout(ANSWER_WAIT_MAX) {
            Ok(outcome) => outcome,
            Err(crossbeam_channel::RecvTimeoutError::Timeout) => Err(late),
            Err(crossbeam_channel::RecvTimeoutError::Disconnected) => Err(Error::NoWorker),
        }
    }
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
        // A closed queue is the signal to finish what waits and end.
        self.queue = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
