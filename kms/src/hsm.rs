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
use crate::queue::{Job, Queue};
use crate::registry::{Origin, Registry};
use crate::secret::Plain;
use crate::vault::{MAC_BYTES_MAX, VaultDeed, VaultReply, WrappedDataKey};
use crate::worker::{self, Reply, Task};
use crossbeam_channel::bounded;
use fuda_cli::config::{Config, Mode};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// Requests that wait per worker: enough to hide the hand-over, few enough that a stop loses nothing worth keeping.
const QUEUE_REQUESTS_PER_WORKER: usize = 4;

/// Longest wait for a place in the queue, and again for the answer. A card takes milliseconds on a soft token, a second on a slow HSM.
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

    /// Computes everything that one card needs.
    ///
    /// # Errors
    /// [`Error::StateForbids`], [`Error::VersionUnknown`], [`Error::WrongKind`], [`Error::BadRequest`]; [`Error::Token`] when the
    /// token fails even after what its return value asks for (from a process, all of these as [`Error::Worker`] with the same codes);
    /// [`Error::Deadline`], [`Error::NoWorker`]; [`Error::Pool`] when several workers died of it.
    pub fn card(&self, mut request: CardRequest) -> Result<CardAnswer, Error> {
        request.check()?;
        // A caller that keeps an old epoch must not keep a suspended version alive.
        request.epoch = request.epoch.max(self.epoch()?);
        match self.ask(Task::Card(request))? {
            Reply::Card(answer) => Ok(answer),
            _ => Err(other_reply()),
        }
    }

    /// Signs a SHA-256 digest with a receipt, audit or identity key: ECDSA P-256, r ‖ s.
    ///
    /// # Errors
    /// As [`Hsm::card`].
    pub fn sign(&self, key: &KeyVersion, digest: &[u8; 32]) -> Result<[u8; 64], Error> {
        match self.ask(Task::Sign { epoch: self.epoch()?, key: key.clone(), digest: *digest })? {
            Reply::Signature(signature) => Ok(signature),
            _ => Err(other_reply()),
        }
    }

    /// The public half of a receipt, audit or identity key.
    ///
    /// # Errors
    /// As [`Hsm::card`].
    pub fn public_key(&self, key: &KeyVersion) -> Result<p256::PublicKey, Error> {
        match self.ask(Task::PublicKey { epoch: self.epoch()?, key: key.clone() })? {
            Reply::PublicKey(key) => Ok(key),
            _ => Err(other_reply()),
        }
    }

    /// AES-CMAC of at most [`MAC_BYTES_MAX`] bytes by an `index` or `activation` key that is ACTIVE or in GRACE.
    ///
    /// # Errors
    /// As [`Hsm::card`].
    pub fn mac(&self, key: &KeyVersion, data: &[u8]) -> Result<[u8; 16], Error> {
        if data.len() > MAC_BYTES_MAX {
            return Err(Error::BadRequest { what: "a MAC is made over at most 4 KiB" });
        }
        match self.ask(Task::Mac { epoch: self.epoch()?, key: key.clone(), data: data.to_vec() })? {
            Reply::Mac(mac) => Ok(mac),
            _ => Err(other_reply()),
        }
    }

    /// A new AES-256 data key under the ACTIVE version of `vault`. To destroy what is returned is to destroy what is sealed with it.
    ///
    /// # Errors
    /// As [`Hsm::card`].
    pub fn new_data_key(&self, vault: &KeyVersion) -> Result<WrappedDataKey, Error> {
        match self.vault(vault, VaultDeed::NewDataKey)? {
            VaultReply::DataKey(key) => Ok(key),
            _ => Err(other_reply()),
        }
    }

    /// Seals at most [`PLAIN_BYTES_MAX`] bytes by AES-256-GCM inside the token: nonce (12) ‖ ciphertext ‖ tag (16). `aad`, at most
    /// [`AAD_BYTES_MAX`] bytes, says what they are and must be given again to open them. The version must be ACTIVE.
    ///
    /// # Errors
    /// As [`Hsm::card`]; [`Error::SealBroken`] when the data key is not one of this version.
    ///
    /// [`AAD_BYTES_MAX`]: crate::vault::AAD_BYTES_MAX
    /// [`PLAIN_BYTES_MAX`]: crate::vault::PLAIN_BYTES_MAX
    pub fn seal(
        &self,
        vault: &KeyVersion,
        data_key: &WrappedDataKey,
        aad: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let plain = Arc::new(Plain::new(plain.to_vec()));
        match self.vault(vault, VaultDeed::Seal { data_key: data_key.clone(), aad: aad.to_vec(), plain })? {
            VaultReply::Sealed(sealed) => Ok(sealed),
            _ => Err(other_reply()),
        }
    }

    /// Opens what [`Hsm::seal`] gave. The version may be in GRACE.
    ///
    /// # Errors
    /// As [`Hsm::card`]; [`Error::SealBroken`] when it, its data key or `aad` is not what it was (from a process as [`Error::Worker`] with
    /// the code `SEAL_BROKEN`).
    pub fn open(
        &self,
        vault: &KeyVersion,
        data_key: &WrappedDataKey,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Plain, Error> {
        let deed = VaultDeed::Open { data_key: data_key.clone(), aad: aad.to_vec(), sealed: sealed.to_vec() };
        match self.vault(vault, deed)? {
            VaultReply::Opened(plain) => Ok(plain),
            _ => Err(other_reply()),
        }
    }

    fn vault(&self, key: &KeyVersion, deed: VaultDeed) -> Result<VaultReply, Error> {
        deed.check()?;
        match self.ask(Task::Vault { epoch: self.epoch()?, key: key.clone(), deed })? {
            Reply::Vault(reply) => Ok(reply),
            _ => Err(other_reply()),
        }
    }

    /// The registry epoch to put into requests, at most one second old.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn epoch(&self) -> Result<Epoch, Error> {
        self.inner.freshness.epoch()
    }

    /// Whether the HSM can be worked with now. A worker asks its token and proves every usable key; where workers have copies of the token,
    /// the master is compared with what was copied.
    #[must_use]
    pub fn health(&self) -> Health {
        let answer = self.epoch().and_then(|epoch| self.ask(Task::Health { epoch }));
        let answer =
            answer.and_then(|reply| if let Reply::Health(keys) = reply { Ok(keys) } else { Err(other_reply()) });
        let master = if let Workers::Processes(pool) = &self.inner.workers { pool.master() } else { None };
        Health::of(answer, master, &self.metrics().workers)
    }

    /// What the workers have done since the start.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.inner.counters.snapshot()
    }

    fn ask(&self, task: Task) -> Result<Reply, Error> {
        if let Workers::Processes(pool) = &self.inner.workers
            && let Some(fault) = pool.down()
        {
            self.inner.counters.refused(Duration::ZERO);
            return Err(Error::Worker(Box::new(fault)));
        }
        let (answer, outcome) = bounded(1);
        self.inner.queue.push(Job::new(task, answer), ANSWER_WAIT_MAX)?;
        match outcome.recv_timeout(ANSWER_WAIT_MAX) {
            Ok(outcome) => outcome,
            Err(crossbeam_channel::RecvTimeoutError::Timeout) => {
                Err(Error::Deadline { waited_s: ANSWER_WAIT_MAX.as_secs() })
            }
            Err(crossbeam_channel::RecvTimeoutError::Disconnected) => Err(Error::NoWorker),
        }
    }
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

fn other_reply() -> Error {
    Error::Message { text: "a reply to another question".to_owned() }
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
