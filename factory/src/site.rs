//! The site of a command: its configuration, store, registry and HSM.

use crate::failure;
use fuda_cli::config::{self, Config};
use fuda_cli::{Failure, Globals};
use fuda_kms::{Hsm, HsmConfig, Registry};
use fuda_store::Store;
use std::num::NonZeroU16;

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
        let config = config::load(globals)?;
        let store = Store::open(&config.store.url).map_err(|error| failure::of_store(&error))?;
        let registry = Registry::open(store.clone());
        Ok(Self { config, store, registry })
    }

    /// Logs in to the token and starts the workers.
    pub(crate) fn start_hsm(&self, workers: Option<u16>) -> Result<Hsm, Failure> {
        let mut config = HsmConfig::from_file(&self.config)?;
        config.workers = workers.and_then(NonZeroU16::new).unwrap_or(config.workers);
        Ok(Hsm::start(&config, &self.registry)?)
    }
}
