//! Known-answer test of a derivation route: a token that computes anything else derives nobody's cards.
//!
//! The vector is public: KDK 40..4F, KDD 00..09 give the KCVs E79C05, D1BD77, 3FDE8C (GlobalPlatformPro's kdf3).

use crate::derive::{Kdk, Purpose, Route, gp_kcv};
use crate::error::Error;
use crate::token::Door;
use crate::token::template::{AES_128, Leaves, Right, Template};

/// The public GlobalPlatform test key.
pub(crate) const GP_DEFAULT: [u8; 16] =
    [0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F];

const KDD: [u8; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

const ANSWERS: [(Purpose, &str, [u8; 3]); 3] = [
    (Purpose::Enc, "KCV of Key-ENC for KDK 40..4F, KDD 00..09", [0xE7, 0x9C, 0x05]),
    (Purpose::Mac, "KCV of Key-MAC for KDK 40..4F, KDD 00..09", [0xD1, 0xBD, 0x77]),
    (Purpose::Dek, "KCV of Key-DEK for KDK 40..4F, KDD 00..09", [0x3F, 0xDE, 0x8C]),
];

/// Derives the three keys of the vector on a route, in the session given, and compares.
pub(crate) fn test(door: &Door, route: Route) -> Result<(), Error> {
    let handle = door.create(&Template::known_session_key(&GP_DEFAULT, &[Right::Derive], Leaves::Never))?;
    let kdk = Kdk::new(door, handle, route)?;
    let encrypting = Template::session_key(AES_128, &[Right::Encrypt], Leaves::Never);
    for (purpose, what, expected) in ANSWERS {
        let child = kdk.card_key(door, &KDD, purpose, &encrypting)?;
        let found = gp_kcv(door, child)?;
        door.destroy(child)?;
        if found != expected {
            return Err(Error::KnownAnswer {
                route: route.as_str(),
                what,
                expected: hex::encode_upper(expected),
                found: hex::encode_upper(found),
            });
        }
    }
    door.destroy(handle)
}
