//! The HTTP API of the commercial side: members, orders, claims, sales, payments. JSON in and out; nothing personal in a URL, a log or an error.
//!
//! The member page's server and a retailer's show bearer keys, each of its own kind; the payment provider signs what it says. Everybody else is told nothing.

mod answer;
mod auth;
mod describe;
mod members;
mod orders;
mod payments;
mod sales;
mod worker;

pub use auth::ApiKeys;
pub(crate) use describe::{paths, security_schemes};
pub use worker::Fulfilment;

use crate::error::Error;
use crate::members::{Registered, Services};
use crate::orders::{ClaimBy, Lives, SaleRule};
use crate::payments::Secrets;
use crate::vault::{BlindIndex, Vault, erasures::Erasures};
use answer::Problem;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::routing::{get, post};
use fuda_cli::Failure;
use fuda_cli::config::{Config, Issuer};
use fuda_kms::{Hsm, Registry};
use fuda_store::Store;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Longest body: a member's 32 fields of 256 characters of four bytes.
const BODY_BYTES_MAX: usize = 48 * 1024;
/// Time for a body to come.
const BODY_MAX: Duration = Duration::from_secs(20);
/// Requests that wait for store or HSM at once, each in a thread of its own: more would only wait longer.
const REQUESTS_MAX: usize = 32;

/// Which claims a node takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimRule {
    /// By activation code alone.
    CodeOnly,
    /// By serial and printed number too, which anybody can read: for development.
    SerialToo,
}

/// What requests can reach; clones share it.
#[derive(Debug, Clone)]
pub struct Api {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    members: Registered,
    index: BlindIndex,
    services: Services,
    keys: ApiKeys,
    tills: ApiKeys,
    secrets: Secrets,
    rule: ClaimRule,
    sale_rule: SaleRule,
    fulfilment: Fulfilment,
    places: Arc<Semaphore>,
}

impl Api {
    /// An API for a site. Members who were erased and have come back with a restored database are erased again before it answers anybody.
    ///
    /// # Errors
    /// A service, key or secret of `fuda.toml` that cannot be used; the list of erased members.
    pub fn new(config: &Config, store: &Store, hsm: &Hsm, rule: ClaimRule) -> Result<Self, Failure> {
        let members = registered(config, store, hsm);
        let again = members.erasures.replay(store)?;
        if again > 0 {
            tracing::warn!(members = again, "erased again after a restore");
        }
        let services = Services::read(config)?;
        let none = Vec::new();
        let issuer = config.issuer.as_ref();
        let list = |of: fn(&Issuer) -> &Vec<PathBuf>| issuer.map_or(&none, of);
        let required = issuer.is_some_and(|issuer| issuer.require_sale);
        let inner = Inner {
            store: store.clone(),
            index: members.index.clone(),
            keys: ApiKeys::read(list(|issuer| &issuer.api_keys))?,
            tills: ApiKeys::read(list(|issuer| &issuer.till_keys))?,
            secrets: Secrets::read(list(|issuer| &issuer.webhook_secrets))?,
            rule,
            sale_rule: if required { SaleRule::Required } else { SaleRule::NotRequired },
            fulfilment: Fulfilment::new(store.clone(), services.clone(), Lives::read(config)?),
            services,
            members,
            places: Arc::new(Semaphore::new(REQUESTS_MAX)),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The routes. The worker that settles payments is [`Api::fulfilment`], and somebody must run it.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/v1/members", post(members::join))
            .route("/v1/members/find", post(members::find))
            .route("/v1/members/{member}", get(members::show).put(members::change).delete(members::erase))
            .route("/v1/members/{member}/export", get(members::export))
            .route("/v1/orders", post(orders::create))
            .route("/v1/orders/{order}", get(orders::show))
            .route("/v1/orders/{order}/claim", post(orders::claim))
            .route("/v1/sales", post(sales::sell))
            .route("/v1/sales/reverse", post(sales::reverse))
            .route("/v1/payments/webhook", post(payments::webhook))
            .with_state(self.clone())
    }

    /// The worker that settles payments.
    #[must_use]
    pub fn fulfilment(&self) -> &Fulfilment {
        &self.inner.fulfilment
    }

    /// Does work that waits for store or HSM without holding up other requests.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Problem> {
        let inner = Arc::clone(&self.inner);
        let place = Arc::clone(&self.inner.places).acquire_owned().await.map_err(|_| Error::Thread)?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work(&inner);
            drop(place);
            done
        });
        Ok(done.await.map_err(|_| Error::Thread)??)
    }
}

impl Inner {
    /// Whether the node takes such a claim.
    fn takes(&self, by: &ClaimBy) -> Result<(), Error> {
        match (by, self.rule) {
            (ClaimBy::Serial(_), ClaimRule::CodeOnly) => Err(crate::orders::OrderError::CodeNeeded.into()),
            _ => Ok(()),
        }
    }
}

/// The register of members of a site.
pub(crate) fn registered(config: &Config, store: &Store, hsm: &Hsm) -> Registered {
    let registry = Registry::open(store.clone());
    let issuer = config.issuer.as_ref();
    let indexed = issuer.map(|issuer| issuer.indexed.clone()).unwrap_or_default();
    let list = issuer
        .and_then(|issuer| issuer.erasures.as_deref())
        .map_or_else(|| config.folder.join("erasures.list"), Path::to_owned);
    Registered {
        store: store.clone(),
        vault: Vault::new(hsm.clone(), registry.clone()),
        index: BlindIndex::new(hsm.clone(), registry),
        indexed,
        erasures: Erasures::at(&list),
    }
}

/// Reads a body.
async fn bytes(body: Body) -> Result<Vec<u8>, Problem> {
    match tokio::time::timeout(BODY_MAX, to_bytes(body, BODY_BYTES_MAX)).await {
        Ok(Ok(bytes)) => Ok(bytes.to_vec()),
        Ok(Err(_)) => Err(Problem::BODY_TOO_LONG),
        Err(_) => Err(Problem::BODY_TOO_SLOW),
    }
}

/// Reads a body as JSON; what is wrong with it is told without what it says.
async fn json<T: DeserializeOwned>(body: Body) -> Result<T, Problem> {
    let bytes = zeroize::Zeroizing::new(bytes(body).await?);
    serde_json::from_slice(&bytes).map_err(|error| Problem::malformed(error.line(), error.column()))
}
