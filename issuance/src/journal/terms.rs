//! What a line and the journal tell each other about a chip.

use crate::error::FailureClass;
use fuda_card::id::{Kdd, Kvn};
use fuda_card::personalisation::System;
use fuda_card::recognise::Kind;
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
    /// Name of the line, as its lease says.
    pub line: String,
}

/// What the card said about itself before anything was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chip {
    /// As the chips of this job come: nothing of it was done yet.
    Blank,
    /// Something is on it: only a chip that the journal knows may go on.
    Begun,
}

/// Whether a chip from the reject bin may be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rework {
    /// It stays there.
    Forbidden,
    /// It may, a few times.
    Allowed,
}

/// What may have reached a chip under its serial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// No command that changes it was sent in this contact, and there was none before.
    Nothing,
    /// One may have been.
    Something,
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
    /// It came back from the reject bin as often as chips may.
    ReworkedTooOften {
        /// How often.
        times: u64,
    },
    /// It was drawn as a sample.
    Sampled,
    /// The line works on one chip only, and it is another.
    NotAsked {
        /// The chip that is asked for.
        wanted: Kdd,
    },
    /// Another job holds it.
    HeldByJob {
        /// Which.
        job: String,
    },
    /// Something is on it that the journal does not know.
    Foreign,
    /// It is of another kind than the order's cards: files where keys alone are wanted, or the other way round.
    OtherKind {
        /// What the order is for.
        wanted: System,
        /// What the card is.
        found: Kind,
    },
    /// The order's file of recovery sets has none for it.
    NoRecoverySet,
    /// It has no key set that the job could open it with.
    NoKeySet {
        /// The set that the next step needs.
        asked: Kvn,
        /// The sets that it lists.
        found: Vec<Kvn>,
    },
}

impl Refusal {
    /// The stable error code.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::AlreadyIssued { .. } => "CARD_ALREADY_ISSUED",
            Self::InRejectBin => "CARD_REJECTED_BEFORE",
            Self::ReworkedTooOften { .. } => "CARD_REWORK_LIMIT",
            Self::Sampled => "CARD_SAMPLE",
            Self::NotAsked { .. } => "CARD_NOT_ASKED",
            Self::HeldByJob { .. } => "CARD_OF_OTHER_JOB",
            Self::Foreign => "CARD_FOREIGN",
            Self::OtherKind { .. } => "CARD_OTHER_KIND",
            Self::NoKeySet { .. } => "CARD_KEY_SET_MISSING",
            Self::NoRecoverySet => "CARD_RECOVERY_SET_MISSING",
        }
    }

    /// The refusal in words.
    pub(crate) fn what(&self) -> String {
        match self {
            Self::AlreadyIssued { serial } => format!("the card is good already, as serial {serial}"),
            Self::InRejectBin => "the chip was rejected in this job".to_owned(),
            Self::ReworkedTooOften { times } => format!("the chip came back from the reject bin {times} times already"),
            Self::Sampled => "the card was drawn as a sample".to_owned(),
            Self::NotAsked { wanted } => format!("this run is for chip {wanted} only"),
            Self::HeldByJob { job } => format!("the chip belongs to job {job}"),
            Self::Foreign => "something is on the chip that no journal here knows".to_owned(),
            Self::OtherKind { wanted, found } => format!("the order is for {wanted}; this one is {}", found.meaning()),
            Self::NoRecoverySet => "the order's file of recovery sets has none for the chip".to_owned(),
            Self::NoKeySet { asked, found } => {
                let found: Vec<String> = found.iter().map(ToString::to_string).collect();
                let found = if found.is_empty() { "none".to_owned() } else { found.join(", ") };
                format!("the chip has no key set {asked}; it lists {found}")
            }
        }
    }
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
    /// What may have reached it.
    pub sent: Sent,
}
