//! AES as a card uses it: one block, CBC, CMAC, padding and the GlobalPlatform key check value.
//!
//! FIPS 197, NIST SP 800-38A (CBC), SP 800-38B (CMAC), ISO/IEC 9797-1 padding method 2,
//! GlobalPlatform Card Specification 2.3.1 §B.5 (key check value).

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt};
use aes::{Aes128, Aes192, Aes256};
use cmac::{Cmac, KeyInit, Mac};
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// One AES block.
pub type Block = [u8; 16];

/// An AES key of 16, 24 or 32 bytes, wiped on drop.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct AesKey(Bytes);

#[derive(Zeroize)]
enum Bytes {
    Aes128([u8; 16]),
    Aes192([u8; 24]),
    Aes256([u8; 32]),
}

impl AesKey {
    /// From 16, 24 or 32 bytes; `None` for any other number.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let key = match bytes.len() {
            16 => Bytes::Aes128(bytes.try_into().ok()?),
            24 => Bytes::Aes192(bytes.try_into().ok()?),
            32 => Bytes::Aes256(bytes.try_into().ok()?),
            _ => return None,
        };
        Some(Self(key))
    }

    /// The key bytes: for the card file, and for a checker that the simulator's user trusts with them.
    #[must_use]
    pub const fn expose(&self) -> &[u8] {
        match &self.0 {
            Bytes::Aes128(key) => key,
            Bytes::Aes192(key) => key,
            Bytes::Aes256(key) => key,
        }
    }

    /// Key length in bytes: 16, 24 or 32.
    #[must_use]
    pub const fn size_bytes(&self) -> usize {
        self.expose().len()
    }

    /// A second instance of the key, as a card keeps one in RAM beside the one in its memory.
    pub(crate) const fn ram_copy(&self) -> Self {
        Self(match &self.0 {
            Bytes::Aes128(key) => Bytes::Aes128(*key),
            Bytes::Aes192(key) => Bytes::Aes192(*key),
            Bytes::Aes256(key) => Bytes::Aes256(*key),
        })
    }

    /// One block encrypted (ECB).
    #[must_use]
    pub fn encrypt_block(&self, block: &Block) -> Block {
        self.schedule().encrypt(*block)
    }

    /// CBC encryption without padding; bytes beyond the last whole block are dropped.
    #[must_use]
    pub fn cbc_encrypt(&self, iv: Block, plain: &[u8]) -> Vec<u8> {
        let schedule = self.schedule();
        let (blocks, _) = plain.as_chunks::<16>();
        let mut last = iv;
        let mut out = Vec::with_capacity(plain.len());
        for block in blocks {
            last = schedule.encrypt(xor(block, &last));
            out.extend_from_slice(&last);
        }
        out
    }

    /// CBC decryption without padding; bytes beyond the last whole block are dropped.
    #[must_use]
    pub fn cbc_decrypt(&self, iv: Block, cipher: &[u8]) -> Vec<u8> {
        let schedule = self.schedule();
        let (blocks, _) = cipher.as_chunks::<16>();
        let mut last = iv;
        let mut out = Vec::with_capacity(cipher.len());
        for block in blocks {
            out.extend_from_slice(&xor(&schedule.decrypt(*block), &last));
            last = *block;
        }
        out
    }

    /// CMAC over the concatenation of `parts`.
    #[must_use]
    pub fn cmac(&self, parts: &[&[u8]]) -> Block {
        match &self.0 {
            Bytes::Aes128(key) => cmac_of(Cmac::<Aes128>::new(key.into()), parts),
            Bytes::Aes192(key) => cmac_of(Cmac::<Aes192>::new(key.into()), parts),
            Bytes::Aes256(key) => cmac_of(Cmac::<Aes256>::new(key.into()), parts),
        }
    }

    /// The GlobalPlatform key check value: the first three bytes of the encrypted block of 01s.
    #[must_use]
    pub fn gp_kcv(&self) -> [u8; 3] {
        let [a, b, c, ..] = self.encrypt_block(&[0x01; 16]);
        [a, b, c]
    }

    fn schedule(&self) -> Schedule {
        match &self.0 {
            Bytes::Aes128(key) => Schedule::Aes128(Box::new(Aes128::new(key.into()))),
            Bytes::Aes192(key) => Schedule::Aes192(Box::new(Aes192::new(key.into()))),
            Bytes::Aes256(key) => Schedule::Aes256(Box::new(Aes256::new(key.into()))),
        }
    }
}

impl fmt::Debug for AesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AesKey([redacted])")
    }
}

/// An expanded key.
enum Schedule {
    Aes128(Box<Aes128>),
    Aes192(Box<Aes192>),
    Aes256(Box<Aes256>),
}

impl Schedule {
    fn encrypt(&self, block: Block) -> Block {
        let mut block = block.into();
        match self {
            Self::Aes128(aes) => aes.encrypt_block(&mut block),
            Self::Aes192(aes) => aes.encrypt_block(&mut block),
            Self::Aes256(aes) => aes.encrypt_block(&mut block),
        }
        block.into()
    }

    fn decrypt(&self, block: Block) -> Block {
        let mut block = block.into();
        match self {
            Self::Aes128(aes) => aes.decrypt_block(&mut block),
            Self::Aes192(aes) => aes.decrypt_block(&mut block),
            Self::Aes256(aes) => aes.decrypt_block(&mut block),
        }
        block.into()
    }
}

fn cmac_of(mut mac: impl Mac<OutputSize = aes::cipher::consts::U16>, parts: &[&[u8]]) -> Block {
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn xor(a: &Block, b: &Block) -> Block {
    let mut out = *a;
    for (byte, other) in out.iter_mut().zip(b) {
        *byte ^= other;
    }
    out
}

/// Padding method 2: 80, then 00s to a whole number of AES blocks; at least one byte is added.
#[must_use]
pub fn pad(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() + 16);
    out.extend_from_slice(data);
    out.push(0x80);
    out.resize(out.len().next_multiple_of(16), 0);
    out
}

/// Takes padding method 2 away; `None` unless whole blocks end in 80 00…00 within the last block.
#[must_use]
pub fn unpad(padded: &[u8]) -> Option<&[u8]> {
    if padded.is_empty() || !padded.len().is_multiple_of(16) {
        return None;
    }
    let marker = padded.iter().rposition(|byte| *byte != 0)?;
    let (data, padding) = padded.split_at_checked(marker)?;
    (padding.first() == Some(&0x80) && padding.len() <= 16).then_some(data)
}

/// Whether two byte strings are equal, in a time that tells nothing about where they differ.
#[must_use]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}
