//! AES as a card uses it: keys, one block, CMAC, CBC, key check values, padding.
//!
//! FIPS 197, NIST SP 800-38A (CBC) and SP 800-38B (CMAC). Modes come from RustCrypto; this module adds the key type that
//! knows its length, is wiped on drop and never printed.

mod cipher;
mod kcv;
pub mod padding;

pub use kcv::{CmacKcv, Kcv};

use std::fmt;
use subtle::{Choice, ConstantTimeEq};
use thiserror::Error;
use zeroize::Zeroizing;

/// Bytes in an AES block.
pub const BLOCK_BYTES: usize = 16;

/// The three lengths of an AES key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyLength {
    /// 16 bytes.
    Aes128,
    /// 24 bytes.
    Aes192,
    /// 32 bytes.
    Aes256,
}

impl KeyLength {
    /// Bytes of a key of this length.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }

    /// Bits of a key of this length.
    #[must_use]
    pub const fn bits(self) -> u16 {
        match self {
            Self::Aes128 => 128,
            Self::Aes192 => 192,
            Self::Aes256 => 256,
        }
    }

    /// The length of a key of so many bytes.
    ///
    /// # Errors
    /// [`KeyLengthError`] unless there are 16, 24 or 32.
    pub const fn from_bytes(bytes: usize) -> Result<Self, KeyLengthError> {
        match bytes {
            16 => Ok(Self::Aes128),
            24 => Ok(Self::Aes192),
            32 => Ok(Self::Aes256),
            _ => Err(KeyLengthError { bytes }),
        }
    }
}

/// Bytes that are no AES key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an AES key has 16, 24 or 32 bytes, not {bytes}")]
pub struct KeyLengthError {
    /// Bytes given.
    pub bytes: usize,
}

/// An AES key: secret, wiped on drop, never printed, compared in constant time.
pub struct AesKey(Material);

/// The bytes live on the heap so that moving the key leaves no copy behind.
enum Material {
    Aes128(Box<Zeroizing<[u8; 16]>>),
    Aes192(Box<Zeroizing<[u8; 24]>>),
    Aes256(Box<Zeroizing<[u8; 32]>>),
}

impl AesKey {
    /// From its 16, 24 or 32 bytes.
    ///
    /// # Errors
    /// [`KeyLengthError`] for any other number of bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, KeyLengthError> {
        let material = match KeyLength::from_bytes(bytes.len())? {
            KeyLength::Aes128 => Material::Aes128(boxed(bytes)),
            KeyLength::Aes192 => Material::Aes192(boxed(bytes)),
            KeyLength::Aes256 => Material::Aes256(boxed(bytes)),
        };
        Ok(Self(material))
    }

    /// The first `length` bytes of two derived blocks, as a key.
    pub(crate) fn cut(blocks: &[u8; 2 * BLOCK_BYTES], length: KeyLength) -> Self {
        Self(match length {
            KeyLength::Aes128 => Material::Aes128(boxed(blocks)),
            KeyLength::Aes192 => Material::Aes192(boxed(blocks)),
            KeyLength::Aes256 => Material::Aes256(boxed(blocks)),
        })
    }

    /// Its length.
    #[must_use]
    pub const fn length(&self) -> KeyLength {
        match self.0 {
            Material::Aes128(_) => KeyLength::Aes128,
            Material::Aes192(_) => KeyLength::Aes192,
            Material::Aes256(_) => KeyLength::Aes256,
        }
    }

    /// Its bytes, in clear.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        match &self.0 {
            Material::Aes128(key) => key.as_slice(),
            Material::Aes192(key) => key.as_slice(),
            Material::Aes256(key) => key.as_slice(),
        }
    }
}

impl fmt::Debug for AesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AesKey([redacted])")
    }
}

impl ConstantTimeEq for AesKey {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.expose().ct_eq(other.expose())
    }
}

impl PartialEq for AesKey {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for AesKey {}

/// The first `N` bytes in a box of their own; the caller has checked that there are as many.
fn boxed<const N: usize>(bytes: &[u8]) -> Box<Zeroizing<[u8; N]>> {
    let mut key = Box::new(Zeroizing::new([0; N]));
    for (to, from) in key.iter_mut().zip(bytes) {
        *to = *from;
    }
    key
}

#[cfg(test)]
mod tests {
    use super::AesKey;

    #[test]
    fn a_key_is_never_printed() {
        assert_eq!(format!("{:?}", AesKey::new(&[0x41; 16]).unwrap()), "AesKey([redacted])");
    }

    #[test]
    fn other_lengths_are_refused_by_name() {
        let error = AesKey::new(&[0; 15]).unwrap_err();
        assert_eq!(error.to_string(), "an AES key has 16, 24 or 32 bytes, not 15");
    }
}
