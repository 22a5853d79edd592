//! Whether a KEK that unwraps keeps what it lets in: a key of public value is wrapped under it and let in as it should be and as it must not be.
//!
//! The wrapping is AES key wrap (RFC 3394 §2.2.1), made with C_Encrypt, because where a KEK unwraps it may not wrap.

use crate::error::Error;
use crate::exchange::ExchangeError;
use crate::known_answer::GP_DEFAULT;
use crate::name::{KeyKind, KeyVersion};
use crate::token::Door;
use crate::token::template::{Leaves, Template};
use cryptoki::object::ObjectHandle;

/// RFC 3394 §2.2.3.1.
const INITIAL_VALUE: [u8; 8] = [0xA6; 8];

/// RFC 3394 §2.2.1: "for j = 0 to 5".
const ROUNDS: u64 = 6;

/// Refuses a KEK under which a key comes in that can leave again.
pub(crate) fn refuse_leak(door: &Door, kek: ObjectHandle, version: &KeyVersion) -> Result<(), Error> {
    let blob = wrapped(door, kek, &GP_DEFAULT)?;
    let kind = match version.name.kind() {
        KeyKind::VaultKek => KeyKind::Vault,
        _ => KeyKind::Derivation,
    };
    let visitor = door.unwrap_kw(kek, &blob, &Template::visitor_unwrapped(kind))?;
    door.destroy(visitor)?;
    for leaves in [Leaves::Readable, Leaves::Wrapped] {
        for template in [Template::leaver_unwrapped(kind, leaves), Template::bare_leaver_unwrapped(leaves)] {
            if let Ok(leaver) = door.unwrap_kw(kek, &blob, &template) {
                door.destroy(leaver)?;
                return Err(ExchangeError::KekLeaks { version: version.clone() }.into());
            }
        }
    }
    Ok(())
}

/// AES key wrap of a key of sixteen bytes under one that may ENCRYPT.
fn wrapped(door: &Door, kek: ObjectHandle, key: &[u8; 16]) -> Result<Vec<u8>, Error> {
    let mut integrity = u64::from_be_bytes(INITIAL_VALUE);
    let whole = u128::from_be_bytes(*key);
    let mut halves = [high(whole), low(whole)];
    for round in 0..ROUNDS {
        for (step, half) in (2 * round + 1..).zip(&mut halves) {
            let block = (u128::from(integrity) << 64) | u128::from(*half);
            let encrypted = u128::from_be_bytes(door.ecb(kek, &block.to_be_bytes())?);
            integrity = high(encrypted) ^ step;
            *half = low(encrypted);
        }
    }
    let [first, second] = halves;
    Ok([integrity, first, second].map(u64::to_be_bytes).concat())
}

fn high(block: u128) -> u64 {
    u64::try_from(block >> 64).unwrap_or(u64::MAX)
}

fn low(block: u128) -> u64 {
    u64::try_from(block & u128::from(u64::MAX)).unwrap_or(u64::MAX)
}
