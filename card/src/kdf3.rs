//! Card keys from a key-derivation key by the scheme `kdf3`, in software.
//!
//! For foreign cards, known-answer checks and tests. Production derives inside the HSM: no static card key of this house
//! is ever made here.
//!
//! ```text
//! block i = i(1) ‖ 00 00 00 purpose(1) ‖ 00 ‖ KDD(10)        key = CMAC(KDK, block 1) [‖ CMAC(KDK, block 2)], cut to length
//! ```

use crate::crypto::{AesKey, BLOCK_BYTES};
use crate::id::Kdd;
use zeroize::Zeroizing;

/// Which key of a set is derived; the number is also its key identifier (KID) on the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Purpose {
    /// Channel encryption and card challenges (KID 01).
    Enc = 0x01,
    /// Channel MAC (KID 02).
    Mac = 0x02,
    /// Data encryption: wraps keys for PUT KEY (KID 03).
    Dek = 0x03,
}

impl Purpose {
    /// The three purposes in the order of their key identifiers.
    pub const ALL: [Self; 3] = [Self::Enc, Self::Mac, Self::Dek];

    /// The key identifier, 01 to 03.
    #[must_use]
    pub const fn to_u8(self) -> u8 {
        self as u8
    }
}

/// The derivation block of one iteration: exactly one AES block.
#[must_use]
pub fn block(iteration: u8, purpose: Purpose, kdd: &Kdd) -> [u8; BLOCK_BYTES] {
    let mut block = [0; BLOCK_BYTES];
    let (head, tail) = block.split_at_mut(6);
    head.copy_from_slice(&[iteration, 0x00, 0x00, 0x00, purpose.to_u8(), 0x00]);
    tail.copy_from_slice(kdd.as_bytes());
    block
}

/// The card key of (`kdd`, `purpose`), as long as `kdk`.
#[must_use]
pub fn card_key(kdk: &AesKey, purpose: Purpose, kdd: &Kdd) -> AesKey {
    let mut blocks = Zeroizing::new([0; 2 * BLOCK_BYTES]);
    for (iteration, out) in (1..).zip(blocks.as_chunks_mut::<BLOCK_BYTES>().0) {
        *out = kdk.cmac(&[&block(iteration, purpose, kdd)]);
    }
    AesKey::cut(&blocks, kdk.length())
}
