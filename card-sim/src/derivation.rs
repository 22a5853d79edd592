//! SCP03 data derivation: card challenge, session keys, cryptograms.
//!
//! GlobalPlatform Card Technology, Secure Channel Protocol 03, Amendment D 1.2, §4.1.5 and §6.2.2: NIST SP 800-108 in
//! counter mode with a CMAC PRF over the block `00×11 ‖ constant ‖ 00 ‖ L(2, bits) ‖ i(1) ‖ context`.

use crate::crypto::AesKey;
use crate::keys::StaticKeys;

/// Length of challenges, cryptograms and MACs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// 8 bytes.
    S8,
    /// 16 bytes.
    S16,
}

impl Mode {
    /// Bytes of a challenge, a cryptogram or a MAC.
    #[must_use]
    pub const fn size_bytes(self) -> usize {
        match self {
            Self::S8 => 8,
            Self::S16 => 16,
        }
    }

    /// The parameter `i`: pseudo-random challenge, R-MAC and R-ENC (70), and S16 (01).
    #[must_use]
    pub const fn parameter(self) -> u8 {
        match self {
            Self::S8 => 0x70,
            Self::S16 => 0x71,
        }
    }
}

/// Data derivation constants, Amendment D table 4-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Constant {
    /// Card cryptogram.
    CardCryptogram = 0x00,
    /// Host cryptogram.
    HostCryptogram = 0x01,
    /// Card challenge.
    CardChallenge = 0x02,
    /// S-ENC.
    SessionEnc = 0x04,
    /// S-MAC.
    SessionMac = 0x06,
    /// S-RMAC.
    SessionRmac = 0x07,
}

/// Derives `size_bytes` (at most 32) bytes from a key.
#[must_use]
pub fn derive(key: &AesKey, constant: Constant, size_bytes: usize, context: &[&[u8]]) -> Vec<u8> {
    let size_bytes = size_bytes.min(32);
    let bits = u16::try_from(size_bytes * 8).unwrap_or(0);
    let [high, low] = bits.to_be_bytes();
    let mut out = Vec::with_capacity(32);
    for counter in 1..=2u8 {
        if out.len() < size_bytes {
            let label = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, constant as u8, 0x00, high, low, counter];
            let mut parts: Vec<&[u8]> = vec![&label];
            parts.extend_from_slice(context);
            out.extend_from_slice(&key.cmac(&parts));
        }
    }
    out.truncate(size_bytes);
    out
}

/// The card challenge: a pseudo-random function of the sequence counter and the DF name.
#[must_use]
pub fn card_challenge(keys: &StaticKeys, mode: Mode, counter: [u8; 3], df_name: &[u8]) -> Vec<u8> {
    derive(&keys.enc, Constant::CardChallenge, mode.size_bytes(), &[&counter, df_name])
}

/// The keys of one session, wiped on drop.
#[derive(Debug)]
pub struct SessionKeys {
    /// S-ENC: encryption of command and response data.
    pub enc: AesKey,
    /// S-MAC: MAC of commands; both cryptograms.
    pub mac: AesKey,
    /// S-RMAC: MAC of responses.
    pub rmac: AesKey,
}

impl SessionKeys {
    /// Derives the session keys from both challenges; `None` cannot happen for keys of a legal size.
    #[must_use]
    pub fn derive(keys: &StaticKeys, host_challenge: &[u8], card_challenge: &[u8]) -> Option<Self> {
        let session = |key: &AesKey, constant| {
            AesKey::from_bytes(&derive(key, constant, key.size_bytes(), &[host_challenge, card_challenge]))
        };
        Some(Self {
            enc: session(&keys.enc, Constant::SessionEnc)?,
            mac: session(&keys.mac, Constant::SessionMac)?,
            rmac: session(&keys.mac, Constant::SessionRmac)?,
        })
    }

    /// A cryptogram over both challenges.
    #[must_use]
    pub fn cryptogram(&self, constant: Constant, mode: Mode, host_challenge: &[u8], card_challenge: &[u8]) -> Vec<u8> {
        derive(&self.mac, constant, mode.size_bytes(), &[host_challenge, card_challenge])
    }
}
