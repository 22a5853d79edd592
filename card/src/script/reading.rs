//! What a card said of itself under R-MAC, for whoever decides how to go on.

use crate::fcp::Fcp;
use crate::id::{Fid, Kvn};
use std::fmt;

/// Something that a step of a plan read, whether it was what the step expected or not.
#[derive(Clone, PartialEq, Eq)]
pub enum Reading {
    /// Control parameters of a file.
    File(Fcp),
    /// Key sets of the current DF, in rising order.
    KeySets(Vec<Kvn>),
    /// A record.
    Record {
        /// The file.
        fid: Fid,
        /// Number of the record, from 1.
        record: u8,
        /// Its content.
        data: Vec<u8>,
    },
    /// A part of a transparent file.
    Binary {
        /// The file.
        fid: Fid,
        /// The first byte.
        offset: u16,
        /// The bytes.
        data: Vec<u8>,
    },
}

/// Never the data, which may be personal.
impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(fcp) => write!(f, "File({:?}, {:?})", fcp.fid, fcp.life_cycle),
            Self::KeySets(kvns) => write!(f, "KeySets({kvns:?})"),
            Self::Record { fid, record, data } => write!(f, "Record({fid}, {record}, {} bytes)", data.len()),
            Self::Binary { fid, offset, data } => write!(f, "Binary({fid}, from {offset}, {} bytes)", data.len()),
        }
    }
}
