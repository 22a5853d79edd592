//! The blind index: a value is found by its MAC under the key `index`, which never leaves the HSM; the store holds the MAC alone.

use crate::error::Error;
use fuda_kms::state::Use;
use fuda_kms::{Hsm, KeyName, KeyVersion, Registry};

/// Between a field's name and its value: in neither.
const SEPARATOR: u8 = 0x1F;

/// The index. Each field has a name of its own under the MAC, so that equal values of two fields do not look alike.
#[derive(Debug, Clone)]
pub struct BlindIndex {
    hsm: Hsm,
    registry: Registry,
}

impl BlindIndex {
    /// An index under the key `index` of the HSM.
    #[must_use]
    pub const fn new(hsm: Hsm, registry: Registry) -> Self {
        Self { hsm, registry }
    }

    /// What a value is stored as: `VERSION:HEX` under the active version.
    ///
    /// # Errors
    /// [`Error::Hsm`].
    pub fn blind(&self, field: &str, value: &str) -> Result<String, Error> {
        self.under(&self.registry.active(&KeyName::Index)?.version, field, value)
    }

    /// What a value may have been stored as: under every version that is still in use.
    ///
    /// # Errors
    /// [`Error::Hsm`].
    pub fn candidates(&self, field: &str, value: &str) -> Result<Vec<String>, Error> {
        let records = self.registry.list()?;
        let usable =
            records.iter().filter(|record| record.version.name == KeyName::Index && record.state.allows(Use::Open));
        usable.map(|record| self.under(&record.version, field, value)).collect()
    }

    fn under(&self, version: &KeyVersion, field: &str, value: &str) -> Result<String, Error> {
        let input = [field.as_bytes(), &[SEPARATOR], value.as_bytes()].concat();
        Ok(format!("{}:{}", version.number, hex::encode_upper(self.hsm.mac(version, &input)?)))
    }
}
