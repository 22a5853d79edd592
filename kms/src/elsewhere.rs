//! Versions that another site's token has: noted in the registry by what that site tells, and held to it.

use crate::check_value::CheckValue;
use crate::error::Error;
use crate::label::TokenLabel;
use crate::length::KeyLength;
use crate::name::KeyVersion;
use crate::registry::{Intent, Origin, Registry};
use crate::scheme::Scheme;
use crate::token::template::Home;

/// A version that another site's token has, as that site tells it: cards of this site carry keys of it, and nothing here derives them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// Key and number.
    pub version: KeyVersion,
    /// The token that holds it.
    pub token: TokenLabel,
    /// Its check value there.
    pub check_value: CheckValue,
    /// How the keys of a card come from it.
    pub scheme: Scheme,
    /// How long they are.
    pub length: KeyLength,
}

impl Registry {
    /// Compares a version that another token has with what is known of it here; nothing is known of most.
    ///
    /// # Errors
    /// [`Error::KcvMismatch`]; [`Error::Policy`] when it is said to be in a token that it is not in by this registry, or in ours.
    pub fn compare_elsewhere(&self, told: &Elsewhere, ours: &TokenLabel) -> Result<bool, Error> {
        let version = told.version.clone();
        let token = |registered: &TokenLabel| Error::Policy {
            what: format!(
                "the sets of {version} were made in token `{}`, and here it is in `{registered}`",
                told.token
            ),
            remedy: "a line must not have the key that recovery sets come from: use another registry and token, or give the tokens names of their own",
        };
        match self.version(&told.version) {
            Ok(record) if record.token != told.token => Err(token(&record.token)),
            Ok(record) => match record.check_value {
                Some(known) if known != told.check_value => {
                    Err(Error::KcvMismatch { version, expected: known, found: told.check_value.clone() })
                }
                _ => Ok(true),
            },
            Err(Error::VersionUnknown { .. }) if told.token == *ours => Err(token(ours)),
            Err(Error::VersionUnknown { .. }) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// Notes a version that another token has, so that manifests and the census can name it.
    ///
    /// # Errors
    /// As [`Registry::compare_elsewhere`]; [`Error::Store`].
    pub fn note_elsewhere(&self, told: &Elsewhere, ours: &TokenLabel) -> Result<(), Error> {
        if self.compare_elsewhere(told, ours)? {
            return Ok(());
        }
        self.intend(&Intent {
            home: Home::of(&told.version),
            version: told.version.clone(),
            token: told.token.clone(),
            origin: Origin::Adopted,
            scheme: told.scheme,
            length: told.length,
            keks: Vec::new(),
            peer: None,
        })?;
        self.complete(&told.version, &told.check_value).map(drop)
    }
}
