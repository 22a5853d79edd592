//! The file of sealed sets, `fuda-sets-1`: a head, one line per card, an end. Every line is one JSON object.
//!
//! ```text
//! {"format":"fuda-sets-1","key":"recovery@1","check_value":"gp:…","token":"recovery", …,"kvn":"3F","kek":"card-kek/line@1", …,"cards":2,"cards_sha256":"…"}
//! {"chip_id":"…","enc":{"blob":"…","kcv":"gp:…"},"mac":{…},"dek":{…}}
//! {"chip_id":"…", …}
//! {"end":2,"sha256":"…"}                                        SHA-256 of all lines before this one
//! ```
//!
//! A blob is AES key wrap (RFC 3394) of one card key. Nothing in the file is secret without the KEK; who has both has these cards' sets.

use super::list::CardList;
use crate::check_value::{CheckValue, Method};
use crate::hex_text::Hex;
use crate::label::TokenLabel;
use crate::length::KeyLength;
use crate::name::KeyVersion;
use crate::registry::{Elsewhere, Record};
use crate::sealed::{Blob, SealedKey, SealedSet};
use crate::wire::Named;
use serde::{Deserialize, Serialize};

/// The format's name.
const FORMAT: &str = "fuda-sets-1";

/// The recovery set's number in the MF (DESIGN: MF, recovery 3F).
const RECOVERY_KVN: &str = "3F";

/// How blobs are made.
const ALGORITHM: &str = "AES-KW (RFC 3394)";

/// Longest line in bytes: three blobs of AES-256 keys take 500.
pub(super) const LINE_BYTES_MAX: usize = 1024;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    format: String,
    pub(super) key: Named,
    /// Of the version, by which the two sides compare whose sets these are.
    check_value: String,
    /// Label of the token that has it.
    token: String,
    scheme: String,
    kvn: String,
    pub(super) kek: Named,
    kek_check_value: String,
    algorithm: String,
    bits: u16,
    pub(super) cards: u64,
    cards_sha256: Hex<32>,
}

/// A version with its check value.
#[derive(Debug)]
pub(super) struct Checked<'a> {
    pub(super) record: &'a Record,
    pub(super) value: &'a CheckValue,
}

impl Head {
    pub(super) fn new(key: &Checked<'_>, kek: &Checked<'_>, list: &CardList) -> Self {
        Self {
            format: FORMAT.to_owned(),
            key: Named(key.record.version.clone()),
            check_value: key.value.to_string(),
            token: key.record.token.to_string(),
            scheme: key.record.scheme.as_str().to_owned(),
            kvn: RECOVERY_KVN.to_owned(),
            kek: Named(kek.record.version.clone()),
            kek_check_value: kek.value.to_string(),
            algorithm: ALGORITHM.to_owned(),
            bits: key.record.length.bits(),
            cards: list.chips.len() as u64,
            cards_sha256: Hex(list.sha256),
        }
    }

    /// Whether this program can read what follows.
    pub(super) fn is_known(&self) -> bool {
        self.format == FORMAT && self.kvn == RECOVERY_KVN && self.algorithm == ALGORITHM
    }

    /// The KEK's check value, when it is written as one.
    pub(super) fn kek_check_value(&self) -> Option<CheckValue> {
        self.kek_check_value.parse().ok()
    }

    /// What the head says of the version that the sets come from.
    pub(super) fn origin(&self) -> Option<Elsewhere> {
        Some(Elsewhere {
            version: self.key.0.clone(),
            token: TokenLabel::new(&self.token).ok()?,
            check_value: self.check_value.parse().ok()?,
            scheme: self.scheme.parse().ok()?,
            length: KeyLength::from_bits(self.bits.into())?,
        })
    }
}

/// A line of a card.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Card {
    pub(super) chip_id: Hex<10>,
    enc: Key,
    mac: Key,
    dek: Key,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    blob: String,
    kcv: String,
}

impl Card {
    pub(super) fn new(chip: [u8; 10], [enc, mac, dek]: &[SealedKey; 3]) -> Self {
        let key = |key: &SealedKey| Key {
            blob: hex::encode(key.blob.as_bytes()),
            kcv: CheckValue::new(Method::Gp, &key.kcv).to_string(),
        };
        Self { chip_id: Hex(chip), enc: key(enc), mac: key(mac), dek: key(dek) }
    }

    /// The set that it holds; none when a blob has another length or a check value another method.
    pub(super) fn set(&self, of: &KeyVersion, kek: &KeyVersion, length: KeyLength) -> Option<SealedSet> {
        let key = |key: &Key| {
            let blob = Blob::new(hex::decode(&key.blob).ok()?).filter(|blob| blob.length() == length)?;
            let mut kcv = [0; 3];
            hex::decode_to_slice(key.kcv.strip_prefix("gp:")?, &mut kcv).ok()?;
            Some(SealedKey { blob, kcv })
        };
        let keys = [key(&self.enc)?, key(&self.mac)?, key(&self.dek)?];
        Some(SealedSet { of: of.clone(), kek: kek.clone(), keys })
    }
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    pub(super) end: u64,
    pub(super) sha256: Hex<32>,
}
