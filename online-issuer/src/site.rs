//! The site of a command: its configuration, store, registry and HSM.

use fuda_cli::config::{self, Config};
use fuda_cli::{Failure, Globals};
use fuda_issuance::store_report;
use fuda_kms::{Hsm, HsmConfig, Registry};
use fuda_store::{Options, SchemaPolicy, Store};

/// What `fuda.toml` names, opened.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) registry: Registry,
}

impl Site {
    /// Opens configuration and store; the HSM stays closed.
    pub(crate) fn open(globals: &Globals, schema: SchemaPolicy) -> Result<Self, Failure> {
        let config = config::load(globals)?;
        let options = Options { schema, ..Options::default() };
        let store = Store::open_with(&config.store.url, &options).map_err(|error| store_report::failure(&error))?;
        let registry = Registry::open(store.clone());
        Ok(Self { config, store, registry })
    }

    /// Logs in to the token and starts the workers.
    pub(crate) fn start_hsm(&self) -> Result<Hsm, Failure> {
        Ok(Hsm::start(&HsmConfig::from_file(&self.config)?, &self.registry)?)
    }
}
