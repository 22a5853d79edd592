//! Card keys from key-derivation keys, inside the token: the schemes (`formula.rs`) by the routes that it offers (`route.rs`).
//!
//! With SP 800-108 the token computes the CMAC. Without it C_DeriveKey(CKM_AES_CBC_ENCRYPT_DATA, IV 0) encrypts one block, and by NIST
//! SP 800-38B §6.2 that is the CMAC of a one-block input once K1 is added to it. Either way the result does not come out.

mod formula;
mod subkey;

use crate::check_value::{CheckValue, Method};
use crate::error::Error;
use crate::length::KeyLength;
use crate::route::{Route, Routes};
use crate::scheme::Scheme;
use crate::token::Door;
use crate::token::reported::Reported;
use crate::token::template::{Leaves, Right, Template};
use cryptoki::object::{Attribute, ObjectHandle};
pub(crate) use formula::Formula;
use formula::{Blocks, xor};
use subkey::{Subkeys, double, readable};
use zeroize::Zeroizing;

/// Sixteen bytes 01: the GP key check value encrypts them (GlobalPlatform Card Specification 2.3.1 §B.6).
const GP_KCV_BLOCK: [u8; 16] = [0x01; 16];

/// KDD of the check child. No chip has it.
const CHECK_KDD: [u8; 10] = [0; 10];

/// What a card key is for; the number goes into the derivation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    /// On no card: the child whose KCV stands for the version.
    Check,
    /// KID 01, Key-ENC.
    Enc,
    /// KID 02, Key-MAC.
    Mac,
    /// KID 03, Key-DEK.
    Dek,
}

impl Purpose {
    const fn number(self) -> u8 {
        match self {
            Self::Check => 0x00,
            Self::Enc => 0x01,
            Self::Mac => 0x02,
            Self::Dek => 0x03,
        }
    }
}

/// A key-derivation key in the token, ready to derive.
#[derive(Debug)]
pub(crate) struct Kdk {
    handle: ObjectHandle,
    formula: Formula,
    length: KeyLength,
    by: By,
}

/// The route, with what it needs.
#[derive(Debug)]
enum By {
    Sp800108,
    EncryptData(Subkeys),
}

impl Kdk {
    /// Makes a KDK ready on a route.
    pub(crate) fn new(
        door: &Door,
        handle: ObjectHandle,
        formula: Formula,
        length: KeyLength,
        route: Route,
    ) -> Result<Self, Error> {
        let by = match (route, length) {
            (Route::Sp800108, _) => By::Sp800108,
            (Route::EncryptData, KeyLength::Aes128) => By::EncryptData(Subkeys::of(door, handle)?),
            // Its second half would be chained to its first, which never comes out.
            (Route::EncryptData, KeyLength::Aes256) => {
                return Err(Error::NoRoute { length, instead: Some(route) });
            }
        };
        Ok(Self { handle, formula, length, by })
    }

    /// The card key of a chip, as a session object with exactly these rights.
    pub(crate) fn card_key(
        &self,
        door: &Door,
        kdd: &[u8; 10],
        purpose: Purpose,
        child: &Template,
    ) -> Result<ObjectHandle, Error> {
        match &self.by {
            By::Sp800108 => door.derive_sp800_108(self.handle, &self.formula.label(kdd, purpose), child),
            By::EncryptData(subkeys) => {
                let block = match self.formula.blocks(kdd, purpose) {
                    Blocks::One(block) => xor(&block, &subkeys.k1),
                    Blocks::Two(first, last) => xor(&*readable(door, self.handle, &first)?, &last.masked(subkeys)),
                };
                door.derive_encrypt_data(self.handle, &block, child)
            }
        }
    }

    /// The check value of the version: GP KCV of the check child, through the whole route.
    fn check_value(&self, door: &Door, method: Method) -> Result<CheckValue, Error> {
        let right = if method == Method::Cmac { Right::Sign } else { Right::Encrypt };
        let template = Template::session_key(self.length.value_len(), &[right], Leaves::Never);
        let child = self.card_key(door, &CHECK_KDD, Purpose::Check, &template)?;
        let value = match method {
            Method::Cmac => door.cmac(child, &[0; 16]).map(|mac| CheckValue::new(Method::Cmac, mac.as_slice())),
            _ => gp_kcv(door, child).map(|kcv| CheckValue::new(Method::Gp, &kcv)),
        };
        door.destroy(child)?;
        value
    }
}

/// Where the keys of a version's cards come from.
#[derive(Debug)]
pub(crate) enum Master {
    /// They are derived.
    Derived(Kdk),
    /// The key in the token is each of them.
    Fixed(ObjectHandle),
}

impl Master {
    /// Makes a version's key ready, by its scheme and the token's route for its length.
    pub(crate) fn new(
        door: &Door,
        handle: ObjectHandle,
        (scheme, length): (Scheme, KeyLength),
        routes: Routes,
    ) -> Result<Self, Error> {
        let derived = |formula| Kdk::new(door, handle, formula, length, routes.of(length)?).map(Self::Derived);
        match scheme {
            Scheme::Kdf3 => derived(Formula::Kdf3),
            Scheme::An10922 => derived(Formula::An10922),
            Scheme::Fixed => Ok(Self::Fixed(handle)),
        }
    }

    /// How long the card keys are.
    pub(crate) const fn length(&self) -> KeyLength {
        match self {
            Self::Derived(kdk) => kdk.length,
            Self::Fixed(_) => KeyLength::Aes128,
        }
    }

    /// A key of a chip: derived as a session object with exactly these rights, or the fixed one, whose rights are those of its birth.
    pub(crate) fn card_key(
        &self,
        door: &Door,
        kdd: &[u8; 10],
        purpose: Purpose,
        child: &Template,
    ) -> Result<ObjectHandle, Error> {
        match self {
            Self::Derived(kdk) => kdk.card_key(door, kdd, purpose, child),
            Self::Fixed(handle) => Ok(*handle),
        }
    }

    /// The check value of the version: of the check child, or of the fixed key itself.
    pub(crate) fn check_value(&self, door: &Door, method: Method) -> Result<CheckValue, Error> {
        match (self, method) {
            (Self::Derived(kdk), method) => kdk.check_value(door, method),
            (Self::Fixed(key), Method::Cmac) => {
                door.cmac(*key, &[0; 16]).map(|mac| CheckValue::new(Method::Cmac, mac.as_slice()))
            }
            (Self::Fixed(key), _) => gp_kcv_by_wrapping(door, *key).map(|kcv| CheckValue::new(Method::Gp, &kcv)),
        }
    }
}

/// GP key check value of a key that may WRAP and not ENCRYPT.
pub(crate) fn gp_kcv_by_wrapping(door: &Door, key: ObjectHandle) -> Result<[u8; 3], Error> {
    block_by_wrapping(door, key, &GP_KCV_BLOCK).map(|block| leading(&block))
}

/// A block under a key that may WRAP and not ENCRYPT: wrapping sixteen bytes by CBC with IV 0 is their encryption.
fn block_by_wrapping(door: &Door, key: ObjectHandle, block: &[u8; 16]) -> Result<[u8; 16], Error> {
    let known = door.create(&Template::known_session_key(block, &[], Leaves::Wrapped))?;
    let wrapped = door.wrap_cbc(key, known, KeyLength::Aes128);
    door.destroy(known)?;
    let wrapped = wrapped?;
    let found = wrapped.as_bytes();
    found.try_into().map_err(|_| Error::OutputLength { function: "C_WrapKey", expected: 16, found: found.len() })
}

/// CMAC of sixteen zero bytes under a key that wraps or unwraps and makes no MACs: two blocks and a doubling (NIST SP 800-38B §6).
pub(crate) fn cmac_kcv(door: &Door, key: ObjectHandle) -> Result<CheckValue, Error> {
    let encrypts = Reported::read(door, key)?.says(&Attribute::Encrypt(true));
    let block = |block: &[u8; 16]| if encrypts { door.ecb(key, block) } else { block_by_wrapping(door, key, block) };
    let k1 = double(&Zeroizing::new(block(&[0; 16])?));
    Ok(CheckValue::new(Method::Cmac, &block(&k1)?))
}

/// GP key check value of a key that may ENCRYPT.
pub(crate) fn gp_kcv(door: &Door, key: ObjectHandle) -> Result<[u8; 3], Error> {
    Ok(leading(&door.ecb(key, &GP_KCV_BLOCK)?))
}

fn leading(bytes: &[u8]) -> [u8; 3] {
    let mut kcv = [0; 3];
    for (to, from) in kcv.iter_mut().zip(bytes) {
        *to = *from;
    }
    kcv
}
