//! The same computations in software, written from the standards: what the token must give. Keys of 16 or 32 bytes.

use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes256};
use cmac::{Cmac, Mac};

/// AES-CMAC (NIST SP 800-38B).
pub(crate) fn cmac(key: &[u8], data: &[u8]) -> [u8; 16] {
    if key.len() == 16 {
        let mut mac = <Cmac<Aes128> as KeyInit>::new_from_slice(key).unwrap();
        mac.update(data);
        mac.finalize().into_bytes().into()
    } else {
        let mut mac = <Cmac<Aes256> as KeyInit>::new_from_slice(key).unwrap();
        mac.update(data);
        mac.finalize().into_bytes().into()
    }
}

/// kdf3: CMAC(KDK, counter ‖ 00 00 00 purpose ‖ 00 ‖ KDD), as long as the KDK.
pub(crate) fn kdf3(kdk: &[u8], kdd: &[u8; 10], purpose: u8) -> Vec<u8> {
    let block = |counter| cmac(kdk, &[&[counter, 0, 0, 0, purpose, 0], kdd.as_slice()].concat());
    (1..=kdk.len() / 16).flat_map(|counter| block(counter as u8)).collect()
}

/// AN10922 for AES-128: the last block of AES-CBC over 01 ‖ M padded to 32 bytes, the last block masked with K2.
pub(crate) fn an10922(key: &[u8; 16], m: &[u8]) -> [u8; 16] {
    let double = |block: [u8; 16]| {
        let number = u128::from_be_bytes(block);
        ((number << 1) ^ (0x87 * (number >> 127))).to_be_bytes()
    };
    let k2 = double(double(encrypt(key, [0; 16])));
    let mut padded = [&[0x01], m, &[0x80]].concat();
    padded.resize(32, 0);
    let first = encrypt(key, padded[..16].try_into().unwrap());
    encrypt(key, std::array::from_fn(|byte| first[byte] ^ padded[16 + byte] ^ k2[byte]))
}

/// SCP03 data derivation of `bits` (Amendment D §4.1.5); 64 bits are the first half of one block.
pub(crate) fn scp03(key: &[u8], constant: u8, bits: u16, context: &[u8]) -> Vec<u8> {
    let [high, low] = bits.to_be_bytes();
    let block = |number| cmac(key, &[&[0; 11], [constant, 0, high, low, number].as_slice(), context].concat());
    (1..=bits.div_ceil(128)).flat_map(|number| block(number as u8)).take(usize::from(bits) / 8).collect()
}

/// First three bytes of ECB over sixteen bytes 01.
pub(crate) fn gp_kcv(key: &[u8]) -> [u8; 3] {
    encrypt(key, [1; 16])[..3].try_into().unwrap()
}

/// One block, encrypted.
pub(crate) fn encrypt(key: &[u8], block: [u8; 16]) -> [u8; 16] {
    let mut block = Array::from(block);
    if key.len() == 16 {
        Aes128::new_from_slice(key).unwrap().encrypt_block(&mut block);
    } else {
        Aes256::new_from_slice(key).unwrap().encrypt_block(&mut block);
    }
    block.into()
}

/// CBC with IV 0, opened.
pub(crate) fn decrypt(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut chain = [0; 16];
    let mut plain = Vec::new();
    for cipher in data.chunks_exact(16) {
        let cipher: [u8; 16] = cipher.try_into().unwrap();
        let mut block = Array::from(cipher);
        if key.len() == 16 {
            Aes128::new_from_slice(key).unwrap().decrypt_block(&mut block);
        } else {
            Aes256::new_from_slice(key).unwrap().decrypt_block(&mut block);
        }
        plain.extend(block.iter().zip(chain).map(|(byte, before)| byte ^ before));
        chain = cipher;
    }
    plain
}
