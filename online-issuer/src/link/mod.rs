//! The link to terminals: HTTP and WebSocket carry the same messages to the same engine; TLS, limits and an orderly end around them.

mod cardscript;
mod gate;
mod health;
mod listener;
mod metrics;
mod openapi;
mod phase;
mod tls;

pub use gate::PerAddress;
pub use listener::{Listening, serve};
pub use openapi::document;
pub use phase::{Phase, PhaseSwitch};
pub use tls::{Carrier, TlsError};

use crate::engine::Engine;
use axum::Router;
use axum::routing::get;
use fuda_kms::Hsm;
use fuda_store::Store;
use metrics::Metrics;
use std::sync::Arc;

/// What every request can reach.
#[derive(Debug, Clone)]
pub struct Link {
    pub(crate) engine: Engine,
    pub(crate) store: Store,
    pub(crate) hsm: Hsm,
    pub(crate) phase: PhaseSwitch,
    metrics: Arc<Metrics>,
}

impl Link {
    /// A link to an engine.
    #[must_use]
    pub fn new(engine: Engine, store: Store, hsm: Hsm, phase: PhaseSwitch) -> Self {
        Self { engine, store, hsm, phase, metrics: Arc::default() }
    }

    /// The routes of the centre.
    pub fn router(self) -> Router {
        Router::new()
            .route("/v1/cardscript", get(cardscript::websocket).post(cardscript::post))
            .route("/v1/openapi.json", get(openapi::get))
            .route("/healthz", get(health::alive))
            .route("/readyz", get(health::ready))
            .route("/metrics", get(metrics::get))
            .with_state(self)
    }
}
