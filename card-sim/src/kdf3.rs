//! The chip maker's key derivation, `kdf3`: the keys that a blank chip is born with.
//!
//! NIST SP 800-108 in counter mode with a CMAC PRF, the fields as GlobalPlatform Card Specification Amendment D §4.1.5
//! orders them. One block is `i(1) ‖ 00 00 00 purpose ‖ 00 ‖ KDD(10)`: exactly one AES block.

use crate::crypto::AesKey;
use crate::keys::StaticKeys;
use fuda_card::id::Kdd;

/// What a key of a set is for; the value is its key identifier on the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// Secure channel encryption.
    Enc = 1,
    /// Secure channel MAC.
    Mac = 2,
    /// Encryption of key data.
    Dek = 3,
}

/// The key of one chip and purpose, as long as the master key.
///
/// `None` cannot happen for a master key of 16, 24 or 32 bytes, which are the only ones there are.
#[must_use]
pub fn derive(master: &AesKey, kdd: &Kdd, purpose: Purpose) -> Option<AesKey> {
    let mut bytes = Vec::with_capacity(32);
    for counter in 1..=2u8 {
        let label = [counter, 0, 0, 0, purpose as u8, 0];
        bytes.extend_from_slice(&master.cmac(&[&label, kdd.as_bytes()]));
    }
    AesKey::from_bytes(bytes.get(..master.size_bytes())?)
}

/// The three keys of one chip.
#[must_use]
pub fn derive_set(master: &AesKey, kdd: &Kdd) -> Option<StaticKeys> {
    Some(StaticKeys {
        enc: derive(master, kdd, Purpose::Enc)?,
        mac: derive(master, kdd, Purpose::Mac)?,
        dek: derive(master, kdd, Purpose::Dek)?,
    })
}
