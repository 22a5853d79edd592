//! READ RECORD (B2) and UPDATE RECORD (DC), absolute: ISO/IEC 7816-4:2020 §11.4.

use super::binary::EfTarget;
use super::{Exchange, done};
use crate::apdu::{Command, NE_SHORT_MAX, Response};
use crate::error::Error;
use crate::scp03::CardProof;

const INS_READ: u8 = 0xB2;
const INS_UPDATE: u8 = 0xDC;

/// Number of a record, 1 to 254.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordNumber(u8);

impl RecordNumber {
    /// From its number.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless it is 1 to 254: 0 is the current record, 255 is reserved.
    pub const fn new(number: u8) -> Result<Self, Error> {
        if matches!(number, 1..=254) {
            Ok(Self(number))
        } else {
            Err(Error::Parameter { what: "a record number", value: number as usize, allowed: "1 to 254" })
        }
    }

    /// Its number.
    #[must_use]
    pub const fn to_u8(self) -> u8 {
        self.0
    }
}

/// P2: the short identifier in b8 to b4, 0 for the current EF; 4 = "the record numbered in P1".
const fn p2(target: EfTarget) -> u8 {
    match target {
        EfTarget::Current => 0x04,
        EfTarget::Sfi(sfi) => sfi.to_u8() << 3 | 0x04,
    }
}

/// READ RECORD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadRecord {
    target: EfTarget,
    record: RecordNumber,
}

impl ReadRecord {
    /// One whole record.
    #[must_use]
    pub const fn new(target: EfTarget, record: RecordNumber) -> Self {
        Self { target, record }
    }
}

impl Exchange for ReadRecord {
    /// The record.
    type Answer = Vec<u8>;

    fn command(&self) -> Command {
        Command::new(0x00, INS_READ, self.record.to_u8(), p2(self.target)).with_ne(NE_SHORT_MAX)
    }

    fn answer(&self, response: &Response) -> Result<Vec<u8>, Error> {
        super::data_of(INS_READ, response).map(<[u8]>::to_vec)
    }
}

/// UPDATE RECORD.
#[derive(Clone, PartialEq, Eq)]
pub struct UpdateRecord {
    target: EfTarget,
    record: RecordNumber,
    data: Vec<u8>,
}

impl UpdateRecord {
    /// Replaces one record; `data` is as long as the record is.
    #[must_use]
    pub fn new(_: &CardProof, target: EfTarget, record: RecordNumber, data: &[u8]) -> Self {
        Self { target, record, data: data.to_vec() }
    }
}

/// Never the data, which may be personal.
impl std::fmt::Debug for UpdateRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "UpdateRecord({:?}, {:?}, {} bytes)", self.target, self.record, self.data.len())
    }
}

impl Exchange for UpdateRecord {
    type Answer = ();

    fn command(&self) -> Command {
        Command::new(0x00, INS_UPDATE, self.record.to_u8(), p2(self.target)).with_data(self.data.clone())
    }

    fn answer(&self, response: &Response) -> Result<(), Error> {
        done(INS_UPDATE, response)
    }
}
