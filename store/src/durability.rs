//! How safely a store keeps what it acknowledged: read back from the engine, printed beside every speed.

use crate::Error;

/// Engine and settings on which durability rests, as the engine told them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durability {
    /// Engine and version: `SQLite 3.50.4`, `PostgreSQL 15.13`.
    pub engine: String,
    /// Settings by name.
    pub settings: Vec<(&'static str, String)>,
    /// What they come to.
    pub keeps: Keeps,
}

/// What a power cut leaves of what was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// All of it.
    WhatItAcknowledged,
    /// Perhaps nothing: a test's cluster, opened under [`DurabilityPolicy::ThrowAway`](crate::DurabilityPolicy::ThrowAway).
    Nothing,
}

impl std::fmt::Display for Durability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.engine)?;
        for (name, value) in &self.settings {
            write!(f, ", {name}={value}")?;
        }
        match self.keeps {
            Keeps::WhatItAcknowledged => Ok(()),
            Keeps::Nothing => f.write_str(" (THROW-AWAY: a power cut may take everything)"),
        }
    }
}

/// Refuses a setting that is not as it must be.
pub(crate) fn require(setting: &'static str, found: &str, wanted: &'static str) -> Result<(), Error> {
    if found == wanted {
        return Ok(());
    }
    Err(Error::NotDurable { setting, found: found.to_owned(), wanted })
}
