//! The personal-data vault: what a member says of themselves is sealed under a key of the member's own, and that key is outside the HSM only
//! wrapped. To erase a member is to destroy those 40 bytes.
//!
//! AAD of every seal: `member ‖ record ‖ field set ‖ key version`, each with its length before it, so that nothing sealed can be put into
//! another place. [`BlindIndex`] finds a value without storing it, [`erasures`] keep a restored database from bringing an erased member back.

pub mod erasures;
mod index;

pub use index::BlindIndex;

use crate::error::Error;
use crate::id::MemberId;
use fuda_kms::{Hsm, KeyName, KeyVersion, Plain, Question, Registry, WrappedDataKey};

/// The vault.
#[derive(Debug, Clone)]
pub struct Vault {
    hsm: Hsm,
    registry: Registry,
}

/// A member's data key, as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberKey {
    /// The vault key that it is wrapped under.
    pub version: KeyVersion,
    /// It.
    pub wrapped: WrappedDataKey,
}

/// What is sealed: whose, in which record, which fields of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The member.
    pub member: &'a MemberId,
    /// The record: `member`, or the number of a job.
    pub record: &'a str,
    /// Which fields: `person`, `contents`.
    pub field_set: &'a str,
}

impl Vault {
    /// A vault under the key `vault` of the HSM.
    #[must_use]
    pub const fn new(hsm: Hsm, registry: Registry) -> Self {
        Self { hsm, registry }
    }

    /// A new data key.
    ///
    /// # Errors
    /// [`Error::Hsm`].
    pub fn new_key(&self) -> Result<MemberKey, Error> {
        let version = self.registry.active(&KeyName::Vault)?.version;
        let wrapped = self.hsm.new_data_key(&version)?;
        Ok(MemberKey { version, wrapped })
    }

    /// Asks for what is made of a member's key.
    ///
    /// # Errors
    /// [`Error::Hsm`]; with the code `SEAL_BROKEN` when what is opened is not what was sealed there.
    pub fn ask<T: 'static>(&self, question: Question<T>) -> Result<T, Error> {
        Ok(self.hsm.ask_blocking(question)?)
    }
}

impl MemberKey {
    /// To seal.
    ///
    /// # Errors
    /// [`Error::Hsm`] when it is too long.
    pub fn seal(&self, place: Place<'_>, plain: &[u8]) -> Result<Question<Vec<u8>>, Error> {
        let data = place.associated_data(&self.version);
        Ok(Question::seal(self.version.clone(), self.wrapped.clone(), data, plain)?)
    }

    /// To open what was sealed in the same place.
    ///
    /// # Errors
    /// [`Error::Hsm`] when it is too long.
    pub fn open(&self, place: Place<'_>, sealed: Vec<u8>) -> Result<Question<Plain>, Error> {
        let data = place.associated_data(&self.version);
        Ok(Question::open(self.version.clone(), self.wrapped.clone(), data, sealed)?)
    }

    /// As two columns: version and wrapped key, hex.
    #[must_use]
    pub fn columns(&self) -> (String, String) {
        (self.version.to_string(), hex::encode_upper(self.wrapped.as_bytes()))
    }

    /// From the two columns.
    ///
    /// # Errors
    /// [`Error::StoreContent`].
    pub fn from_columns(version: &str, wrapped: &str) -> Result<Self, Error> {
        let unreadable = || Error::StoreContent { what: "the data key of a member".to_owned() };
        let bytes = hex::decode(wrapped).map_err(|_| unreadable())?;
        let wrapped = WrappedDataKey::from_bytes(&bytes).ok_or_else(unreadable)?;
        Ok(Self { version: version.parse().map_err(|_| unreadable())?, wrapped })
    }
}

impl Place<'_> {
    fn associated_data(&self, version: &KeyVersion) -> Vec<u8> {
        let version = version.to_string();
        let mut data = Vec::new();
        for part in [self.member.as_str(), self.record, self.field_set, &version] {
            data.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            data.extend_from_slice(part.as_bytes());
        }
        data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_places_have_the_same_associated_data() {
        let member: MemberId = "0123456789ABCDEF".parse().unwrap();
        let version: KeyVersion = "vault@1".parse().unwrap();
        let data = |record, field_set| Place { member: &member, record, field_set }.associated_data(&version);
        assert_ne!(data("a", "bc"), data("ab", "c"));
        assert_eq!(
            hex::encode(data("member", "person")),
            "0000001030313233343536373839414243444546000000066d656d62657200000006706572736f6e000000077661756c744031"
        );
    }
}
