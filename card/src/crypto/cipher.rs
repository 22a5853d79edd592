//! One AES block, CMAC and CBC for whichever length the key has.

use super::{AesKey, BLOCK_BYTES, Material};
use aes::cipher::{BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyInit};
use aes::{Aes128, Aes192, Aes256};
use cmac::{Cmac, Mac};

/// Runs `$body` with `$cipher` bound to the AES of the key's length.
macro_rules! with_cipher {
    ($key:expr, |$cipher:ident: $name:ident| $body:expr) => {
        match &$key.0 {
            Material::Aes128(key) => {
                type $name = Aes128;
                let $cipher = <$name as KeyInit>::new((&***key).into());
                $body
            }
            Material::Aes192(key) => {
                type $name = Aes192;
                let $cipher = <$name as KeyInit>::new((&***key).into());
                $body
            }
            Material::Aes256(key) => {
                type $name = Aes256;
                let $cipher = <$name as KeyInit>::new((&***key).into());
                $body
            }
        }
    };
}

impl AesKey {
    /// AES of one block (ECB).
    #[must_use]
    pub fn encrypt_block(&self, block: [u8; BLOCK_BYTES]) -> [u8; BLOCK_BYTES] {
        let mut out = block.into();
        with_cipher!(self, |cipher: Cipher| {
            BlockCipherEncrypt::encrypt_block(&cipher, &mut out);
        });
        out.into()
    }

    /// CMAC over the concatenation of `parts`, all 16 bytes.
    #[must_use]
    pub fn cmac(&self, parts: &[&[u8]]) -> [u8; BLOCK_BYTES] {
        match &self.0 {
            Material::Aes128(key) => cmac_over(<Cmac<Aes128> as KeyInit>::new((&***key).into()), parts),
            Material::Aes192(key) => cmac_over(<Cmac<Aes192> as KeyInit>::new((&***key).into()), parts),
            Material::Aes256(key) => cmac_over(<Cmac<Aes256> as KeyInit>::new((&***key).into()), parts),
        }
    }

    /// CBC encryption in place of whole blocks; bytes after the last whole block stay as they are.
    pub(crate) fn cbc_encrypt(&self, icv: [u8; BLOCK_BYTES], data: &mut [u8]) {
        with_cipher!(self, |cipher: Cipher| {
            let mut mode = cbc::Encryptor::<Cipher>::inner_iv_init(cipher, &icv.into());
            for block in data.as_chunks_mut::<BLOCK_BYTES>().0 {
                BlockModeEncrypt::encrypt_block(&mut mode, block.into());
            }
        });
    }

    /// CBC decryption in place of whole blocks; bytes after the last whole block stay as they are.
    pub(crate) fn cbc_decrypt(&self, icv: [u8; BLOCK_BYTES], data: &mut [u8]) {
        with_cipher!(self, |cipher: Cipher| {
            let mut mode = cbc::Decryptor::<Cipher>::inner_iv_init(cipher, &icv.into());
            for block in data.as_chunks_mut::<BLOCK_BYTES>().0 {
                BlockModeDecrypt::decrypt_block(&mut mode, block.into());
            }
        });
    }

    /// A key as PUT KEY carries it: AES-CBC under this key (the DEK), ICV zero, a 24-byte key filled up with zeros.
    ///
    /// GlobalPlatform Amendment D 1.2, §7.2. For cards whose keys are known in software; an HSM wraps its own.
    #[must_use]
    pub fn wrap_key(&self, key: &Self) -> Vec<u8> {
        let mut wrapped = key.expose().to_vec();
        wrapped.resize(wrapped.len().next_multiple_of(BLOCK_BYTES), 0);
        self.cbc_encrypt([0; BLOCK_BYTES], &mut wrapped);
        wrapped
    }
}

fn cmac_over<M: Mac>(mut mac: M, parts: &[&[u8]]) -> [u8; BLOCK_BYTES] {
    for part in parts {
        mac.update(part);
    }
    let mut out = [0; BLOCK_BYTES];
    for (to, from) in out.iter_mut().zip(mac.finalize().into_bytes()) {
        *to = from;
    }
    out
}
