//! The stage record in the WEF-PS of the MF: what the card itself says about its issuing.
//!
//! ```text
//! 50 53 ‖ 01 ‖ stage(1) ‖ profile hash[0..12] ‖ tag(8) ‖ check(8)        check = SHA-256[0..8] of the 24 bytes before
//! ```
//!
//! Record 1 holds stage 01 (ZERO), record 2 stage 02 (FIRST); each is the last write of its stage, 32 bytes that a card writes
//! whole or not at all.

use super::Stage;
use crate::profile::ProfileHash;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// Bytes of a stage record.
pub const STAGE_RECORD_BYTES: usize = 32;
/// `PS` and the version of the layout.
const HEAD: [u8; 3] = [0x50, 0x53, 0x01];
/// Bytes before the check.
const CHECKED_BYTES: usize = 24;

/// Eight bytes that tell one lot's cards from another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobTag([u8; 8]);

impl JobTag {
    /// The tag of a lot: SHA-256[0..8] of its name.
    #[must_use]
    pub fn of_lot(lot: &str) -> Self {
        Self(first_eight(lot.as_bytes()))
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

/// A stage that a card has completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageRecord {
    /// The stage.
    pub stage: Stage,
    /// First 12 bytes of the hash of the profile that it was made by.
    pub profile: [u8; 12],
    /// The lot that it belongs to.
    pub tag: JobTag,
}

impl StageRecord {
    /// The record of a stage done by a profile for a lot.
    #[must_use]
    pub fn new(stage: Stage, profile: &ProfileHash, tag: JobTag) -> Self {
        let mut short = [0; 12];
        for (to, from) in short.iter_mut().zip(profile.as_bytes()) {
            *to = *from;
        }
        Self { stage, profile: short, tag }
    }

    /// The number of the record in the WEF-PS of the MF.
    #[must_use]
    pub const fn number(stage: Stage) -> u8 {
        match stage {
            Stage::Zeroth => 1,
            Stage::First => 2,
        }
    }

    /// Whether it was made by this profile.
    #[must_use]
    pub fn is_of(&self, profile: &ProfileHash) -> bool {
        profile.as_bytes().starts_with(&self.profile)
    }

    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; STAGE_RECORD_BYTES] {
        let checked = [&HEAD[..], &[Self::number(self.stage)], &self.profile, &self.tag.0].concat();
        let check = first_eight(&checked);
        let mut record = [0; STAGE_RECORD_BYTES];
        for (to, from) in record.iter_mut().zip(checked.iter().chain(&check)) {
            *to = *from;
        }
        record
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`StageRecordError`] with the offset of the first byte that does not fit. An erased record (FF) is such an error.
    pub fn parse(bytes: &[u8]) -> Result<Self, StageRecordError> {
        let wrong = |offset| StageRecordError { offset };
        if bytes.len() != STAGE_RECORD_BYTES {
            return Err(wrong(bytes.len()));
        }
        let (checked, check) = bytes.split_at_checked(CHECKED_BYTES).ok_or(wrong(0))?;
        if check != first_eight(checked) {
            return Err(wrong(CHECKED_BYTES));
        }
        let rest = checked.strip_prefix(&HEAD).ok_or(wrong(0))?;
        let (&[stage], rest) = rest.split_first_chunk::<1>().ok_or(wrong(3))?;
        let stage = match stage {
            0x01 => Stage::Zeroth,
            0x02 => Stage::First,
            _ => return Err(wrong(3)),
        };
        let (&profile, tag) = rest.split_first_chunk::<12>().ok_or(wrong(4))?;
        let tag = JobTag(tag.try_into().map_err(|_| wrong(16))?);
        Ok(Self { stage, profile, tag })
    }
}

/// Bytes that are no stage record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no stage record: byte {offset} does not fit")]
pub struct StageRecordError {
    /// First byte that does not fit; the check is at 24.
    pub offset: usize,
}

/// What checks a record of a WEF-PS: the first eight bytes of SHA-256.
pub(super) fn first_eight(bytes: &[u8]) -> [u8; 8] {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    [a, b, c, d, e, f, g, h]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_back_and_a_changed_one_is_not() {
        let hash = ProfileHash::new([0xAB; 32]);
        let record = StageRecord::new(Stage::First, &hash, JobTag::of_lot("L2604A"));
        let bytes = record.encode();
        assert_eq!(hex::encode(&bytes[..16]), "50530102abababababababababababab");
        assert_eq!(StageRecord::parse(&bytes), Ok(record));
        assert!(record.is_of(&hash));
        for byte in 0..bytes.len() {
            let mut changed = bytes;
            changed[byte] ^= 0x01;
            assert!(StageRecord::parse(&changed).is_err(), "byte {byte}");
        }
        assert!(StageRecord::parse(&[0xFF; 32]).is_err(), "an erased record");
    }
}
