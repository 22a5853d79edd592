//! What can go wrong while a card is issued, by who is at fault.

use crate::journal::{Accounts, Refusal};
use crate::life_cycle::{CardEvent, CardState, UnknownState};
use fuda_card::id::Kdd;
use fuda_card::status::StatusWord;
use thiserror::Error;

/// Whose fault a failure is; decides whether the chip, the reader or the whole line is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureClass {
    /// The encoder lost the card or got no answer: the chip may be fine.
    Reader,
    /// The chip answered something it must not.
    Card,
    /// A key on the chip is not the expected one.
    Key,
    /// What was read back is not what was written.
    Data,
    /// The HSM.
    Hsm,
    /// The database.
    Store,
}

impl FailureClass {
    /// The word in the store and in `rejects.csv`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Card => "card",
            Self::Key => "key",
            Self::Data => "data",
            Self::Hsm => "hsm",
            Self::Store => "store",
        }
    }
}

/// A failure of issuance.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The encoder could not bring a command to the card or the answer back.
    #[error("{step}: {what}")]
    Transport {
        /// Step of the script.
        step: String,
        /// What the encoder said.
        what: String,
        /// The encoder's own error code.
        code: &'static str,
    },
    /// The card broke the protocol, refused a command or holds another key.
    #[error("{step}: {error}")]
    Card {
        /// Step of the script.
        step: String,
        /// What it did.
        error: fuda_card::Error,
    },
    /// The chip is not this job's to issue.
    #[error("{}", .refusal.what())]
    Refused {
        /// Why.
        refusal: Refusal,
    },
    /// The card answered another chip's identity than before in the same script.
    #[error("the card changed from {before} to {after} in the middle of a script")]
    CardSwapped {
        /// The chip the script began with.
        before: Kdd,
        /// The chip that answers now.
        after: Kdd,
    },
    /// The chip is no good card of the job.
    #[error("chip {kdd} is no good card of job {job}")]
    NotIssued {
        /// The chip.
        kdd: Kdd,
        /// The job.
        job: String,
    },
    /// The plan has no step, so no chip proved itself: a profile without content.
    #[error("the profile asks for nothing to be done to a card")]
    EmptyPlan,
    /// The HSM refused or failed.
    #[error(transparent)]
    Hsm(#[from] fuda_kms::Error),
    /// The HSM answered something that was not asked.
    #[error("the HSM worker's answer does not fit the request: {what}")]
    HsmAnswer {
        /// The difference.
        what: &'static str,
    },
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] fuda_store::Error),
    /// The store holds what this program did not write.
    #[error("the store holds what this program cannot read: {what}")]
    StoreContent {
        /// What.
        what: String,
    },
    /// The life cycle forbids the event.
    #[error("a card that is {from} cannot `{event}`")]
    Transition {
        /// State before.
        from: CardState,
        /// The event.
        event: CardEvent,
    },
    /// Every serial of the order is bound.
    #[error("all {serials} serials of order {job} are used up")]
    SerialsExhausted {
        /// The order.
        job: String,
        /// Serials bound.
        serials: u64,
    },
    /// Another chip has this serial.
    #[error("serial {serial} already belongs to another chip")]
    SerialTaken {
        /// The serial.
        serial: String,
    },
    /// The order or profile is not the one the job was made from.
    #[error("job {job} was made from another {part}")]
    OrderChanged {
        /// The order number.
        job: String,
        /// Which file.
        part: &'static str,
    },
    /// No such job.
    #[error("there is no job {job}")]
    JobNotFound {
        /// The number asked for.
        job: String,
    },
    /// No card is good yet.
    #[error("job {job} has no good card to look at")]
    NothingToApprove {
        /// The job.
        job: String,
    },
    /// The checker made the cards.
    #[error("{person} worked the line: somebody else must look at the first articles")]
    SamePerson {
        /// Who.
        person: String,
    },
    /// The profile asks for a key that the job does not name.
    #[error("the order pins no version of key {key}")]
    KeyNotPinned {
        /// Key name.
        key: String,
    },
    /// The journal was changed by other hands.
    #[error("the journal of job {job} does not follow from itself at {}", place(*.seq))]
    ChainBroken {
        /// The job.
        job: String,
        /// First entry that does not fit; 0 when the recorded end differs.
        seq: i64,
    },
    /// The accounts do not balance.
    #[error("the accounts do not balance: {accounts:?}")]
    Accounts {
        /// The counts.
        accounts: Accounts,
    },
}

/// Where a chain breaks, in words.
fn place(seq: i64) -> String {
    if seq == 0 { "its end".to_owned() } else { format!("entry {seq}") }
}

impl Error {
    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> FailureClass {
        use fuda_card::Error as Card;
        match self {
            Self::Transport { .. } | Self::CardSwapped { .. } => FailureClass::Reader,
            Self::Card { error: Card::CardCryptogram { .. } | Card::KcvMismatch { .. }, .. } => FailureClass::Key,
            Self::Card { error: Card::ReadBack { .. }, .. } => FailureClass::Data,
            Self::Card { .. } | Self::Refused { .. } | Self::NotIssued { .. } => FailureClass::Card,
            Self::Hsm(_) | Self::HsmAnswer { .. } => FailureClass::Hsm,
            _ => FailureClass::Store,
        }
    }

    /// The stable error code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Transport { code, .. } => code,
            Self::Card { error, .. } => error.code(),
            Self::Refused { refusal } => refusal.code(),
            Self::CardSwapped { .. } => "CARD_SWAPPED",
            Self::NotIssued { .. } => "CARD_NOT_ISSUED",
            Self::EmptyPlan => "PROFILE_EMPTY",
            Self::Hsm(error) => error.code(),
            Self::HsmAnswer { .. } => "HSM_ANSWER",
            Self::Store(error) => error.code(),
            Self::StoreContent { .. } => "STORE_CONTENT",
            Self::Transition { .. } => "CARD_TRANSITION",
            Self::SerialsExhausted { .. } => "SERIAL_RANGE_EXHAUSTED",
            Self::SerialTaken { .. } => "SERIAL_TAKEN",
            Self::OrderChanged { .. } => "ORDER_CHANGED",
            Self::JobNotFound { .. } => "JOB_NOT_FOUND",
            Self::NothingToApprove { .. } => "JOB_NOTHING_TO_APPROVE",
            Self::SamePerson { .. } => "JOB_SAME_PERSON",
            Self::KeyNotPinned { .. } => "KEY_NOT_PINNED",
            Self::ChainBroken { .. } => "JOURNAL_CHAIN_BROKEN",
            Self::Accounts { .. } => "ACCOUNTS_UNBALANCED",
        }
    }

    /// Whether the chip is in the accounts of the job already, so that its refusal changes none of them.
    #[must_use]
    pub const fn is_counted_already(&self) -> bool {
        matches!(self, Self::Refused { refusal: Refusal::AlreadyIssued { .. } | Refusal::InRejectBin })
    }

    /// The step of the script that failed; empty when it was no step.
    #[must_use]
    pub fn step(&self) -> &str {
        match self {
            Self::Transport { step, .. } | Self::Card { step, .. } => step,
            Self::Refused { .. } => "begin",
            _ => "",
        }
    }

    /// The status word that the card gave instead of success.
    #[must_use]
    pub const fn status_word(&self) -> Option<StatusWord> {
        match self {
            Self::Card { error: fuda_card::Error::CardStatus { sw, .. }, .. } => Some(*sw),
            _ => None,
        }
    }
}

impl Refusal {
    const fn code(&self) -> &'static str {
        match self {
            Self::AlreadyIssued { .. } => "CARD_ALREADY_ISSUED",
            Self::InRejectBin => "CARD_REJECTED_BEFORE",
            Self::HeldByJob { .. } => "CARD_OF_OTHER_JOB",
            Self::Foreign => "CARD_FOREIGN",
        }
    }

    fn what(&self) -> String {
        match self {
            Self::AlreadyIssued { serial } => format!("the card is good already, as serial {serial}"),
            Self::InRejectBin => "the chip was rejected in this job".to_owned(),
            Self::HeldByJob { job } => format!("the chip belongs to job {job}"),
            Self::Foreign => "something is on the chip that no journal here knows".to_owned(),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<UnknownState> for Error {
    fn from(error: UnknownState) -> Self {
        Self::StoreContent { what: error.to_string() }
    }
}
