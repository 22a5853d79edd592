//! What a caller asks of an HSM worker for one card, and what it gets: the frozen contract between `kms` and its users.
//!
//! A request names keys, a chip and challenges; it never carries a derivation block, so a worker cannot be made to compute one
//! for somebody else's purpose. On the wire both are one JSON object on one line, bytes in hex (`wire.rs`).

use crate::error::Error;
use crate::length::KeyLength;
use crate::name::KeyVersion;
use crate::sealed::SealedSet;
use crate::secret::SessionKeys;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Steps of one request: a card of the largest profile needs 7 sessions and 6 key sets.
pub const STEPS_MAX: usize = 64;

/// Largest value of SCP03's sequence counter (three bytes).
const COUNTER_MAX: u32 = 0x00FF_FFFF;

/// Longest DF name in bytes (ISO/IEC 7816-4:2020 §7.1.1).
const DF_NAME_BYTES_MAX: usize = 16;

/// State number of the registry: it grows with every change of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(u64);

impl Epoch {
    /// Of whoever knows none: the newest that the pool knows takes its place.
    pub const ANY: Self = Self(0);

    /// From its number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Everything that one card needs from the HSM in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardRequest {
    /// The registry epoch that the caller works by; a worker with an older one drops its handles and re-reads first.
    pub epoch: Epoch,
    /// The chip: the 10 bytes that it answers to INITIALIZE UPDATE.
    pub kdd: [u8; 10],
    /// What to compute, in the order of the answers.
    pub steps: Vec<CardStep>,
}

/// One thing to compute for a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CardStep {
    /// The session keys of a channel.
    OpenSession {
        /// The version whose key set the card uses.
        key: KeyVersion,
        /// Our challenge.
        host_challenge: [u8; 8],
        /// The card's.
        challenge: CardChallenge,
    },
    /// The three keys of a set, as PUT KEY carries them.
    WrapKeySet {
        /// The version that the set comes from; it must be ACTIVE.
        new: KeyVersion,
        /// The version whose DEK the channel has.
        under: KeyVersion,
    },
    /// The same of a set that was made elsewhere and sealed for this card.
    WrapSealedSet {
        /// The set.
        set: Box<SealedSet>,
        /// The version whose DEK the channel has.
        under: KeyVersion,
    },
}

/// Where the card's challenge comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CardChallenge {
    /// The card answered it.
    Answered([u8; 8]),
    /// The card has not been asked: it will answer this when its counter has this value (pseudo-random challenge, i = 70).
    Predicted {
        /// Sequence counter of the set at that INITIALIZE UPDATE.
        counter: u32,
        /// Name of the DF in which it runs.
        df_name: Vec<u8>,
    },
}

/// The answer to a request: one entry per step, in order.
#[derive(Debug, PartialEq, Eq)]
pub struct CardAnswer {
    /// One per step.
    pub steps: Vec<StepAnswer>,
    /// PKCS#11 functions called for it.
    pub calls: u32,
}

/// The answer to one step.
#[derive(Debug, PartialEq, Eq)]
pub enum StepAnswer {
    /// To [`CardStep::OpenSession`].
    Session {
        /// The card's challenge: as answered, or as predicted.
        card_challenge: [u8; 8],
        /// The keys, to be wiped when the channel ends.
        keys: SessionKeys,
    },
    /// To [`CardStep::WrapKeySet`] and [`CardStep::WrapSealedSet`]: ENC, MAC, DEK.
    KeySet([WrappedKey; 3]),
}

/// One key of a set on its way to the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrappedKey {
    /// AES-CBC (IV 0) under the channel's DEK.
    pub ciphertext: Ciphertext,
    /// GP key check value of the key inside.
    pub kcv: [u8; 3],
}

/// A card key under another one, as long as the key itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Ciphertext {
    bytes: [u8; KeyLength::BYTES_MAX],
    length: KeyLength,
}

impl Ciphertext {
    /// From 16 or 32 bytes.
    #[must_use]
    pub fn new(ciphertext: &[u8]) -> Option<Self> {
        let length = KeyLength::from_bytes(ciphertext.len())?;
        let mut bytes = [0; KeyLength::BYTES_MAX];
        for (to, from) in bytes.iter_mut().zip(ciphertext) {
            *to = *from;
        }
        Some(Self { bytes, length })
    }

    /// Length of the key inside.
    #[must_use]
    pub const fn length(&self) -> KeyLength {
        self.length
    }

    /// The bytes, as PUT KEY carries them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length.bytes()).unwrap_or(&self.bytes)
    }
}

impl fmt::Debug for Ciphertext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ciphertext({})", hex::encode(self.as_bytes()))
    }
}

impl CardRequest {
    /// Refuses what no well-made caller sends.
    ///
    /// # Errors
    /// [`Error::BadRequest`].
    pub fn check(&self) -> Result<(), Error> {
        if self.steps.is_empty() || self.steps.len() > STEPS_MAX {
            return Err(Error::BadRequest { what: "no step, or more than 64" });
        }
        for step in &self.steps {
            if let CardStep::OpenSession { challenge: CardChallenge::Predicted { counter, df_name }, .. } = step {
                if *counter == 0 || *counter > COUNTER_MAX {
                    return Err(Error::BadRequest { what: "a sequence counter is 000001 to FFFFFF" });
                }
                if df_name.is_empty() || df_name.len() > DF_NAME_BYTES_MAX {
                    return Err(Error::BadRequest { what: "a DF name has 1 to 16 bytes" });
                }
            }
        }
        Ok(())
    }
}
