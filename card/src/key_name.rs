//! Names of card keys: what a key is for, independent of its version and of the card.

use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Longest name of an application.
const APPLICATION_NAME_MAX: usize = 32;

/// Name of a card key: `initial`, `transport`, `issuer`, `recovery` or `ap/<application>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyName {
    /// The chip maker's.
    Initial,
    /// Between card maker and service provider.
    Transport,
    /// The service provider's, on the MF.
    Issuer,
    /// For cards whose other sets are lost.
    Recovery,
    /// An application's, by the application's name.
    Application(ApplicationName),
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Initial => f.write_str("initial"),
            Self::Transport => f.write_str("transport"),
            Self::Issuer => f.write_str("issuer"),
            Self::Recovery => f.write_str("recovery"),
            Self::Application(name) => write!(f, "ap/{name}"),
        }
    }
}

impl FromStr for KeyName {
    type Err = KeyNameError;

    fn from_str(text: &str) -> Result<Self, KeyNameError> {
        match text {
            "initial" => Ok(Self::Initial),
            "transport" => Ok(Self::Transport),
            "issuer" => Ok(Self::Issuer),
            "recovery" => Ok(Self::Recovery),
            _ => match text.strip_prefix("ap/") {
                Some(name) => name.parse().map(Self::Application),
                None => Err(KeyNameError { text: text.into() }),
            },
        }
    }
}

/// Name of an application: 1 to 32 of `a`–`z`, `0`–`9` and `-`, a letter first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApplicationName(String);

impl ApplicationName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ApplicationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ApplicationName {
    type Err = KeyNameError;

    fn from_str(text: &str) -> Result<Self, KeyNameError> {
        let letters = text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        let starts = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        if letters && starts && text.len() <= APPLICATION_NAME_MAX {
            Ok(Self(text.into()))
        } else {
            Err(KeyNameError { text: text.into() })
        }
    }
}

/// Text that names no card key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{text}` names no card key: initial, transport, issuer, recovery, or ap/ and 1 to 32 of a-z, 0-9, - (a letter first)"
)]
pub struct KeyNameError {
    text: String,
}
