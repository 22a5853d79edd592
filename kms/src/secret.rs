//! Secrets that may be in our memory for a while: SCP03 session keys and PINs. Card keys are not among them.

use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// One AES-128 session key of a secure channel. Wiped on drop, never printed, copied or serialised.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SessionKey([u8; 16]);

impl SessionKey {
    pub(crate) const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The key bytes, for the cipher that uses them at once.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 16] {
        &self.0
    }
}

impl PartialEq for SessionKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
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
