//! What a line and the journal tell each other about a chip.

use crate::error::FailureClass;
use fuda_card::id::Kdd;
use fuda_card::status::StatusWord;

/// The serials of an order, by position from 0; `None` beyond the last.
pub trait SerialSource: std::fmt::Debug + Send + Sync {
    /// The serial at a position.
    fn at(&self, position: u64) -> Option<Serial>;
}

/// A serial and the number printed on its package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serial {
    /// The card's serial.
    pub serial: String,
    /// The printed number; the serial itself when the order names none.
    pub printed: String,
}

/// Where and by whom a chip is handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Station {
    /// Name of the encoder.
    pub encoder: String,
    /// Who works the line.
    pub operator: String,
}

/// What the card said about itself before anything was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chip {
    /// No file system and the initial key set: nothing was ever issued.
    Blank,
    /// Something is on it: only a chip that the journal knows may go on.
    Begun,
}

/// The chip is this job's, its serial is bound and the intent is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The serial bound to the chip for ever.
    pub serial: String,
    /// Position of the serial in the order, from 0.
    pub position: u64,
    /// How often the chip was put in, this time included.
    pub attempt: u64,
}

/// Why a chip is not issued in this job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It is already good in this job.
    AlreadyIssued {
        /// Its serial.
        serial: String,
    },
    /// It is in this job's reject bin.
    InRejectBin,
    /// Another job holds it.
    HeldByJob {
        /// Which.
        job: String,
    },
    /// Something is on it that the journal does not know.
    Foreign,
}

/// A chip on its way to the reject bin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectReport {
    /// Its identity, when it told one.
    pub kdd: Option<Kdd>,
    /// Whose fault it was.
    pub class: FailureClass,
    /// Stable error code.
    pub code: &'static str,
    /// Step that failed.
    pub step: String,
    /// Status word, when the card gave one.
    pub sw: Option<StatusWord>,
}
