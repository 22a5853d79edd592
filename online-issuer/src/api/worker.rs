//! The worker beside the requests: it settles payments, and lets what nobody went on with expire. It is woken when a payment is stored, and
//! looks by itself now and then, so that what another node stored, or what waited for a card, is settled too.

use crate::engine::{Elapsed, elapse};
use crate::error::Error;
use crate::members::Services;
use crate::orders::{Lives, expire_orders};
use crate::payments::settle_all;
use fuda_store::Store;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Time after which it looks unasked.
const ROUND: Duration = Duration::from_secs(5);

/// The worker; clones share it.
#[derive(Debug, Clone)]
pub struct Fulfilment {
    store: Store,
    services: Services,
    lives: Lives,
    wake: Arc<Notify>,
}

/// Whether there is more to do at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Something,
    Nothing,
}

impl Fulfilment {
    pub(super) fn new(store: Store, services: Services, lives: Lives) -> Self {
        Self { store, services, lives, wake: Arc::default() }
    }

    /// Something was stored.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Works for ever: to be spawned, and dropped with the node. What it was at is done or undone as a whole.
    pub async fn run(self) {
        loop {
            let worker = self.clone();
            match tokio::task::spawn_blocking(move || worker.round()).await {
                Ok(Ok(Left::Something)) => continue,
                Ok(Ok(Left::Nothing)) => {}
                Ok(Err(error)) => tracing::error!(code = error.code(), %error, "payments and expiry wait"),
                Err(_) => tracing::error!(code = "CENTRE_THREAD", "payments and expiry wait"),
            }
            let _ = tokio::time::timeout(ROUND, self.wake.notified()).await;
        }
    }

    /// Payments first: what was paid in time does not expire.
    fn round(&self) -> Result<Left, Error> {
        let payments = settle_all(&self.store, &self.services)?;
        if payments.settled + payments.exceptions > 0 {
            let (settled, exceptions, waiting) = (payments.settled, payments.exceptions, payments.waiting);
            tracing::info!(settled, exceptions, waiting, "payments");
            return Ok(Left::Something);
        }
        let Elapsed { jobs, scripts } = elapse(&self.store, self.lives.job)?;
        let orders = expire_orders(&self.store, &self.lives)?;
        if jobs + scripts + orders > 0 {
            tracing::info!(jobs, scripts, orders, "expired");
            return Ok(Left::Something);
        }
        Ok(Left::Nothing)
    }
}
