//! The pool: a fixed number of places, each a thread that owns one worker process and replaces it when it dies, hangs, has had enough, or
//! works on an old copy of the token.
//!
//! Requests are pure, so one whose worker died is given to another worker; its caller still gets exactly one answer. `slot.rs` is the life
//! of a place, `child.rs` one process, `copy.rs` the private copy of a SoftHSM token, `pace.rs` how fast anything is tried again.

mod child;
mod copy;
pub(crate) mod error;
mod pace;
mod pin;
pub(crate) mod place;
mod slot;

use crate::error::Error;
use crate::fault::Fault;
use crate::freshness::Freshness;
use crate::login::TokenConfig;
use crate::master::{Fingerprint, Master};
use crate::metrics::Counters;
use crate::protocol::{Build, Hello, On};
use crate::provider::TokenCopy;
use crate::queue::Queue;
use crossbeam_channel::{Receiver, bounded};
use error::PoolError;
use fuda_cli::Exit;
use pin::Keeper;
use slot::Slot;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longest wait for fresh copies after a change of keys.
const RENEWAL_MAX: Duration = Duration::from_secs(3);

/// What every place of a pool works with.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) queue: Arc<Queue>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) freshness: Arc<Freshness>,
    pub(crate) token: TokenConfig,
    pub(crate) program: PathBuf,
    /// URL of the registry's store.
    pub(crate) store: String,
}

/// A running pool.
#[derive(Debug)]
pub(crate) struct Pool {
    house: Arc<House>,
    threads: Vec<JoinHandle<()>>,
}

/// What places share, and how each of them is.
#[derive(Debug)]
struct House {
    shared: Shared,
    pin: Keeper,
    /// What was in the token when it was copied last.
    copied: Mutex<Option<Fingerprint>>,
    /// Per place: what keeps it from starting.
    faults: Mutex<Vec<Option<Fault>>>,
}

impl Pool {
    /// Starts the places and waits until each has a worker or a reason why not. One worker is enough to go on.
    pub(crate) fn start(shared: Shared, places: usize) -> Result<Self, Error> {
        copy::remove_leftovers(&shared.token)?;
        let pin = Keeper::new(&shared.token.pin)?;
        shared.counters.places(places);
        let house = Arc::new(House { shared, pin, copied: Mutex::new(None), faults: Mutex::new(vec![None; places]) });
        let mut pool = Self { house, threads: Vec::with_capacity(places) };
        let mut started = Vec::with_capacity(places);
        for number in 0..places {
            let (ready, outcome) = bounded(1);
            let slot = Slot::new(number, Arc::clone(&pool.house), ready);
            let thread = std::thread::Builder::new().name(format!("hsm-place-{number}")).spawn(|| slot.run());
            pool.threads
                .push(thread.map_err(|error| Error::Binding { doing: "start a worker", text: error.to_string() })?);
            started.push(outcome);
        }
        match gravest(&started) {
            Some(error) => Err(error),
            None => Ok(pool),
        }
    }

    /// Whether the master of the workers' copies is still there, and the same.
    pub(crate) fn master(&self) -> Option<Result<(), Error>> {
        let mut found = self.house.master();
        // A change that the registry knows of is followed by fresh copies.
        let until = Instant::now() + RENEWAL_MAX;
        while matches!(found, Some(Err(Error::Pool(PoolError::MasterChanged)))) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(100));
            found = self.house.master();
        }
        found
    }

    /// What a caller is told while no place has a worker and none is about to.
    pub(crate) fn down(&self) -> Option<Fault> {
        self.house.down()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.house.shared.queue.close();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// What forbids to go on: a fault of integrity anywhere, or no worker at all.
fn gravest(started: &[Receiver<Result<(), Error>>]) -> Option<Error> {
    let outcomes = started.iter().map(|outcome| outcome.recv().unwrap_or(Err(Error::NoWorker)));
    let (ready, failed): (Vec<_>, Vec<_>) = outcomes.partition(Result::is_ok);
    let mut errors: Vec<Error> = failed.into_iter().filter_map(Result::err).collect();
    // One worker met the wrong PIN; the others met the latch that it set.
    errors.sort_by_key(|error| (error.exit() != Exit::Integrity, error.code() == "PIN_LATCHED"));
    let first = errors.into_iter().next()?;
    (ready.is_empty() || first.exit() == Exit::Integrity).then_some(first)
}

impl House {
    fn faults(&self) -> std::sync::MutexGuard<'_, Vec<Option<Fault>>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn down(&self) -> Option<Fault> {
        let faults = self.faults();
        if faults.iter().all(Option::is_some) { faults.iter().flatten().next().cloned() } else { None }
    }

    /// Notes how a place is. When it was the last that could serve, those who wait are told.
    fn note(&self, number: usize, fault: Option<Fault>) {
        if let Some(place) = self.faults().get_mut(number) {
            *place = fault;
        }
        if let Some(fault) = self.down() {
            for job in self.shared.queue.take_all() {
                self.shared.counters.refused(job.since.elapsed());
                job.answer(Err(Error::Worker(Box::new(fault.clone()))));
            }
        }
    }

    fn copied(&self, fingerprint: Fingerprint) {
        *self.copied.lock().unwrap_or_else(PoisonError::into_inner) = Some(fingerprint);
    }

    /// Whether the token that the workers have copies of is still there, and the same; nothing when they have none.
    fn master(&self) -> Option<Result<(), Error>> {
        let master = Master::of(&self.shared.token).transpose()?;
        let now = master.and_then(|master| master.fingerprint(self.shared.token.label.as_str()));
        let copied = *self.copied.lock().unwrap_or_else(PoisonError::into_inner);
        Some(now.and_then(|now| if copied == Some(now) { Ok(()) } else { Err(PoolError::MasterChanged.into()) }))
    }

    fn hello(&self) -> Hello {
        let token = &self.shared.token;
        Hello {
            build: Build::ours(),
            module: token.module.clone(),
            label: token.label.to_string(),
            state_dir: token.state_dir.clone(),
            mode: token.mode.into(),
            provider: token.provider.name.to_owned(),
            store: self.shared.store.clone(),
            on: match token.provider.profile.token_copy {
                TokenCopy::None => On::Token,
                TokenCopy::Softhsm2Conf => On::Copy,
            },
        }
    }

    const fn answer_max(&self) -> Duration {
        Duration::from_millis(self.shared.token.provider.profile.answer_ms)
    }

    const fn start_max(&self) -> Duration {
        Duration::from_millis(self.shared.token.provider.profile.start_ms)
    }
}
