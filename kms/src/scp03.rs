//! SCP03 data derivation inside the token: session keys and the predicted card challenge by C_Sign(CKM_AES_CMAC).
//!
//! GlobalPlatform Amendment D v1.1.2 §4.1.5 (derivation block), §6.2.1 (session keys), §6.2.2.1 (pseudo-random challenge).

use crate::error::Error;
use crate::length::KeyLength;
use crate::secret::{SessionKey, SessionKeys};
use crate::token::Door;
use cryptoki::object::ObjectHandle;
use zeroize::Zeroizing;

/// Derivation constants (Amendment D, Table 4-1).
#[derive(Debug, Clone, Copy)]
enum Constant {
    CardChallenge = 0x02,
    SEnc = 0x04,
    SMac = 0x06,
    SRmac = 0x07,
}

/// The static keys of one channel, in the token: both may SIGN. Session keys are as long as they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChannelKeys {
    pub(crate) enc: ObjectHandle,
    pub(crate) mac: ObjectHandle,
    pub(crate) length: KeyLength,
}

/// The three session keys for a pair of challenges.
pub(crate) fn session_keys(
    door: &Door,
    keys: ChannelKeys,
    host_challenge: &[u8; 8],
    card_challenge: &[u8; 8],
) -> Result<SessionKeys, Error> {
    let context = [host_challenge.as_slice(), card_challenge].concat();
    let bits = keys.length.bits();
    let key = |base, constant| {
        // Room at once: a buffer that grows leaves a copy behind.
        let mut key = Zeroizing::new(Vec::with_capacity(KeyLength::BYTES_MAX));
        for (number, _) in (1..).zip((0..keys.length.bytes()).step_by(16)) {
            key.extend_from_slice(&*door.cmac(base, &derivation_block(constant, bits, number, &context))?);
        }
        let unfit = || Error::OutputLength { function: "C_Sign", expected: keys.length.bytes(), found: key.len() };
        SessionKey::new(&key).ok_or_else(unfit)
    };
    Ok(SessionKeys {
        s_enc: key(keys.enc, Constant::SEnc)?,
        s_mac: key(keys.mac, Constant::SMac)?,
        s_rmac: key(keys.mac, Constant::SRmac)?,
    })
}

/// The challenge that a card with i=70 answers when its sequence counter is `counter`.
pub(crate) fn card_challenge(door: &Door, enc: ObjectHandle, counter: u32, df_name: &[u8]) -> Result<[u8; 8], Error> {
    let [_, c0, c1, c2] = counter.to_be_bytes();
    let context = [&[c0, c1, c2], df_name].concat();
    let mac = door.cmac(enc, &derivation_block(Constant::CardChallenge, 64, 1, &context))?;
    let [a, b, c, d, e, f, g, h, ..] = *mac;
    Ok([a, b, c, d, e, f, g, h])
}

fn derivation_block(constant: Constant, output_bits: u16, number: u8, context: &[u8]) -> Vec<u8> {
    let [l0, l1] = output_bits.to_be_bytes();
    let mut block = vec![0x00; 11]; // label: eleven zero bytes …
    block.push(constant as u8); // … and the constant
    block.push(0x00); // separator
    block.extend([l0, l1]); // L, in bits
    block.push(number); // i: counts from 1
    block.extend(context);
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_the_derivation_block() {
        let block = derivation_block(Constant::CardChallenge, 64, 1, &[0xAA, 0xBB]);
        assert_eq!(hex::encode(block), "0000000000000000000000020000400 1aabb".replace(' ', ""));
    }
}
