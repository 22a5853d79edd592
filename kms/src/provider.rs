//! Provider profiles: what differs between the HSMs that this house works with, as data (`kms/providers/*.toml`).
//!
//! A profile says what to try and what to avoid. It is never the proof: whether a token derives the right keys is found by a known-answer
//! test at every start, whatever its profile says.

use crate::length::KeyLength;
use crate::route::Route;
use cryptoki::slot::TokenInfo;
use fuda_cli::Exit;
use serde::{Deserialize, Serialize};
use thiserror::Error;

const EMBEDDED: [(&str, &str); 5] = [
    ("softhsm", include_str!("../providers/softhsm.toml")),
    ("kryoptic", include_str!("../providers/kryoptic.toml")),
    ("luna", include_str!("../providers/luna.toml")),
    ("nshield", include_str!("../providers/nshield.toml")),
    ("cloudhsm", include_str!("../providers/cloudhsm.toml")),
];

/// What `tested` holds when nothing was.
const UNTESTED: &str = "from documentation, untested";

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
    /// What such a token says of itself: parts of manufacturer or model in CK_TOKEN_INFO, in lower case.
    pub says: Vec<String>,
    /// Ways to derive a card key, best first.
    pub routes: Vec<Route>,
    /// Those of them that are right for AES-256 too.
    pub aes_256_routes: Vec<Route>,
    /// Whether a key-derivation key should be copied to a session object when a worker starts.
    pub kdk_session_copy: bool,
    /// How keys are wrapped at their birth.
    pub key_wrap: KeyWrap,
    /// Hashes that its CKM_RSA_PKCS_OAEP takes, best first: a KEK is sealed by one that both tokens take.
    pub oaep: Vec<OaepHash>,
    /// Whether keys have a CKA_CHECK_VALUE.
    pub check_value: bool,
    /// What a worker needs a private copy of.
    pub token_copy: TokenCopy,
    /// Derived objects after which a worker is replaced; 0 is never.
    pub recycle_derivations: u64,
    /// Longest answer to a request in milliseconds; after that the library hangs.
    pub answer_ms: u64,
    /// Longest time from C_Initialize to C_Login in milliseconds.
    pub start_ms: u64,
}

/// How keys are wrapped at their birth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyWrap {
    /// CKM_AES_KEY_WRAP (RFC 3394).
    AesKeyWrap,
    /// Not by a mechanism that we know: key-derivation keys are not born there, they are adopted.
    None,
}

impl KeyWrap {
    /// The word in profiles and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AesKeyWrap => "aes-key-wrap",
            Self::None => "none",
        }
    }
}

/// The hash of RSA-OAEP (RFC 8017 §7.1), of its label and of its mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum OaepHash {
    /// SHA-256.
    #[serde(rename = "sha-256")]
    Sha256,
    /// SHA-1: OAEP does not need a hash without collisions (RFC 8017 §B.1), and some tokens know no other.
    #[serde(rename = "sha-1")]
    Sha1,
}

impl OaepHash {
    /// The word in profiles, files and reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sha1 => "sha-1",
        }
    }
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
    pub const ALLOWED: &'static str = "set hsm.provider to one of: softhsm, kryoptic, luna, nshield, cloudhsm";

    /// Whether this house's code has been run against it.
    #[must_use]
    pub fn is_tested(&self) -> bool {
        self.profile.tested != UNTESTED
    }

    /// Compares with what a token says of itself.
    ///
    /// # Errors
    /// [`ProviderError::Mismatch`] when the token says that it is one of another profile. A token that says nothing we know gets a warning.
    pub(crate) fn require_token(&self, info: &TokenInfo) -> Result<(), ProviderError> {
        let says = format!("{} {}", info.manufacturer_id(), info.model());
        if self.matches(&says) {
            return Ok(());
        }
        for (name, _) in EMBEDDED {
            if Self::named(name)?.matches(&says) {
                return Err(ProviderError::Mismatch { named: self.name, says, fitting: name });
            }
        }
        tracing::warn!(provider = self.name, token = says, "the token does not say that it is of this provider");
        Ok(())
    }

    fn matches(&self, says: &str) -> bool {
        let says = says.to_lowercase();
        self.profile.says.iter().any(|part| says.contains(part))
    }

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
    /// [`ProviderError::Unknown`]; [`ProviderError::Profile`] when the embedded profile is broken, which a test of this file excludes.
    pub fn named(name: &str) -> Result<Self, ProviderError> {
        let unknown = || ProviderError::Unknown { name: name.to_owned(), place: String::new() };
        let (name, text) = EMBEDDED.into_iter().find(|(known, _)| *known == name).ok_or_else(unknown)?;
        let profile = toml::from_str(text).map_err(|error| ProviderError::Profile { name, text: error.to_string() })?;
        Ok(Self { name, profile })
    }
}

/// What can be wrong with a provider.
#[derive(Debug, Error)]
pub enum ProviderError {
    /// `hsm.provider` names no profile.
    #[error("there is no provider profile `{name}`")]
    Unknown {
        /// The name.
        name: String,
        /// Where it stands, as file:line:column; empty when no file names it.
        place: String,
    },
    /// The token is of another provider than `hsm.provider` names.
    #[error("hsm.provider is `{named}`, and the token says that it is `{says}`")]
    Mismatch {
        /// The provider of fuda.toml.
        named: &'static str,
        /// Manufacturer and model of the token.
        says: String,
        /// The provider that fits.
        fitting: &'static str,
    },
    /// An embedded provider profile cannot be read.
    #[error("the provider profile `{name}` is broken: {text}")]
    Profile {
        /// The profile.
        name: &'static str,
        /// What is wrong.
        text: String,
    },
}

impl ProviderError {
    /// Stable code, exit code and remedy.
    pub(crate) const fn row(&self) -> (&'static str, Exit, &'static str) {
        match self {
            Self::Unknown { .. } => ("INPUT_INVALID", Exit::Input, Provider::ALLOWED),
            Self::Mismatch { .. } => {
                ("PROVIDER_MISMATCH", Exit::Input, "name the token's own provider, or another module and label")
            }
            Self::Profile { .. } => ("PROVIDER_PROFILE", Exit::Bug, ""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_profile_is_whole() {
        for (name, _) in EMBEDDED {
            let Profile { says, routes, aes_256_routes, oaep, answer_ms, start_ms, .. } =
                Provider::named(name).unwrap().profile;
            assert!(says.iter().all(|part| !part.is_empty() && *part == part.to_lowercase()), "{name}");
            assert!(!says.is_empty() && !routes.is_empty() && answer_ms > 0 && start_ms > 0, "{name}");
            assert!(!oaep.is_empty(), "{name}");
            assert!(aes_256_routes.iter().all(|route| routes.contains(route)), "{name}");
        }
    }

    #[test]
    fn a_profile_is_tested_or_says_that_it_is_not() {
        let tested = |name| Provider::named(name).unwrap().is_tested();
        assert_eq!(EMBEDDED.map(|(name, _)| tested(name)), [true, true, false, false, false]);
    }

    #[test]
    fn no_token_fits_two_profiles() {
        for (name, _) in EMBEDDED {
            let says = Provider::named(name).unwrap().profile.says;
            for (other, _) in EMBEDDED.iter().filter(|(other, _)| *other != name) {
                let other = Provider::named(other).unwrap();
                assert!(says.iter().all(|part| !other.matches(part)), "{name} and {}", other.name);
            }
        }
    }

    #[test]
    fn another_name_is_refused_with_its_text() {
        assert!(Provider::ALLOWED.ends_with(&EMBEDDED.map(|(name, _)| name).join(", ")));
        let error = Provider::named("softshm").unwrap_err();
        assert_eq!(error.row().0, "INPUT_INVALID");
        assert!(error.to_string().contains("softshm"), "{error}");
    }
}
