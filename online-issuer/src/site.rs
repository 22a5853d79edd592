//! The site of a command: its configuration, store, registry and HSM.

use fuda_cli::config::{self, Config};
use fuda_cli::{Failure, Globals};
use fuda_issuance::store_report;
use fuda_kms::{Hsm, HsmConfig, Registry};
use fuda_store::{Options, SchemaPolicy, Store};
use std::time::Duration;

/// The pace of a node's transactions. Nobody feels it beside the card's own time, and a sync then serves a few people instead of one.
const PACE: Duration = Duration::from_millis(4);

/// What `fuda.toml` names, opened.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) registry: Registry,
}

impl Site {
    /// Opens configuration and store; the HSM stays closed.
    pub(crate) fn open(globals: &Globals) -> Result<Self, Failure> {
        Self::open_at(globals, Duration::ZERO)
    }

    /// The same for a node, whose callers do not wait for each other.
    pub(crate) fn open_for_many(globals: &Globals) -> Result<Self, Failure> {
        Self::open_at(globals, PACE)
    }

    fn open_at(globals: &Globals, pace: Duration) -> Result<Self, Failure> {
        let config = config::load(globals)?;
        let options = Options { schema: SchemaPolicy::MustMatch, pace, ..Options::default() };
        let store = Store::open_with(&config.store.url, &options).map_err(|error| store_report::failure(&error))?;
        let registry = Registry::open(store.clone());
        Ok(Self { config, store, registry })
    }

    /// Logs in to the token and starts the workers.
    pub(crate) fn start_hsm(&self) -> Result<Hsm, Failure> {
        Ok(Hsm::start(&HsmConfig::from_file(&self.config)?, &self.registry)?)
    }
}
