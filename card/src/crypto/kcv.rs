//! Key check values: short proofs that two sides hold the same key.
//!
//! Four conventions exist for one AES key and no two agree, so each that is used here is a type of its own:
//! [`Kcv`] on the card's wire, [`CmacKcv`] on paper and screens.

use super::{AesKey, BLOCK_BYTES};
use std::fmt;

/// GlobalPlatform key check value: AES-ECB(01¹⁶), first three bytes.
///
/// GlobalPlatform Amendment D 1.2, §7.2 (PUT KEY): "a block of 16 bytes, each with value '01'". Public.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kcv([u8; 3]);

impl Kcv {
    /// From its bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 3]) -> Self {
        Self(bytes)
    }

    /// The check value of `key`.
    #[must_use]
    pub fn of(key: &AesKey) -> Self {
        let [a, b, c, ..] = key.encrypt_block([0x01; BLOCK_BYTES]);
        Self([a, b, c])
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 3] {
        &self.0
    }
}

impl fmt::Display for Kcv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_upper(self.0))
    }
}

impl fmt::Debug for Kcv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kcv({self})")
    }
}

/// CMAC key check value: CMAC(0¹⁶), first five bytes (ANSI X9.24-1:2017, annex A). Public.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CmacKcv([u8; 5]);

impl CmacKcv {
    /// The check value of `key`.
    #[must_use]
    pub fn of(key: &AesKey) -> Self {
        let [a, b, c, d, e, ..] = key.cmac(&[&[0; BLOCK_BYTES]]);
        Self([a, b, c, d, e])
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 5] {
        &self.0
    }
}

impl fmt::Display for CmacKcv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_upper(self.0))
    }
}

impl fmt::Debug for CmacKcv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CmacKcv({self})")
    }
}
