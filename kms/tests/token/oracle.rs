//! The same computations in software, written from the standards: what the token must give.

use aes::Aes128;
use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use cmac::{Cmac, Mac};

/// AES-CMAC (NIST SP 800-38B).
pub(crate) fn cmac(key: &[u8; 16], data: &[u8]) -> [u8; 16] {
    let mut mac = <Cmac<Aes128> as KeyInit>::new(&Array::from(*key));
    mac.update(data);
    mac.finalize().into_bytes().into()
}

/// kdf3: CMAC(KDK, 01 ‖ 00 00 00 purpose ‖ 00 ‖ KDD).
pub(crate) fn kdf3(kdk: &[u8; 16], kdd: &[u8; 10], purpose: u8) -> [u8; 16] {
    cmac(kdk, &[&[1, 0, 0, 0, purpose, 0], kdd.as_slice()].concat())
}

/// SCP03 data derivation of up to 128 bits.
pub(crate) fn scp03(key: &[u8; 16], constant: u8, bits: u16, context: &[u8]) -> [u8; 16] {
    let [high, low] = bits.to_be_bytes();
    cmac(key, &[&[0; 11], [constant, 0, high, low, 1].as_slice(), context].concat())
}

/// First three bytes of ECB over sixteen bytes 01.
pub(crate) fn gp_kcv(key: &[u8; 16]) -> [u8; 3] {
    let mut block = Array::from([1; 16]);
    Aes128::new(&Array::from(*key)).encrypt_block(&mut block);
    [block[0], block[1], block[2]]
}

/// One block of CBC with IV 0, opened.
pub(crate) fn decrypt(key: &[u8; 16], block: &[u8; 16]) -> [u8; 16] {
    let mut block = Array::from(*block);
    Aes128::new(&Array::from(*key)).decrypt_block(&mut block);
    block.into()
}
