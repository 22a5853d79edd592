//! The site of a command: its configuration, store, registry and HSM.

use crate::failure;
use fuda_cli::config::{self, Config};
use fuda_cli::{Exit, Failure, Globals};
use fuda_issuance::{Journal, SiteMode, store_report};
use fuda_kms::{Hsm, HsmConfig, Registry, TokenLabel};
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
        let store = Store::open(&config.store.url).map_err(|error| store_report::failure(&error))?;
        let registry = Registry::open(store.clone());
        let site = Self { config, store, registry };
        site.require_mode()?;
        Ok(site)
    }

    /// What the site's cards are for.
    pub(crate) fn mode(&self) -> SiteMode {
        self.config.site.mode.into()
    }

    /// Refuses a store with jobs of the other mode: test cards and real ones are never counted together.
    fn require_mode(&self) -> Result<(), Failure> {
        match Journal::mode_of(&self.store).map_err(failure::of)? {
            Some((job, mode)) if mode != self.mode() => {
                let (theirs, ours) = (mode.as_str(), self.mode().as_str());
                let what = format!("the store holds {theirs} jobs ({job}), and the site's mode is {ours}");
                Err(mixed(what).at(self.store.place()))
            }
            _ => Ok(()),
        }
    }

    /// The label of the site's token.
    pub(crate) fn token_label(&self) -> Result<TokenLabel, Failure> {
        Ok(TokenLabel::new(&self.config.hsm.token.label)?)
    }

    /// Logs in to the token and starts the workers.
    pub(crate) fn start_hsm(&self, workers: Option<u16>) -> Result<Hsm, Failure> {
        let mut config = HsmConfig::from_file(&self.config)?;
        config.workers = workers.and_then(NonZeroU16::new).unwrap_or(config.workers);
        Ok(Hsm::start(&config, &self.registry)?)
    }
}

/// The refusal of what belongs to the other mode.
pub(crate) fn mixed(what: String) -> Failure {
    Failure::new("MODE_MIXED", Exit::Refused, what)
        .remedy("test and production have stores, deliveries and cards of their own")
}
