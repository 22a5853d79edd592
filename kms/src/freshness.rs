//! How old the known registry epoch may be: a suspension takes effect within two seconds, whatever waits in queues.

use crate::duty::NewestEpoch;
use crate::error::Error;
use crate::message::Epoch;
use crate::registry::Registry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Half of the two seconds in which a suspension must take effect.
const EPOCH_AGE_MAX: Duration = Duration::from_secs(1);

/// The registry's epoch, asked for when the last answer is too old.
#[derive(Debug)]
pub(crate) struct Freshness {
    registry: Registry,
    newest: Arc<NewestEpoch>,
    asked: Mutex<Option<Instant>>,
}

impl Freshness {
    pub(crate) fn new(registry: Registry, newest: Arc<NewestEpoch>) -> Self {
        Self { registry, newest, asked: Mutex::new(None) }
    }

    /// The epoch, at most one second old.
    pub(crate) async fn epoch(&self) -> Result<Epoch, Error> {
        let last = *self.asked();
        if Self::is_old(last) {
            let asked = Instant::now();
            self.newest.seen(self.registry.look_for_epoch().await?);
            *self.asked() = Some(asked);
        }
        Ok(self.newest.read())
    }

    /// The same for threads: one asks, the others wait for it.
    pub(crate) fn epoch_blocking(&self) -> Result<Epoch, Error> {
        let mut asked = self.asked();
        if Self::is_old(*asked) {
            self.newest.seen(self.registry.epoch()?);
            *asked = Some(Instant::now());
        }
        Ok(self.newest.read())
    }

    fn is_old(asked: Option<Instant>) -> bool {
        asked.is_none_or(|asked| asked.elapsed() > EPOCH_AGE_MAX)
    }

    fn asked(&self) -> MutexGuard<'_, Option<Instant>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A worker answers by this epoch.
    pub(crate) fn seen(&self, epoch: Epoch) {
        self.newest.seen(epoch);
    }
}
