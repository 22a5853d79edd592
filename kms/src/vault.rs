//! Data keys and what they seal: AES-256-GCM (NIST SP 800-38D) inside the token, under keys that are outside only wrapped.
//!
//! A data key is born as a session key, leaves once, wrapped under the `vault` key by AES key wrap (RFC 3394), and is let in again for one
//! piece of work: the vault key's unwrap template makes it a key that encrypts and decrypts and never leaves. Whoever destroys the 40 bytes
//! has destroyed all that was sealed under them. What is left out: how often a key is used. With random nonces one key may seal 2³² times
//! (SP 800-38D §8.3); it belongs to one member, and no member comes near.

use crate::error::Error;
use crate::name::KeyVersion;
use crate::secret::Plain;
use crate::state::Use;
use crate::token::Door;
use crate::token::template::{AES_256, Leaves, Template};
use cryptoki::object::ObjectHandle;
use std::fmt;
use std::sync::Arc;

/// Bytes of a nonce (SP 800-38D §5.2.1.1: the length that is used as it is).
const NONCE_BYTES: usize = 12;

/// Bytes of a tag: the longest.
const TAG_BYTES: usize = 16;

/// Bytes of a wrapped data key: the key and the eight that AES key wrap adds.
const WRAPPED_BYTES: usize = 40;

/// Most bytes that are sealed at once: a frame to a worker has 64 KiB, and hex doubles. A member's record has hundreds.
pub const PLAIN_BYTES_MAX: usize = 16 * 1024;

/// Most bytes of associated data: names and numbers.
pub const AAD_BYTES_MAX: usize = 1024;

/// Most bytes that one MAC is made over: a normalised field, a serial number.
pub const MAC_BYTES_MAX: usize = 4096;

/// A data key under a vault key: all that exists of it outside the token. Not secret, and not printed: a log must not outlive its destruction.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedDataKey([u8; WRAPPED_BYTES]);

impl WrappedDataKey {
    pub(crate) const fn new(bytes: [u8; WRAPPED_BYTES]) -> Self {
        Self(bytes)
    }

    /// From 40 bytes, as [`WrappedDataKey::as_bytes`] gave them.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Its bytes, to be stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; WRAPPED_BYTES] {
        &self.0
    }
}

impl fmt::Debug for WrappedDataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[wrapped]")
    }
}

/// What is to be done with a vault key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum VaultDeed {
    NewDataKey,
    Seal { data_key: WrappedDataKey, aad: Vec<u8>, plain: Arc<Plain> },
    Open { data_key: WrappedDataKey, aad: Vec<u8>, sealed: Vec<u8> },
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum VaultReply {
    DataKey(WrappedDataKey),
    Sealed(Vec<u8>),
    Opened(Plain),
}

impl VaultDeed {
    /// Refuses what would not fit into a message.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let (aad, bytes, bytes_max) = match self {
            Self::NewDataKey => return Ok(()),
            Self::Seal { aad, plain, .. } => (aad, plain.expose().len(), PLAIN_BYTES_MAX),
            Self::Open { aad, sealed, .. } => (aad, sealed.len(), NONCE_BYTES + PLAIN_BYTES_MAX + TAG_BYTES),
        };
        if bytes > bytes_max || aad.len() > AAD_BYTES_MAX {
            return Err(Error::BadRequest { what: "at most 16 KiB are sealed, with 1 KiB of associated data" });
        }
        Ok(())
    }

    /// The use of the vault key, and the word for a refusal. What is new is made under the ACTIVE version alone.
    pub(crate) const fn needs(&self) -> (Use, &'static str) {
        match self {
            Self::NewDataKey => (Use::Issue, "make data keys"),
            Self::Seal { .. } => (Use::Issue, "seal"),
            Self::Open { .. } => (Use::Open, "open what is sealed"),
        }
    }

    /// Does it in a session of its own.
    pub(crate) fn on(&self, vault: Vault<'_>, door: &Door) -> Result<VaultReply, Error> {
        self.check()?;
        match self {
            Self::NewDataKey => vault.new_data_key(door).map(VaultReply::DataKey),
            Self::Seal { data_key, aad, plain } => vault.seal(door, data_key, aad, plain).map(VaultReply::Sealed),
            Self::Open { data_key, aad, sealed } => vault.open(door, data_key, aad, sealed).map(VaultReply::Opened),
        }
    }
}

/// A vault key in the token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vault<'a> {
    pub(crate) version: &'a KeyVersion,
    pub(crate) handle: ObjectHandle,
}

impl Vault<'_> {
    /// Makes a data key; nothing of it stays in the token.
    pub(crate) fn new_data_key(self, door: &Door) -> Result<WrappedDataKey, Error> {
        let newborn = door.generate_aes(&Template::session_key(AES_256, &[], Leaves::Wrapped))?;
        let wrapped = door.wrap_kw(self.handle, newborn);
        door.destroy(newborn)?;
        let wrapped = wrapped?;
        WrappedDataKey::from_bytes(&wrapped).ok_or(Error::OutputLength {
            function: "C_WrapKey",
            expected: WRAPPED_BYTES,
            found: wrapped.len(),
        })
    }

    /// Seals: nonce ‖ ciphertext ‖ tag.
    pub(crate) fn seal(self, door: &Door, key: &WrappedDataKey, aad: &[u8], plain: &Plain) -> Result<Vec<u8>, Error> {
        let data_key = self.let_in(door, key)?;
        let nonce = nonce()?;
        let ciphertext = door.gcm_encrypt(data_key, &nonce, aad, plain.expose())?;
        let expected = plain.expose().len() + TAG_BYTES;
        if ciphertext.len() != expected {
            return Err(Error::OutputLength { function: "C_Encrypt", expected, found: ciphertext.len() });
        }
        Ok([nonce.as_slice(), &ciphertext].concat())
    }

    /// Opens what was sealed under the same data key with the same associated data.
    pub(crate) fn open(self, door: &Door, key: &WrappedDataKey, aad: &[u8], sealed: &[u8]) -> Result<Plain, Error> {
        let parts = sealed.split_first_chunk::<NONCE_BYTES>().filter(|(_, rest)| rest.len() >= TAG_BYTES);
        let (nonce, ciphertext) = parts.ok_or_else(|| self.broken())?;
        let data_key = self.let_in(door, key)?;
        door.gcm_decrypt(data_key, nonce, aad, ciphertext).map_err(|error| self.blame(error, || works(door, data_key)))
    }

    fn let_in(self, door: &Door, key: &WrappedDataKey) -> Result<ObjectHandle, Error> {
        let let_in =
            |key: &WrappedDataKey| door.unwrap_kw(self.handle, key.as_bytes(), &Template::data_key_unwrapped());
        let_in(key).map_err(|error| self.blame(error, || let_in(&self.new_data_key(door)?).map(drop)))
    }

    /// Tokens disagree about what they say of a blob that was changed (CKR_ENCRYPTED_DATA_INVALID, CKR_WRAPPED_KEY_INVALID, CKR_GENERAL_ERROR).
    /// When the token does the same with something of our own, the fault is in what it was given.
    fn blame(self, error: Error, ours: impl FnOnce() -> Result<(), Error>) -> Error {
        if ours().is_ok() { self.broken() } else { error }
    }

    fn broken(self) -> Error {
        Error::SealBroken { version: self.version.clone() }
    }
}

fn nonce() -> Result<[u8; NONCE_BYTES], Error> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce).map_err(|error| Error::Binding { doing: "draw a nonce", text: error.to_string() })?;
    Ok(nonce)
}

/// Whether a data key seals and opens.
fn works(door: &Door, data_key: ObjectHandle) -> Result<(), Error> {
    let nonce = nonce()?;
    door.gcm_decrypt(data_key, &nonce, &[], &door.gcm_encrypt(data_key, &nonce, &[], &nonce)?).map(drop)
}
