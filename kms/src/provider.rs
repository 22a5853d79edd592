//! Provider profiles: what differs between the HSMs that this house works with, as data (`kms/providers/*.toml`).
//!
//! A profile says what to try and what to avoid. It is never the proof: whether a token derives the right keys is found by a known-answer
//! test at every start, whatever its profile says.

use crate::error::Error;
use crate::length::KeyLength;
use crate::route::Route;
use serde::Deserialize;

const EMBEDDED: [(&str, &str); 2] =
    [("softhsm", include_str!("../providers/softhsm.toml")), ("kryoptic", include_str!("../providers/kryoptic.toml"))];

/// A profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its name, as `hsm.provider` in fuda.toml has it.
    pub name: &'static str,
    /// What it says.
    pub profile: Profile,
}

/// What a profile file holds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The product, for people.
    pub title: String,
    /// Where it was tested: the folder of the tests, or that it is from documentation and untested.
    pub tested: String,
    /// Whether the token is a file of the machine.
    pub kind: Kind,
    /// What such a token says of itself: parts of manufacturer or model in CK_TOKEN_INFO, in lower case.
    pub says: Vec<String>,
    /// Ways to derive a card key, best first.
    pub routes: Vec<Route>,
    /// Those of them that are right for AES-256 too.
    pub aes_256_routes: Vec<Route>,
    /// Whether a key-derivation key should be copied to a session object when a worker starts.
    pub kdk_session_copy: bool,
    /// What a worker needs a private copy of.
    pub token_copy: TokenCopy,
    /// Derived objects after which a worker is replaced; 0 is never.
    pub recycle_derivations: u64,
    /// Longest answer to a request in milliseconds; after that the library hangs.
    pub answer_ms: u64,
    /// Longest time from C_Initialize to C_Login in milliseconds.
    pub start_ms: u64,
}

/// What the token is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Files of this machine: refused in production.
    Soft,
    /// A device, or a service of one.
    Hardware,
}

/// What a worker process needs a private copy of before it logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenCopy {
    /// Nothing.
    None,
    /// The directory that `directories.tokendir` of `$SOFTHSM2_CONF` names.
    Softhsm2Conf,
}

impl Provider {
    /// The names that exist, as a sentence for reports.
    pub const ALLOWED: &'static str = "set hsm.provider to one of: softhsm, kryoptic";

    /// Its routes for keys of a length, best first.
    #[must_use]
    pub fn routes(&self, length: KeyLength) -> &[Route] {
        match length {
            KeyLength::Aes128 => &self.profile.routes,
            KeyLength::Aes256 => &self.profile.aes_256_routes,
        }
    }

    /// The profile of a name.
    ///
    /// # Errors
    /// [`Error::ProviderUnknown`]; [`Error::ProviderProfile`] when the embedded profile is broken, which a test of this file excludes.
    pub fn named(name: &str) -> Result<Self, Error> {
        let unknown = || Error::ProviderUnknown { name: name.to_owned(), place: String::new() };
        let (name, text) = EMBEDDED.into_iter().find(|(known, _)| *known == name).ok_or_else(unknown)?;
        let profile = toml::from_str(text).map_err(|error| Error::ProviderProfile { name, text: error.to_string() })?;
        Ok(Self { name, profile })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_profile_is_whole() {
        for (name, _) in EMBEDDED {
            let Profile { says, routes, aes_256_routes, answer_ms, start_ms, .. } =
                Provider::named(name).unwrap().profile;
            assert!(says.iter().all(|part| !part.is_empty() && *part == part.to_lowercase()), "{name}");
            assert!(!says.is_empty() && !routes.is_empty() && answer_ms > 0 && start_ms > 0, "{name}");
            assert!(aes_256_routes.iter().all(|route| routes.contains(route)), "{name}");
        }
    }

    #[test]
    fn another_name_is_refused_with_its_text() {
        assert!(Provider::ALLOWED.ends_with(&EMBEDDED.map(|(name, _)| name).join(", ")));
        let error = Provider::named("softshm").unwrap_err();
        assert_eq!(error.code(), "INPUT_INVALID");
        assert!(error.to_string().contains("softshm"), "{error}");
    }
}
