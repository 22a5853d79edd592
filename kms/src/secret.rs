//! Secrets that may be in our memory for a while: SCP03 session keys, PINs, and what a data key seals. Card keys are not among them.

use crate::length::KeyLength;
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// One session key of a secure channel, AES-128 or AES-256. Wiped on drop, never printed, copied or serialised.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SessionKey {
    bytes: [u8; KeyLength::BYTES_MAX],
    #[zeroize(skip)]
    length: KeyLength,
}

impl SessionKey {
    /// From 16 or 32 bytes.
    pub(crate) fn new(key: &[u8]) -> Option<Self> {
        let length = KeyLength::from_bytes(key.len())?;
        let mut session_key = Self { bytes: [0; KeyLength::BYTES_MAX], length };
        for (to, from) in session_key.bytes.iter_mut().zip(key) {
            *to = *from;
        }
        Some(session_key)
    }

    /// The key bytes, for the cipher that uses them at once.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.bytes.get(..self.length.bytes()).unwrap_or(&self.bytes)
    }
}

impl PartialEq for SessionKey {
    fn eq(&self, other: &Self) -> bool {
        self.expose().ct_eq(other.expose()).into()
    }
}

impl Eq for SessionKey {}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The three keys of one SCP03 session (GlobalPlatform Amendment D v1.1.2 §6.2.1).
#[derive(Debug, PartialEq, Eq)]
pub struct SessionKeys {
    /// Encrypts commands and responses.
    pub s_enc: SessionKey,
    /// Authenticates commands, and both cryptograms.
    pub s_mac: SessionKey,
    /// Authenticates responses.
    pub s_rmac: SessionKey,
}

/// What is to be sealed, or was opened: somebody's personal data. Wiped on drop, never printed, copied or serialised.
#[derive(Zeroize, ZeroizeOnDrop, PartialEq, Eq)]
pub struct Plain(Vec<u8>);

impl Plain {
    pub(crate) const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes, for whoever shows or writes them at once.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A token's user PIN. Wiped on drop, never printed, copied or serialised.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Pin(String);

impl Pin {
    pub(crate) const fn new(text: String) -> Self {
        Self(text)
    }

    /// The PIN as text, for C_Login.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
