//! Static and session keys of a channel, secret both.

use super::derivation::{Constant, derive};
use crate::crypto::{AesKey, KeyLength};
use crate::error::Error;
use crate::id::Kdd;
use crate::kdf3::{self, Purpose};
use std::fmt;

/// The session keys of one channel: S-ENC, S-MAC, S-RMAC. Wiped on drop, never printed.
pub struct SessionKeys {
    enc: AesKey,
    mac: AesKey,
    rmac: AesKey,
}

impl SessionKeys {
    /// From bytes that an HSM made (16, 24 or 32 each, all alike).
    ///
    /// # Errors
    /// [`Error::KeyLength`] for another number of bytes, [`Error::KeyLengthsDiffer`] when they are not alike.
    pub fn new(enc: &[u8], mac: &[u8], rmac: &[u8]) -> Result<Self, Error> {
        let keys = Self { enc: AesKey::new(enc)?, mac: AesKey::new(mac)?, rmac: AesKey::new(rmac)? };
        if keys.mac.length() == keys.enc.length() && keys.rmac.length() == keys.enc.length() {
            Ok(keys)
        } else {
            Err(Error::KeyLengthsDiffer)
        }
    }

    /// S-ENC: encrypts command and response data.
    #[must_use]
    pub const fn enc(&self) -> &AesKey {
        &self.enc
    }

    /// S-MAC: cryptograms and C-MAC.
    #[must_use]
    pub const fn mac(&self) -> &AesKey {
        &self.mac
    }

    /// S-RMAC: R-MAC.
    #[must_use]
    pub const fn rmac(&self) -> &AesKey {
        &self.rmac
    }
}

impl fmt::Debug for SessionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKeys([redacted])")
    }
}

/// A static key set known in software: a foreign card's, a test's. This house's own sets never leave the HSM.
pub struct StaticKeys {
    enc: AesKey,
    mac: AesKey,
    dek: AesKey,
}

impl StaticKeys {
    /// From its three keys.
    #[must_use]
    pub const fn new(enc: AesKey, mac: AesKey, dek: AesKey) -> Self {
        Self { enc, mac, dek }
    }

    /// The set that the scheme `kdf3` derives for a card.
    #[must_use]
    pub fn kdf3(kdk: &AesKey, kdd: &Kdd) -> Self {
        let [enc, mac, dek] = Purpose::ALL.map(|purpose| kdf3::card_key(kdk, purpose, kdd));
        Self { enc, mac, dek }
    }

    /// K-ENC.
    #[must_use]
    pub const fn enc(&self) -> &AesKey {
        &self.enc
    }

    /// K-MAC.
    #[must_use]
    pub const fn mac(&self) -> &AesKey {
        &self.mac
    }

    /// K-DEK.
    #[must_use]
    pub const fn dek(&self) -> &AesKey {
        &self.dek
    }

    /// The session keys for `context` = host challenge ‖ card challenge (Amendment D 1.2, §6.2.1).
    #[must_use]
    pub fn session_keys(&self, context: &[u8]) -> SessionKeys {
        SessionKeys {
            enc: session_key(&self.enc, Constant::S_ENC, context),
            mac: session_key(&self.mac, Constant::S_MAC, context),
            rmac: session_key(&self.mac, Constant::S_RMAC, context),
        }
    }
}

impl fmt::Debug for StaticKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StaticKeys([redacted])")
    }
}

/// A session key is as long as the static key it comes from.
fn session_key(key: &AesKey, constant: Constant, context: &[u8]) -> AesKey {
    let length: KeyLength = key.length();
    AesKey::cut(&derive(key, constant, length.bits(), context), length)
}
