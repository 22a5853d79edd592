//! What the schemes authenticate: every byte, and how it is cut into blocks where the token cannot do that itself.
//!
//! Both schemes are CMAC over `counter ‖ label`, so that a token with SP 800-108 (8-bit counter in front) computes them whole:
//!
//! ```text
//! kdf3      counter ‖ 00 00 00 purpose ‖ 00 ‖ KDD(10)                      one block; AES-256 takes counters 01 and 02
//! an10922   01 ‖ KDD(10) ‖ 00 00 purpose ‖ "FUDA"                          NXP AN10922 §2.2: UID, AID, system identifier
//! ```
//!
//! AN10922 always works on two blocks. Its input M is therefore not simply `CMAC(01 ‖ M)`: that holds only from 16 bytes on, and ours has 17.

use super::Purpose;
use super::subkey::Subkeys;
use zeroize::Zeroizing;

/// System identifier of AN10922: keys of this house are no other house's, whatever the chip.
const SYSTEM: [u8; 4] = *b"FUDA";

/// Shortest M for which AN10922 is CMAC(01 ‖ M).
const AN10922_CMAC_FROM_BYTES: usize = 16;

const _: () =
    assert!(10 + 3 + SYSTEM.len() >= AN10922_CMAC_FROM_BYTES, "an SP 800-108 token would compute another key");

/// A scheme that derives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Formula {
    Kdf3,
    An10922,
}

impl Formula {
    /// What follows the counter.
    pub(super) fn label(self, kdd: &[u8; 10], purpose: Purpose) -> Vec<u8> {
        match self {
            Self::Kdf3 => [&[0x00, 0x00, 0x00, purpose.number(), 0x00], kdd.as_slice()].concat(),
            Self::An10922 => [kdd.as_slice(), &[0x00, 0x00, purpose.number()], &SYSTEM].concat(),
        }
    }

    /// The blocks of an AES-128 key, for a token that only encrypts one block at a time.
    pub(super) fn blocks(self, kdd: &[u8; 10], purpose: Purpose) -> Blocks {
        let label = self.label(kdd, purpose);
        match self {
            Self::Kdf3 => Blocks::One(block(&[&[0x01], label.as_slice()].concat())),
            Self::An10922 => an10922(&label),
        }
    }
}

/// Input of CMAC, before the last block meets its subkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blocks {
    /// One block, whole.
    One([u8; 16]),
    /// Two blocks.
    Two([u8; 16], Last),
}

/// A last block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    /// Sixteen bytes of the input.
    Whole([u8; 16]),
    /// Less, then 80 00 ….
    Padded([u8; 16]),
}

impl Last {
    /// The block as AES gets it, but for the chaining.
    pub(super) fn masked(self, subkeys: &Subkeys) -> Zeroizing<[u8; 16]> {
        match self {
            Self::Whole(block) => xor(&block, &subkeys.k1),
            Self::Padded(block) => xor(&block, &subkeys.k2),
        }
    }
}

/// D = 01 ‖ M, padded to two blocks (AN10922 §2.2: the padding fills 32 bytes, however short M is).
fn an10922(m: &[u8]) -> Blocks {
    let input = [&[0x01], m].concat();
    let mut padded = [input.as_slice(), &[0x80]].concat();
    padded.resize(32, 0x00);
    let (first, last) = padded.split_at(16);
    let last = if input.len() < 32 { Last::Padded(block(last)) } else { Last::Whole(block(last)) };
    Blocks::Two(block(first), last)
}

pub(super) fn xor(a: &[u8; 16], b: &[u8; 16]) -> Zeroizing<[u8; 16]> {
    let mut sum = Zeroizing::new(*a);
    for (byte, other) in sum.iter_mut().zip(b) {
        *byte ^= *other;
    }
    sum
}

/// The first sixteen bytes.
fn block(bytes: &[u8]) -> [u8; 16] {
    let mut block = [0; 16];
    for (to, from) in block.iter_mut().zip(bytes) {
        *to = *from;
    }
    block
}

#[cfg(test)]
mod tests {
    use super::super::subkey::double;
    use super::*;
    use aes::Aes128;
    use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};

    fn encrypt(key: &[u8; 16], block: &[u8; 16]) -> [u8; 16] {
        let mut block = Array::from(*block);
        Aes128::new(&Array::from(*key)).encrypt_block(&mut block);
        block.into()
    }

    /// What the token does with the blocks, in software.
    fn computed(key: &[u8; 16], blocks: Blocks) -> [u8; 16] {
        let k1 = double(&encrypt(key, &[0; 16]));
        let subkeys = Subkeys { k2: double(&k1), k1 };
        match blocks {
            Blocks::One(block) => encrypt(key, &xor(&block, &subkeys.k1)),
            Blocks::Two(first, last) => encrypt(key, &xor(&encrypt(key, &first), &last.masked(&subkeys))),
        }
    }

    #[test]
    fn every_byte_of_both_schemes() {
        let kdd = [0xC0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
        let text = |formula: Formula| hex::encode(formula.label(&kdd, Purpose::Mac));
        assert_eq!(text(Formula::Kdf3), "0000000200c0010203040506070809");
        assert_eq!(text(Formula::An10922), "c001020304050607080900000246554441");
    }

    /// NXP's vectors may not be carried here: they are read where `FUDA_PUBLIC_VECTORS` says.
    #[test]
    fn an10922_is_that_of_the_public_vectors_short_inputs_too() {
        let Some(folder) = std::env::var_os("FUDA_PUBLIC_VECTORS").map(std::path::PathBuf::from) else {
            eprintln!("VECTORS an10922.json: FUDA_PUBLIC_VECTORS names no folder");
            return;
        };
        let file: serde_json::Value =
            serde_json::from_slice(&std::fs::read(folder.join("an10922.json")).unwrap()).unwrap();
        let bytes = |value: &serde_json::Value| hex::decode(value.as_str().unwrap()).unwrap();
        let (mut checked, mut short) = (0, 0);
        for vector in file["vectors"].as_array().unwrap() {
            let Ok(master) = <[u8; 16]>::try_from(bytes(&vector["master"])) else { continue };
            let m = bytes(&vector["m"]);
            assert_eq!(computed(&master, an10922(&m)).to_vec(), bytes(&vector["derived"]), "{}", vector["id"]);
            if let Some(plain) = vector.get("plain_cmac_would_be") {
                assert!(m.len() < AN10922_CMAC_FROM_BYTES);
                assert_ne!(bytes(plain), bytes(&vector["derived"]));
                short += 1;
            }
            checked += 1;
        }
        assert!(checked >= 8 && short >= 3, "{checked} vectors, {short} of them short");
    }
}
