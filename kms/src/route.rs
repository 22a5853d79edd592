//! Ways to derive a card key inside the token, and which of them a token can be trusted with.

use crate::error::Error;
use crate::known_answer;
use crate::length::KeyLength;
use crate::provider::Provider;
use crate::token::{Door, Token};
use cryptoki::mechanism::MechanismType;
use serde::Deserialize;
use std::fmt;

/// A way to derive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// C_DeriveKey(CKM_SP800_108_COUNTER_KDF) with CMAC: NIST SP 800-108 computed by the token.
    #[serde(rename = "sp800-108")]
    Sp800108,
    /// C_DeriveKey(CKM_AES_CBC_ENCRYPT_DATA, IV 0): one block encrypted by the token; the CMAC around it is ours.
    EncryptData,
}

impl Route {
    /// The word in profiles and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sp800108 => "sp800-108",
            Self::EncryptData => "encrypt-data",
        }
    }

    const fn mechanism(self) -> MechanismType {
        match self {
            Self::Sp800108 => MechanismType::SP800_108_COUNTER_KDF,
            Self::EncryptData => MechanismType::AES_CBC_ENCRYPT_DATA,
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The route of each key length in one token, each proved by its known answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Routes {
    aes_128: Option<Route>,
    aes_256: Option<Route>,
}

impl Routes {
    /// The first of the provider's routes that the token offers and that gives the known answers, for each length.
    ///
    /// # Errors
    /// [`Error::KnownAnswer`] when the token offers a route for AES-128 and every one it offers computes something else;
    /// [`Error::NoRoute`] when it offers none; [`Error::Token`].
    pub(crate) fn find(token: &Token, door: &Door, provider: &Provider) -> Result<Self, Error> {
        let offered = token.mechanisms()?;
        let first = |length: KeyLength| {
            let mut wrong = None;
            for route in provider.routes(length).iter().filter(|route| offered.contains(&route.mechanism())) {
                match known_answer::test(door, *route, length) {
                    Ok(()) => return Ok(Some(*route)),
                    Err(error @ Error::KnownAnswer { .. }) => {
                        tracing::warn!(%error, "a route is not used");
                        wrong.get_or_insert(error);
                    }
                    Err(other) => return Err(other),
                }
            }
            wrong.map_or(Ok(None), Err)
        };
        let aes_128 = first(KeyLength::Aes128)?;
        let aes_256 = match first(KeyLength::Aes256) {
            Err(Error::KnownAnswer { .. }) => None,
            other => other?,
        };
        let found = Self { aes_128, aes_256 };
        found.of(KeyLength::Aes128)?;
        Ok(found)
    }

    /// The route for keys of a length.
    ///
    /// # Errors
    /// [`Error::NoRoute`].
    pub(crate) const fn of(self, length: KeyLength) -> Result<Route, Error> {
        match self.get(length) {
            Some(route) => Ok(route),
            None => Err(Error::NoRoute { length, instead: self.aes_128 }),
        }
    }

    /// The route for keys of a length, when there is one.
    #[must_use]
    pub const fn get(self, length: KeyLength) -> Option<Route> {
        match length {
            KeyLength::Aes128 => self.aes_128,
            KeyLength::Aes256 => self.aes_256,
        }
    }
}

/// What became of a route when it was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trial {
    /// It gave every known answer.
    Passed,
    /// The token has no such mechanism.
    NotOffered,
    /// The provider's profile does not name it for this length, so it is not tried.
    NotNamed,
    /// It computes something else.
    Wrong,
}

impl Trial {
    /// The words in tables and JSON.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Passed => "known answers passed",
            Self::NotOffered => "not offered by the token",
            Self::NotNamed => "not named by the profile",
            Self::Wrong => "WRONG ANSWERS",
        }
    }
}

/// A route, tried for one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried {
    /// The route.
    pub route: Route,
    /// The length.
    pub length: KeyLength,
    /// What became of it.
    pub trial: Trial,
}

/// Tries every route for every length, those too that are not used, and says which computed what wrongly: a token that does is not the
/// token that its profile describes.
pub(crate) fn survey(token: &Token, door: &Door, provider: &Provider) -> Result<(Vec<Tried>, Vec<Error>), Error> {
    let offered = token.mechanisms()?;
    let (mut all, mut wrong) = (Vec::new(), Vec::new());
    for route in [Route::Sp800108, Route::EncryptData] {
        for length in [KeyLength::Aes128, KeyLength::Aes256] {
            let trial = if !provider.routes(length).contains(&route) {
                Trial::NotNamed
            } else if !offered.contains(&route.mechanism()) {
                Trial::NotOffered
            } else {
                match known_answer::test(door, route, length) {
                    Ok(()) => Trial::Passed,
                    Err(error @ Error::KnownAnswer { .. }) => {
                        wrong.push(error);
                        Trial::Wrong
                    }
                    // Whatever a profile says, encrypt-data is not right for AES-256.
                    Err(Error::NoRoute { .. }) => Trial::NotNamed,
                    Err(other) => return Err(other),
                }
            };
            all.push(Tried { route, length, trial });
        }
    }
    Ok((all, wrong))
}
