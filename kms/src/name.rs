//! What keys are called: `transport`, `ap/ticket`, and their versions `ap/ticket@3`.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use thiserror::Error;

/// Longest `<name>` in `ap/<name>` and `kek/<peer>`, in characters: a label `kek/<peer>@4294967295` stays short enough to read.
const PART_CHARS_MAX: usize = 32;

/// Text that names no key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is no {expected}")]
pub struct NameError {
    text: String,
    expected: &'static str,
}

impl NameError {
    /// The names that exist, as a sentence for reports.
    pub const ALLOWED: &'static str = "initial, transport, issuer, recovery, ap/NAME, kek/PEER, card-kek/PEER, vault-kek/PEER, vault, index, activation, receipt, audit, \
         identity (NAME: 1 to 32 of a-z 0-9 -)";

    fn new(text: &str, expected: &'static str) -> Self {
        Self { text: text.to_owned(), expected }
    }
}

/// The changeable part of a name: 1 to 32 of `a-z`, `0-9` and `-`, beginning with a letter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Part(String);

impl Part {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn read(text: &str) -> Option<Self> {
        let letters = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
        (letters && begins && text.len() <= PART_CHARS_MAX).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Part {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::read(text).ok_or_else(|| NameError::new(text, "name (1 to 32 of a-z 0-9 -, a letter first)"))
    }
}

/// A key (マスター鍵), whatever its version.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyName {
    /// The chip maker's key on a blank chip.
    Initial,
    /// Protects the card between card maker and service provider (輸送キー).
    Transport,
    /// The service provider's key on the MF (発行者キー).
    Issuer,
    /// Opens a card whose other keys are lost or compromised.
    Recovery,
    /// One application's key (APキー).
    Ap(Part),
    /// Wraps keys that leave for a peer or a backup.
    Kek(Part),
    /// Wraps the key sets of single cards on their way to a peer's line.
    CardKek(Part),
    /// Wraps vault keys that leave for a peer.
    VaultKek(Part),
    /// Wraps the keys of personal data.
    Vault,
    /// Blind index of personal data.
    Index,
    /// Activation codes.
    Activation,
    /// Signs deliveries and receipts.
    Receipt,
    /// Signs the audit chain.
    Audit,
    /// Proves who a site is to its peers.
    Identity,
}

/// What a key is made of, which follows from its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// AES-128 key-derivation key: card keys are derived from it, and nothing else is done with it.
    Derivation,
    /// AES-256 key that wraps other keys.
    Kek,
    /// AES-256 key that wraps keys of single cards where they are made, and unwraps them where cards are.
    CardKek,
    /// AES-256 key that wraps vault keys where they are born, and unwraps them where they come to.
    VaultKek,
    /// AES-256 key that wraps data keys and lets them in again: what they seal is opened by them and by nothing else.
    Vault,
    /// AES-256 key that makes AES-CMACs.
    Mac,
    /// ECDSA key pair on P-256.
    Signature,
}

impl KeyKind {
    /// The word in tables, JSON and the registry.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Derivation => "derivation",
            Self::Kek => "kek",
            Self::CardKek => "card-kek",
            Self::VaultKek => "vault-kek",
            Self::Vault => "vault",
            Self::Mac => "mac",
            Self::Signature => "signature",
        }
    }

    /// Whether keys of this kind can be wrapped at their birth, to leave for another token.
    #[must_use]
    pub const fn travels(self) -> bool {
        matches!(self, Self::Derivation | Self::Mac | Self::Vault)
    }

    /// Whether keys of this kind wrap where they are born and unwrap where they come to, and do nothing else.
    #[must_use]
    pub const fn is_kek(self) -> bool {
        matches!(self, Self::Kek | Self::CardKek | Self::VaultKek)
    }
}

impl KeyName {
    /// What a key of this name is made of.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        match self {
            Self::Initial | Self::Transport | Self::Issuer | Self::Recovery | Self::Ap(_) => KeyKind::Derivation,
            Self::Kek(_) => KeyKind::Kek,
            Self::CardKek(_) => KeyKind::CardKek,
            Self::VaultKek(_) => KeyKind::VaultKek,
            Self::Vault => KeyKind::Vault,
            Self::Index | Self::Activation => KeyKind::Mac,
            Self::Receipt | Self::Audit | Self::Identity => KeyKind::Signature,
        }
    }

    /// The KEK of a peer that keys of a kind travel under: what it lets in has the rights of vault keys, or those of all others.
    #[must_use]
    pub const fn kek_of(kind: KeyKind, peer: Part) -> Self {
        match kind {
            KeyKind::Vault => Self::VaultKek(peer),
            _ => Self::Kek(peer),
        }
    }

    /// The PEER of a KEK.
    #[must_use]
    pub const fn peer(&self) -> Option<&Part> {
        match self {
            Self::Kek(peer) | Self::CardKek(peer) | Self::VaultKek(peer) => Some(peer),
            _ => None,
        }
    }

    /// A version of this key.
    #[must_use]
    pub const fn version(self, number: NonZeroU32) -> KeyVersion {
        KeyVersion { name: self, number }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Initial => f.write_str("initial"),
            Self::Transport => f.write_str("transport"),
            Self::Issuer => f.write_str("issuer"),
            Self::Recovery => f.write_str("recovery"),
            Self::Ap(part) => write!(f, "ap/{}", part.as_str()),
            Self::Kek(part) => write!(f, "kek/{}", part.as_str()),
            Self::CardKek(part) => write!(f, "card-kek/{}", part.as_str()),
            Self::VaultKek(part) => write!(f, "vault-kek/{}", part.as_str()),
            Self::Vault => f.write_str("vault"),
            Self::Index => f.write_str("index"),
            Self::Activation => f.write_str("activation"),
            Self::Receipt => f.write_str("receipt"),
            Self::Audit => f.write_str("audit"),
            Self::Identity => f.write_str("identity"),
        }
    }
}

impl FromStr for KeyName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let named = match text {
            "initial" => Some(Self::Initial),
            "transport" => Some(Self::Transport),
            "issuer" => Some(Self::Issuer),
            "recovery" => Some(Self::Recovery),
            "vault" => Some(Self::Vault),
            "index" => Some(Self::Index),
            "activation" => Some(Self::Activation),
            "receipt" => Some(Self::Receipt),
            "audit" => Some(Self::Audit),
            "identity" => Some(Self::Identity),
            _ => match text.split_once('/') {
                Some(("ap", part)) => Part::read(part).map(Self::Ap),
                Some(("kek", part)) => Part::read(part).map(Self::Kek),
                Some(("card-kek", part)) => Part::read(part).map(Self::CardKek),
                Some(("vault-kek", part)) => Part::read(part).map(Self::VaultKek),
                _ => None,
            },
        };
        named.ok_or_else(|| NameError::new(text, "key name"))
    }
}

/// A version (世代) of a key, written `ap/ticket@3`. Versions count from 1.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyVersion {
    /// The key.
    pub name: KeyName,
    /// Its version number.
    pub number: NonZeroU32,
}

impl KeyVersion {
    /// The first version of a key.
    #[must_use]
    pub const fn first(name: KeyName) -> Self {
        name.version(NonZeroU32::MIN)
    }
}

impl fmt::Display for KeyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.number)
    }
}

impl FromStr for KeyVersion {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let wrong = || NameError::new(text, "key version (write it like ap/ticket@3)");
        let (name, number) = text.split_once('@').ok_or_else(wrong)?;
        let plain = number.starts_with(|c: char| c.is_ascii_digit() && c != '0');
        let number = number.parse().ok().filter(|_| plain).ok_or_else(wrong)?;
        Ok(Self { name: name.parse()?, number })
    }
}

/// A key with or without a version, as commands take it: `ap/ticket` or `ap/ticket@3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyRef {
    /// Every version, or the ACTIVE one, as the command says.
    Name(KeyName),
    /// One version.
    Version(KeyVersion),
}

impl FromStr for KeyRef {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.contains('@') { text.parse().map(Self::Version) } else { text.parse().map(Self::Name) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back_as_written() {
        for text in [
            "initial@1",
            "transport@1",
            "issuer@12",
            "recovery@1",
            "ap/ticket@3",
            "ap/t-2@1",
            "kek/backup@1",
            "card-kek/factory@1",
            "vault-kek/issuer@1",
            "vault@1",
            "index@1",
            "activation@1",
            "receipt@1",
            "audit@1",
            "identity@4294967295",
        ] {
            assert_eq!(text.parse::<KeyVersion>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "",
            "@1",
            "issuer",
            "issuer@",
            "issuer@0",
            "issuer@01",
            "issuer@+1",
            "issuer@4294967296",
            "issuer@1@1",
            "Issuer@1",
            "ap@1",
            "ap/@1",
            "ap/Ticket@1",
            "ap/1st@1",
            "ap/a b@1",
            "ap/ticket/x@1",
            "kek@1",
            "card-kek@1",
            "ap/チケット@1",
            "ap/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@1",
            " issuer@1",
        ] {
            assert!(text.parse::<KeyVersion>().is_err(), "{text}");
        }
    }
}
