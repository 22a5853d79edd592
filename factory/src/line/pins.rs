//! The key versions that a job was made with: none of them may be withdrawn while the line works.

use fuda_issuance::Error;
use fuda_kms::state::Use;
use fuda_kms::{KeyVersion, Registry};

/// The versions, and what the plan does with each.
#[derive(Debug)]
pub struct Pins {
    registry: Registry,
    pins: Vec<(KeyVersion, Use)>,
}

impl Pins {
    /// Watches these versions.
    #[must_use]
    pub const fn new(registry: Registry, pins: Vec<(KeyVersion, Use)>) -> Self {
        Self { registry, pins }
    }

    /// Looks whether each version may still be used as the plan uses it.
    ///
    /// # Errors
    /// [`fuda_kms::Error::StateForbids`] names the first that may not; the store.
    pub fn check(&self) -> Result<(), Error> {
        let records = self.registry.list()?;
        for (version, wanted) in &self.pins {
            let Some(record) = records.iter().find(|record| record.version == *version) else { continue };
            if !record.state.allows(*wanted) {
                let (version, state, wanted) = (version.clone(), record.state, "work on the job");
                return Err(fuda_kms::Error::StateForbids { version, state, wanted }.into());
            }
        }
        Ok(())
    }
}
