//! Key sets of single cards on their way from the token where they are derived to a line: each key under a KEK, by AES key wrap (RFC 3394).
//!
//! A line never has the key-derivation key that such a set comes from. What it has opens the cards of one list and no other.

use crate::length::KeyLength;
use crate::name::KeyVersion;

/// Bytes that AES key wrap adds to a key.
const KW_BYTES: usize = 8;

/// A key set of one card, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSet {
    /// The version that it comes from, which only the sealing token has.
    pub of: KeyVersion,
    /// The KEK that opens it.
    pub kek: KeyVersion,
    /// ENC, MAC, DEK.
    pub keys: [SealedKey; 3],
}

/// One key of a sealed set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedKey {
    /// The key under the KEK.
    pub blob: Blob,
    /// GP key check value of the key inside.
    pub kcv: [u8; 3],
}

/// A wrapped card key: 24 or 40 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    bytes: Vec<u8>,
    length: KeyLength,
}

impl Blob {
    /// From its bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        let length = KeyLength::from_bytes(bytes.len().checked_sub(KW_BYTES)?)?;
        Some(Self { bytes, length })
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Length of the key inside.
    #[must_use]
    pub const fn length(&self) -> KeyLength {
        self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_is_a_key_and_eight_bytes() {
        assert_eq!(Blob::new(vec![0; 24]).unwrap().length(), KeyLength::Aes128);
        assert_eq!(Blob::new(vec![0; 40]).unwrap().length(), KeyLength::Aes256);
        for bytes in [0, 7, 8, 16, 23, 25, 32, 41] {
            assert!(Blob::new(vec![0; bytes]).is_none(), "{bytes}");
        }
    }
}
