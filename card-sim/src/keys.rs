//! Key sets: three static keys, a key version number that says what the set is for, and a sequence counter.
//!
//! GlobalPlatform Card Specification 2.3.1 §7.5 (key information); the ranges of version numbers are this card's own.

use crate::crypto::AesKey;
use crate::tree::FileId;
use fuda_card::id::Kvn;

/// ENC, MAC and DEK of one set; each is wiped on drop.
#[derive(Debug)]
pub struct StaticKeys {
    /// KID 01: secure channel encryption.
    pub enc: AesKey,
    /// KID 02: secure channel MAC.
    pub mac: AesKey,
    /// KID 03: encryption of key data.
    pub dek: AesKey,
}

impl StaticKeys {
    /// One key as all three: what cards are sold with that have the same public keys.
    #[must_use]
    pub const fn same(key: &AesKey) -> Self {
        Self { enc: key.ram_copy(), mac: key.ram_copy(), dek: key.ram_copy() }
    }
}

/// One key set in the internal file of a DF.
#[derive(Debug)]
pub struct KeySet {
    pub(crate) kvn: Kvn,
    pub(crate) keys: StaticKeys,
    /// Sequence counter, 3 bytes: sessions opened so far.
    pub(crate) counter: u32,
}

/// Most key sets of a security domain: as many as a YubiKey has room for (docs.yubico.com, "Security Domain key management").
pub(crate) const SETS_MAX_DOMAIN: usize = 3;

/// Largest sequence counter: 3 bytes.
pub(crate) const COUNTER_MAX: u32 = 0x00FF_FFFF;

impl KeySet {
    /// A new set: no session yet.
    pub(crate) const fn new(kvn: Kvn, keys: StaticKeys) -> Self {
        Self { kvn, keys, counter: 0 }
    }

    /// The counter as it travels.
    pub(crate) const fn counter_bytes(&self) -> [u8; 3] {
        let [_, a, b, c] = self.counter.to_be_bytes();
        [a, b, c]
    }
}

/// What a key set is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// FF in the MF: the chip maker's.
    Initial,
    /// 3D in the MF: protects the card on its way to the service provider.
    Transport,
    /// 30 to 3C in the MF: the service provider's.
    Issuer,
    /// 3F in the MF: the last resort.
    Recovery,
    /// 30 to 3E in a DF: one application's.
    Ap,
}

impl Role {
    /// The role of a version number in a DF; `None` for a number that has no meaning there.
    pub(crate) const fn of(folder: FileId, kvn: Kvn) -> Option<Self> {
        match (folder.is_root(), kvn.to_u8()) {
            (true, 0xFF) => Some(Self::Initial),
            (true, 0x3D) => Some(Self::Transport),
            (true, 0x30..=0x3C) => Some(Self::Issuer),
            (true, 0x3F) => Some(Self::Recovery),
            (false, 0x30..=0x3E) => Some(Self::Ap),
            _ => None,
        }
    }

    /// The name that reports use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Transport => "transport",
            Self::Issuer => "issuer",
            Self::Recovery => "recovery",
            Self::Ap => "ap",
        }
    }
}
