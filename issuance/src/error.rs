//! What can go wrong while a card is issued, by who is at fault.

use crate::UnknownState;
use crate::journal::{Accounts, CartonError, Control, Count, Refusal};
use crate::life_cycle::{CardEvent, CardState};
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
    /// The card shows something else than when it was looked at first.
    #[error("the card in the encoder is not the one that was looked at first")]
    CardChanged,
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
    /// The file in which a machine remembers the store's age.
    #[error("{path}: {what}")]
    Mark {
        /// Where it is.
        path: String,
        /// What is wrong.
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
    /// Another order has this serial on a chip or at a printer.
    #[error("serial {serial} belongs to order {job}")]
    SerialPrinted {
        /// The serial.
        serial: String,
        /// That order.
        job: String,
    },
    /// A delivery of another company was received before.
    #[error("the delivery was received at {at}, as job {job}")]
    ReceivedBefore {
        /// The job that it became.
        job: String,
        /// When.
        at: String,
    },
    /// A chip that comes as a new one is known.
    #[error("chip {kdd} is known already, from job {job}: nothing of the delivery was taken")]
    ChipKnown {
        /// The chip.
        kdd: String,
        /// The job that holds it.
        job: String,
    },
    /// Another process made this copy of the print file.
    #[error("copy {copy} of the print file of order {job} was made by another process just now")]
    PrintedMeanwhile {
        /// The order.
        job: String,
        /// Number of the copy.
        copy: u32,
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
    #[error("{person} worked the line: this takes a second person")]
    SamePerson {
        /// Who.
        person: String,
    },
    /// A person holds the job.
    #[error("job {job} is {}{}", .control.as_str(), because(.reason))]
    JobHeld {
        /// The job.
        job: String,
        /// How.
        control: Control,
        /// Why, in that person's words; empty when none were asked for.
        reason: String,
    },
    /// There is nothing to continue.
    #[error("job {job} is not paused")]
    JobNotPaused {
        /// The job.
        job: String,
    },
    /// Cards are still to come.
    #[error("{unfilled} cards of job {job} are still to come")]
    JobUnfilled {
        /// The job.
        job: String,
        /// How many.
        unfilled: u64,
    },
    /// Lines work on the job.
    #[error("a line works on job {job}")]
    LinesAtWork {
        /// The job.
        job: String,
    },
    /// As many lines work on the job as may.
    #[error("{lines} lines work on job {job} already")]
    LinesTooMany {
        /// The job.
        job: String,
        /// How many.
        lines: u32,
    },
    /// Another line took this one for dead.
    #[error("line {line} was silent for so long that another line took its serials over")]
    LeaseLost {
        /// The line.
        line: String,
    },
    /// The order needs no card more.
    #[error("every card of order {job} is good, or in the hands of other lines")]
    OrderFull {
        /// The order.
        job: String,
    },
    /// Not every chip is accounted for.
    #[error("{}", balance(.count, *.named))]
    CloseBalance {
        /// The job.
        job: String,
        /// What was counted.
        count: Count,
        /// Chips that told an identity.
        named: u64,
    },
    /// The bin holds another number of chips.
    #[error("{told} chips are to be destroyed, and the reject bin of job {job} holds {found} of its own")]
    RejectCount {
        /// The job.
        job: String,
        /// Chips in the bin.
        found: u64,
        /// Chips that the person counted.
        told: u64,
    },
    /// No such card.
    #[error("job {job} has no good card {name}")]
    CardNotFound {
        /// The job.
        job: String,
        /// Serial or identity asked for.
        name: String,
    },
    /// The card is in a delivery.
    #[error("card {serial} is in a delivery already")]
    SampleDelivered {
        /// Its serial.
        serial: String,
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
    /// A carton cannot be used as it was asked for.
    #[error("{error}")]
    Carton {
        /// Why.
        error: CartonError,
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

/// A reason behind a statement, when there is one.
fn because(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}

/// The close's equation, as it does not hold.
fn balance(Count { drawn, returned, mute }: &Count, named: u64) -> String {
    let told = named + mute + returned;
    format!(
        "{drawn} chips were drawn; {named} told an identity, {mute} are mute and {returned} were returned: {}",
        if told < *drawn { format!("{} are missing", drawn - told) } else { format!("{} are too many", told - drawn) }
    )
}

impl Error {
    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> FailureClass {
        use fuda_card::Error as Card;
        match self {
            Self::Transport { .. } | Self::CardSwapped { .. } | Self::CardChanged => FailureClass::Reader,
            Self::Card { error: Card::CardCryptogram { .. } | Card::KcvMismatch { .. }, .. } => FailureClass::Key,
            Self::Card { error: Card::ReadBack { .. }, .. } => FailureClass::Data,
            Self::Card { .. } | Self::Refused { .. } | Self::NotIssued { .. } => FailureClass::Card,
            Self::Hsm(_) | Self::HsmAnswer { .. } => FailureClass::Hsm,
            _ => FailureClass::Store,
        }
    }

    /// Whether the chip is in the accounts of the job already, so that its refusal changes none of them.
    #[must_use]
    pub const fn is_counted_already(&self) -> bool {
        use Refusal::{AlreadyIssued, InRejectBin, NotAsked, ReworkedTooOften, Sampled};
        let Self::Refused { refusal } = self else { return false };
        matches!(refusal, AlreadyIssued { .. } | InRejectBin | ReworkedTooOften { .. } | Sampled | NotAsked { .. })
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
