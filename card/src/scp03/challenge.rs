//! Challenges and cryptograms: 8 bytes in S8, 16 bytes in S16.

use super::derivation::{Constant, derive};
use super::level::Mode;
use crate::crypto::AesKey;
use std::fmt;
use subtle::{Choice, ConstantTimeEq};

/// A challenge of host or card. Public; the caller draws the host's from a random source.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Challenge {
    /// S8.
    S8([u8; 8]),
    /// S16.
    S16([u8; 16]),
}

impl Challenge {
    /// The mode that a challenge of this length belongs to.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        match self {
            Self::S8(_) => Mode::S8,
            Self::S16(_) => Mode::S16,
        }
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        match self {
            Self::S8(bytes) => bytes,
            Self::S16(bytes) => bytes,
        }
    }

    /// The first bytes of a derived block, as many as `mode` says.
    pub(super) const fn cut(block: &[u8; 32], mode: Mode) -> Self {
        match (mode, block.first_chunk::<8>(), block.first_chunk::<16>()) {
            (Mode::S8, Some(bytes), _) => Self::S8(*bytes),
            (_, _, Some(bytes)) => Self::S16(*bytes),
            // A block of 32 bytes has both chunks.
            (_, _, None) => Self::S16([0; 16]),
        }
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_upper(self.as_bytes()))
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Challenge({self})")
    }
}

/// A cryptogram: the proof that a side knows the session keys. Compared in constant time.
#[derive(Clone, Copy)]
pub struct Cryptogram(Challenge);

impl Cryptogram {
    /// From the bytes that a side sent.
    #[must_use]
    pub const fn new(bytes: Challenge) -> Self {
        Self(bytes)
    }

    /// The cryptogram of card or host over `context` = host challenge ‖ card challenge, under S-MAC.
    pub(super) fn derived(mac: &AesKey, constant: Constant, mode: Mode, context: &[u8]) -> Self {
        Self(Challenge::cut(&derive(mac, constant, mode.bits(), context), mode))
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl ConstantTimeEq for Cryptogram {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.as_bytes().ct_eq(other.as_bytes())
    }
}

impl PartialEq for Cryptogram {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for Cryptogram {}

impl fmt::Debug for Cryptogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cryptogram({})", hex::encode_upper(self.as_bytes()))
    }
}
