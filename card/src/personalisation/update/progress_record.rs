//! The progress record in the WEF-PS of a DF: how far a 2nd issuance or an update has come, and which slots count.
//!
//! ```text
//! 50 53 ‖ 01 ‖ state(1) ‖ sequence(3) ‖ live(1) ‖ job(8) ‖ digest(8) ‖ check(8)        check = SHA-256[0..8] of the 24 bytes before
//! ```
//!
//! Two records are written in turn, each 32 bytes that a card writes whole or not at all: after a cut the newest whole one
//! tells the truth. Bit k of `live` is the slot of the DF's k-th two-slot WEF that readers use while this record is the newest.

use crate::personalisation::stage_record::first_eight;
use crate::profile::WEF_PS_RECORDS;
use thiserror::Error;

/// Bytes of a progress record.
pub const PROGRESS_RECORD_BYTES: usize = 32;
/// `PS` and the version of the layout.
const HEAD: [u8; 3] = [0x50, 0x53, 0x01];
/// Bytes before the check.
const CHECKED_BYTES: usize = 24;
/// Largest number of three bytes.
const SEQUENCE_MAX: u32 = 0xFF_FFFF;

/// How far a job has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Progress {
    /// The slots that nobody reads are being written.
    Open,
    /// They are written and read back, and readers use them from now on: the commit of an update.
    Written,
    /// The new key set has proved itself.
    Keyed,
    /// The old key set is gone, the old slots are erased.
    Done,
}

impl Progress {
    const ALL: [Self; 4] = [Self::Open, Self::Written, Self::Keyed, Self::Done];

    const fn byte(self) -> u8 {
        match self {
            Self::Open => 0x01,
            Self::Written => 0x02,
            Self::Keyed => 0x03,
            Self::Done => 0x04,
        }
    }
}

/// Place of a record in the order of their writing, 1 for the first; three bytes on the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(u32);

impl Sequence {
    /// Of the first record of a DF.
    pub const FIRST: Self = Self(1);

    /// The next one; `None` after 16,777,215 records, of which a card bears no hundredth.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        if self.0 < SEQUENCE_MAX { Some(Self(self.0 + 1)) } else { None }
    }

    /// Number of the record that it is written into: 1 and 2 in turn.
    #[must_use]
    pub fn record(self) -> u8 {
        if self.0.is_multiple_of(u32::from(WEF_PS_RECORDS)) { 2 } else { 1 }
    }
}

/// The slots that readers use: bit k is the slot (0 or 1) of the DF's k-th two-slot WEF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LiveSlots(u8);

impl LiveSlots {
    /// As 1st issuance leaves a DF: slot 0 of each WEF.
    pub const FIRST: Self = Self(0);

    /// From its byte.
    #[must_use]
    pub const fn new(bits: u8) -> Self {
        Self(bits)
    }

    /// Its byte.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The slot of the two-slot WEF numbered `place`, from 0.
    #[must_use]
    pub const fn slot(self, place: u8) -> u8 {
        if place < 8 { (self.0 >> place) & 1 } else { 0 }
    }

    /// The same with the WEF numbered `place` in its other slot.
    #[must_use]
    pub const fn turned(self, place: u8) -> Self {
        if place < 8 { Self(self.0 ^ (1 << place)) } else { self }
    }
}

/// Name of a job of the service centre, as the card keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobId([u8; 8]);

impl JobId {
    /// From its bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }
}

/// What the centre remembers a job's content by: a digest over a salt of its own and the content, so that a card tells nobody what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentDigest([u8; 8]);

impl ContentDigest {
    /// From its bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }
}

/// A whole record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProgressRecord {
    /// How far the job has come.
    pub progress: Progress,
    /// When it was written, among the DF's records.
    pub sequence: Sequence,
    /// The slots that readers use.
    pub live: LiveSlots,
    /// The job.
    pub job: JobId,
    /// Its content.
    pub digest: ContentDigest,
}

impl ProgressRecord {
    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; PROGRESS_RECORD_BYTES] {
        let [_, sequence @ ..] = self.sequence.0.to_be_bytes();
        let checked =
            [&HEAD[..], &[self.progress.byte()], &sequence, &[self.live.0], &self.job.0, &self.digest.0].concat();
        let check = first_eight(&checked);
        let mut record = [0; PROGRESS_RECORD_BYTES];
        for (to, from) in record.iter_mut().zip(checked.iter().chain(&check)) {
            *to = *from;
        }
        record
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`ProgressRecordError`] with the offset of the first byte that does not fit. An erased record (FF) is such an error.
    pub fn parse(bytes: &[u8]) -> Result<Self, ProgressRecordError> {
        let wrong = |offset| ProgressRecordError { offset };
        if bytes.len() != PROGRESS_RECORD_BYTES {
            return Err(wrong(bytes.len()));
        }
        let (checked, check) = bytes.split_at_checked(CHECKED_BYTES).ok_or(wrong(0))?;
        if check != first_eight(checked) {
            return Err(wrong(CHECKED_BYTES));
        }
        let rest = checked.strip_prefix(&HEAD).ok_or(wrong(0))?;
        let (&[state], rest) = rest.split_first_chunk::<1>().ok_or(wrong(3))?;
        let progress = Progress::ALL.into_iter().find(|progress| progress.byte() == state).ok_or(wrong(3))?;
        let (&[high, middle, low], rest) = rest.split_first_chunk::<3>().ok_or(wrong(4))?;
        let sequence = Sequence(u32::from_be_bytes([0, high, middle, low]));
        let (&[live], rest) = rest.split_first_chunk::<1>().ok_or(wrong(7))?;
        let (&job, digest) = rest.split_first_chunk::<8>().ok_or(wrong(8))?;
        let digest = digest.try_into().map_err(|_| wrong(16))?;
        Ok(Self { progress, sequence, live: LiveSlots(live), job: JobId(job), digest: ContentDigest(digest) })
    }

    /// The newest whole record among those of a WEF-PS; `None` when nothing was begun in the DF.
    #[must_use]
    pub fn newest<'r>(records: impl IntoIterator<Item = &'r [u8]>) -> Option<Self> {
        records.into_iter().filter_map(|record| Self::parse(record).ok()).max_by_key(|record| record.sequence)
    }
}

/// Bytes that are no progress record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no progress record: byte {offset} does not fit")]
pub struct ProgressRecordError {
    /// First byte that does not fit; the check is at 24.
    pub offset: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(progress: Progress, sequence: Sequence) -> ProgressRecord {
        let (job, digest) = (JobId::new([0xA0; 8]), ContentDigest::new([0xD1; 8]));
        ProgressRecord { progress, sequence, live: LiveSlots::FIRST.turned(1), job, digest }
    }

    #[test]
    fn a_record_is_read_back_and_a_changed_one_is_not() {
        let written = record(Progress::Written, Sequence(0x01_0203));
        let bytes = written.encode();
        assert_eq!(hex::encode(&bytes[..24]), "505301020102 0302 a0a0a0a0a0a0a0a0 d1d1d1d1d1d1d1d1".replace(' ', ""));
        assert_eq!(ProgressRecord::parse(&bytes), Ok(written));
        for byte in 0..bytes.len() {
            let mut changed = bytes;
            changed[byte] ^= 0x01;
            assert!(ProgressRecord::parse(&changed).is_err(), "byte {byte}");
        }
        assert!(ProgressRecord::parse(&[0xFF; 32]).is_err(), "an erased record");
    }

    #[test]
    fn the_newest_whole_record_counts() {
        let [older, newer] = [Sequence(9), Sequence(10)].map(|sequence| record(Progress::Open, sequence).encode());
        let newest = |records: [&[u8]; 2]| ProgressRecord::newest(records).map(|record| record.sequence);
        assert_eq!(newest([&older, &newer]), Some(Sequence(10)));
        assert_eq!(newest([&newer, &older]), Some(Sequence(10)));
        assert_eq!(newest([&older, &newer[..31]]), Some(Sequence(9)));
        assert_eq!(newest([&[0xFF; 32], &[0xFF; 32]]), None);
    }

    #[test]
    fn records_are_written_in_turn_until_the_numbers_end() {
        assert_eq!([1, 2, 3, 4].map(|number| Sequence(number).record()), [1, 2, 1, 2]);
        assert_eq!(Sequence(SEQUENCE_MAX).next(), None);
    }
}
