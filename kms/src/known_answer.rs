//! Known-answer test of a derivation route: a token that computes anything else derives nobody's cards.
//!
//! The answers for AES-128 and kdf3 are public: KDK 40..4F, KDD 00..09 give the KCVs E79C05, D1BD77, 3FDE8C (GlobalPlatformPro's kdf3).
//! Those for AES-256 (KDK 40..5F) and AN10922 were computed with pyca/cryptography.

use crate::derive::{Formula, Kdk, Purpose, gp_kcv};
use crate::error::Error;
use crate::length::KeyLength;
use crate::route::Route;
use crate::token::Door;
use crate::token::template::{Leaves, Right, Template};

/// The public GlobalPlatform test key.
pub(crate) const GP_DEFAULT: [u8; 16] =
    [0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F];

/// The same, counted on to AES-256.
const KDK_256: [u8; 32] = [
    0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F, 0x50, 0x51, 0x52,
    0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5A, 0x5B, 0x5C, 0x5D, 0x5E, 0x5F,
];

const KDD: [u8; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

struct Answer {
    formula: Formula,
    purpose: Purpose,
    what: &'static str,
    kcv: [u8; 3],
}

const fn answer(formula: Formula, purpose: Purpose, what: &'static str, kcv: [u8; 3]) -> Answer {
    Answer { formula, purpose, what, kcv }
}

const AES_128: [Answer; 4] = [
    answer(Formula::Kdf3, Purpose::Enc, "KCV of Key-ENC for KDK 40..4F, KDD 00..09", [0xE7, 0x9C, 0x05]),
    answer(Formula::Kdf3, Purpose::Mac, "KCV of Key-MAC for KDK 40..4F, KDD 00..09", [0xD1, 0xBD, 0x77]),
    answer(Formula::Kdf3, Purpose::Dek, "KCV of Key-DEK for KDK 40..4F, KDD 00..09", [0x3F, 0xDE, 0x8C]),
    answer(Formula::An10922, Purpose::Enc, "KCV of Key-ENC by AN10922 for KDK 40..4F, KDD 00..09", [0x47, 0x8C, 0x69]),
];

const AES_256: [Answer; 3] = [
    answer(Formula::Kdf3, Purpose::Enc, "KCV of Key-ENC for KDK 40..5F, KDD 00..09", [0x29, 0x72, 0xD2]),
    answer(Formula::Kdf3, Purpose::Mac, "KCV of Key-MAC for KDK 40..5F, KDD 00..09", [0x03, 0x6F, 0x94]),
    answer(Formula::Kdf3, Purpose::Dek, "KCV of Key-DEK for KDK 40..5F, KDD 00..09", [0x5D, 0x57, 0xB8]),
];

/// Derives the keys of a length on a route, in the session given, and compares.
pub(crate) fn test(door: &Door, route: Route, length: KeyLength) -> Result<(), Error> {
    let (kdk, answers): (&[u8], &[Answer]) = match length {
        KeyLength::Aes128 => (&GP_DEFAULT, &AES_128),
        KeyLength::Aes256 => (&KDK_256, &AES_256),
    };
    let handle = door.create(&Template::known_session_key(kdk, &[Right::Derive], Leaves::Never))?;
    let encrypting = Template::session_key(length.value_len(), &[Right::Encrypt], Leaves::Never);
    let compared = answers.iter().try_for_each(|Answer { formula, purpose, what, kcv }| {
        let child = Kdk::new(door, handle, *formula, length, route)?.card_key(door, &KDD, *purpose, &encrypting)?;
        let found = gp_kcv(door, child)?;
        door.destroy(child)?;
        if found == *kcv {
            return Ok(());
        }
        Err(Error::KnownAnswer {
            route: route.as_str(),
            what,
            expected: hex::encode_upper(kcv),
            found: hex::encode_upper(found),
        })
    });
    door.destroy(handle)?;
    compared
}
