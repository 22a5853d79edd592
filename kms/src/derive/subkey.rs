//! The two subkeys of CMAC (NIST SP 800-38B §6.1), made from one readable derivation of the zero block.

use crate::error::Error;
use crate::token::Door;
use crate::token::template::{AES_128, Leaves, Template};
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use zeroize::{Zeroize, Zeroizing};

/// K1 and K2 of a key-derivation key. Held as long as its handle, never stored: whoever could edit a stored K1 could choose keys.
pub(super) struct Subkeys {
    /// For a last block that is whole.
    pub(super) k1: Zeroizing<[u8; 16]>,
    /// For a last block that was padded.
    pub(super) k2: Zeroizing<[u8; 16]>,
}

impl Subkeys {
    /// K1 = dbl(AES(KDK, 0¹⁶)), K2 = dbl(K1).
    pub(super) fn of(door: &Door, kdk: ObjectHandle) -> Result<Self, Error> {
        let k1 = double(&*readable(door, kdk, &[0; 16])?);
        let k2 = double(&k1);
        Ok(Self { k1, k2 })
    }
}

impl std::fmt::Debug for Subkeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// AES(KDK, block), read out: a step inside CMAC, never a key.
pub(super) fn readable(door: &Door, kdk: ObjectHandle, block: &[u8; 16]) -> Result<Zeroizing<[u8; 16]>, Error> {
    let child = door.derive_encrypt_data(kdk, block, &Template::session_key(AES_128, &[], Leaves::Readable))?;
    let attributes = door.attributes(child, &[AttributeType::Value]);
    door.destroy(child)?;
    let mut output = Zeroizing::new([0; 16]);
    let mut bytes = 0;
    for attribute in attributes? {
        if let Attribute::Value(mut value) = attribute {
            bytes = value.len();
            for (to, from) in output.iter_mut().zip(&value) {
                *to = *from;
            }
            value.zeroize();
        }
    }
    if bytes != output.len() {
        return Err(Error::OutputLength { function: "C_GetAttributeValue", expected: output.len(), found: bytes });
    }
    Ok(output)
}

/// Multiplication by x in GF(2¹²⁸), without a branch on the secret.
pub(super) fn double(block: &[u8; 16]) -> Zeroizing<[u8; 16]> {
    let number = Zeroizing::new(u128::from_be_bytes(*block));
    let carry = *number >> 127;
    Zeroizing::new(((*number << 1) ^ (carry * 0x87)).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubling_is_that_of_rfc_4493() {
        // RFC 4493 §4, subkey generation: AES(K, 0), K1, K2.
        let l = hex::decode("7df76b0c1ab899b33e42f047b91b546f").unwrap().try_into().unwrap();
        assert_eq!(hex::encode(double(&l).as_slice()), "fbeed618357133667c85e08f7236a8de");
        let l = hex::decode("fbeed618357133667c85e08f7236a8de").unwrap().try_into().unwrap();
        assert_eq!(hex::encode(double(&l).as_slice()), "f7ddac306ae266ccf90bc11ee46d513b");
    }
}
