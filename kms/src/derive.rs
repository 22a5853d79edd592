//! Card keys from key-derivation keys, inside the token: the scheme `kdf3` by the encrypt-data route.
//!
//! `card key = CMAC(KDK, 01 ‖ 00 00 00 purpose ‖ 00 ‖ KDD)`; the input is exactly one AES block, so by NIST SP 800-38B §6.2
//! CMAC = AES(KDK, block ⊕ K1), which C_DeriveKey(CKM_AES_CBC_ENCRYPT_DATA, IV 0) computes without letting the result out.

use crate::check_value::{CheckValue, Method};
use crate::error::Error;
use crate::scheme::Scheme;
use crate::token::Door;
use crate::token::template::{AES_128, Leaves, Right, Template};
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use zeroize::{Zeroize, Zeroizing};

/// Sixteen bytes 01: the GP key check value encrypts them (GlobalPlatform Card Specification 2.3.1 §B.6).
const GP_KCV_BLOCK: [u8; 16] = [0x01; 16];

/// KDD of the check child. No chip has it.
const CHECK_KDD: [u8; 10] = [0; 10];

/// What a card key is for; the number is the fourth byte of the derivation block's label.
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

/// How a child comes out of a KDK. Both fields of work (what to try, what to do) are here, so that SP 800-108 joins as a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// C_DeriveKey(CKM_AES_CBC_ENCRYPT_DATA, IV 0, block ⊕ K1).
    EncryptData,
}

impl Route {
    /// The word in reports.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::EncryptData => "encrypt-data (CKM_AES_CBC_ENCRYPT_DATA)",
        }
    }
}

/// The CMAC subkey K1 of a KDK. Held as long as the KDK's handle, never stored: whoever could edit a stored K1 could choose keys.
struct Subkey(Zeroizing<[u8; 16]>);

impl Subkey {
    /// K1 = dbl(AES(KDK, 0¹⁶)), NIST SP 800-38B §6.1, with the zero block encrypted by one readable derivation.
    fn of(door: &Door, kdk: ObjectHandle) -> Result<Self, Error> {
        let readable = Template::session_key(AES_128, &[], Leaves::Readable);
        let child = door.derive_encrypt_data(kdk, &[0; 16], &readable)?;
        let attributes = door.attributes(child, &[AttributeType::Value]);
        door.destroy(child)?;
        let mut block = Zeroizing::new([0; 16]);
        let mut bytes = 0;
        for attribute in attributes? {
            if let Attribute::Value(mut value) = attribute {
                bytes = value.len();
                for (to, from) in block.iter_mut().zip(&value) {
                    *to = *from;
                }
                value.zeroize();
            }
        }
        if bytes != block.len() {
            return Err(Error::OutputLength { function: "C_GetAttributeValue", expected: block.len(), found: bytes });
        }
        Ok(Self(double(&block)))
    }
}

impl std::fmt::Debug for Subkey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Multiplication by x in GF(2¹²⁸), without a branch on the secret.
fn double(block: &[u8; 16]) -> Zeroizing<[u8; 16]> {
    let number = Zeroizing::new(u128::from_be_bytes(*block));
    let carry = *number >> 127;
    Zeroizing::new(((*number << 1) ^ (carry * 0x87)).to_be_bytes())
}

/// A key-derivation key in the token, ready to derive.
#[derive(Debug)]
pub(crate) struct Kdk {
    handle: ObjectHandle,
    route: Route,
    k1: Subkey,
}

impl Kdk {
    /// Makes a KDK ready on a route.
    pub(crate) fn new(door: &Door, handle: ObjectHandle, route: Route) -> Result<Self, Error> {
        match route {
            Route::EncryptData => Ok(Self { handle, route, k1: Subkey::of(door, handle)? }),
        }
    }

    /// The card key of a chip, as a session object with exactly these rights.
    pub(crate) fn card_key(
        &self,
        door: &Door,
        kdd: &[u8; 10],
        purpose: Purpose,
        child: &Template,
    ) -> Result<ObjectHandle, Error> {
        let mut block = derivation_block(kdd, purpose);
        match self.route {
            Route::EncryptData => {
                for (byte, key) in block.iter_mut().zip(self.k1.0.iter()) {
                    *byte ^= *key;
                }
                door.derive_encrypt_data(self.handle, &block, child)
            }
        }
    }

    /// The check value of the version: GP KCV of the check child, through the whole route.
    pub(crate) fn check_value(&self, door: &Door, method: Method) -> Result<CheckValue, Error> {
        let right = if method == Method::Cmac { Right::Sign } else { Right::Encrypt };
        let template = Template::session_key(AES_128, &[right], Leaves::Never);
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
    /// Makes a version's key ready, by its scheme and a route.
    pub(crate) fn new(door: &Door, handle: ObjectHandle, scheme: Scheme, route: Route) -> Result<Self, Error> {
        match scheme {
            Scheme::Kdf3 | Scheme::An10922 => Kdk::new(door, handle, route).map(Self::Derived),
            Scheme::Fixed => Ok(Self::Fixed(handle)),
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

/// GP key check value of a key that may WRAP and not ENCRYPT: wrapping sixteen bytes 01 by CBC with IV 0 is the encryption it wants.
pub(crate) fn gp_kcv_by_wrapping(door: &Door, key: ObjectHandle) -> Result<[u8; 3], Error> {
    let known = door.create(&Template::known_session_key(&GP_KCV_BLOCK, &[], Leaves::Wrapped))?;
    let wrapped = door.wrap_cbc(key, known);
    door.destroy(known)?;
    let [a, b, c, ..] = wrapped?;
    Ok([a, b, c])
}

/// GP key check value of a key that may ENCRYPT.
pub(crate) fn gp_kcv(door: &Door, key: ObjectHandle) -> Result<[u8; 3], Error> {
    let [a, b, c, ..] = door.ecb(key, &GP_KCV_BLOCK)?;
    Ok([a, b, c])
}

/// Every byte of the block that kdf3 authenticates.
fn derivation_block(kdd: &[u8; 10], purpose: Purpose) -> [u8; 16] {
    let [d0, d1, d2, d3, d4, d5, d6, d7, d8, d9] = *kdd;
    [
        0x01, // counter: one block
        0x00,
        0x00,
        0x00,
        purpose.number(), // label
        0x00,             // separator
        d0,
        d1,
        d2,
        d3,
        d4,
        d5,
        d6,
        d7,
        d8,
        d9, // context: KDD
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubling_is_that_of_rfc_4493() {
        // RFC 4493 §4, subkey generation: AES(K, 0) and K1.
        let l = hex::decode("7df76b0c1ab899b33e42f047b91b546f").unwrap().try_into().unwrap();
        assert_eq!(hex::encode(double(&l).as_slice()), "fbeed618357133667c85e08f7236a8de");
        let l = hex::decode("fbeed618357133667c85e08f7236a8de").unwrap().try_into().unwrap();
        assert_eq!(hex::encode(double(&l).as_slice()), "f7ddac306ae266ccf90bc11ee46d513b");
    }
}
