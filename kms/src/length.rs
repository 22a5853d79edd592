//! How long the keys of a card are.

use std::fmt;

/// Length of a key-derivation key and of every card key that comes from it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KeyLength {
    /// AES-128.
    #[default]
    Aes128,
    /// AES-256.
    Aes256,
}

impl KeyLength {
    /// The longest, in bytes.
    pub const BYTES_MAX: usize = 32;

    /// From bits.
    #[must_use]
    pub const fn from_bits(bits: i64) -> Option<Self> {
        match bits {
            128 => Some(Self::Aes128),
            256 => Some(Self::Aes256),
            _ => None,
        }
    }

    /// In bits.
    #[must_use]
    pub const fn bits(self) -> u16 {
        match self {
            Self::Aes128 => 128,
            Self::Aes256 => 256,
        }
    }

    /// As CKA_VALUE_LEN has it.
    pub(crate) const fn value_len(self) -> u64 {
        match self {
            Self::Aes128 => 16,
            Self::Aes256 => 32,
        }
    }

    /// From bytes.
    #[must_use]
    pub const fn from_bytes(bytes: usize) -> Option<Self> {
        match bytes {
            16 => Some(Self::Aes128),
            32 => Some(Self::Aes256),
            _ => None,
        }
    }

    /// In bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes256 => 32,
        }
    }
}

impl fmt::Display for KeyLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AES-{}", self.bits())
    }
}
