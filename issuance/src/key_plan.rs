//! Which key version stands behind each key set of a card: the job's pins, or what the card's own record says.

use crate::error::Error;
use crate::journal::Journal;
use fuda_card::id::{DfName, Kdd, Kvn};
use fuda_card::personalisation::ChannelId;
use fuda_kms::{KeyName, KeyVersion};
use std::collections::BTreeMap;

/// The versions of one card.
#[derive(Debug, Clone)]
pub(crate) struct KeyPlan<'j> {
    pins: &'j BTreeMap<KeyName, KeyVersion>,
    recorded: BTreeMap<(DfName, Kvn), KeyVersion>,
}

impl<'j> KeyPlan<'j> {
    /// For a chip that was never written: the job's pins.
    pub(crate) const fn pinned(pins: &'j BTreeMap<KeyName, KeyVersion>) -> Self {
        Self { pins, recorded: BTreeMap::new() }
    }

    /// For a chip that was begun before: what its record says it may carry comes before the pins.
    pub(crate) fn recorded(journal: &'j Journal, kdd: Kdd) -> Result<Self, Error> {
        Ok(Self { pins: &journal.job().order.keys, recorded: journal.key_sets(kdd)? })
    }

    /// The version behind a key set.
    ///
    /// # Errors
    /// [`Error::KeyNotPinned`] when neither record nor order names one.
    pub(crate) fn version(&self, set: &ChannelId) -> Result<KeyVersion, Error> {
        let not_pinned = || Error::KeyNotPinned { key: set.key.clone() };
        if let Some(version) = self.recorded.get(&(set.df.clone(), set.kvn)) {
            return Ok(version.clone());
        }
        let name: KeyName = set.key.parse().map_err(|_| not_pinned())?;
        self.pins.get(&name).cloned().ok_or_else(not_pinned)
    }
}
