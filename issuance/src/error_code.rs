//! The stable code of each failure of issuance, in one place; `docs/ERRORS.md` says what each means.

use crate::error::Error;
use crate::journal::Control;

impl Error {
    /// The stable error code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Transport { code, .. } => code,
            Self::Card { error, .. } => error.code(),
            Self::Refused { refusal } => refusal.code(),
            Self::CardSwapped { .. } | Self::CardChanged => "CARD_SWAPPED",
            Self::NotIssued { .. } => "CARD_NOT_ISSUED",
            Self::EmptyPlan => "PROFILE_EMPTY",
            Self::Hsm(error) => error.code(),
            Self::HsmAnswer { .. } => "HSM_ANSWER",
            Self::Store(error) => error.code(),
            Self::StoreContent { .. } => "STORE_CONTENT",
            Self::Mark { .. } => "STORE_MARK",
            Self::Transition { .. } => "CARD_TRANSITION",
            Self::SerialsExhausted { .. } => "SERIAL_RANGE_EXHAUSTED",
            Self::SerialTaken { .. } => "SERIAL_TAKEN",
            Self::SerialPrinted { .. } => "SERIAL_PRINTED",
            Self::ReceivedBefore { .. } => "RECEIVED_BEFORE",
            Self::ChipKnown { .. } => "CHIP_KNOWN",
            Self::PrintedMeanwhile { .. } => "PRINT_FILE_MADE",
            Self::OrderChanged { .. } => "ORDER_CHANGED",
            Self::JobNotFound { .. } => "JOB_NOT_FOUND",
            Self::NothingToApprove { .. } => "JOB_NOTHING_TO_APPROVE",
            Self::SamePerson { .. } => "JOB_SAME_PERSON",
            Self::JobHeld { control: Control::Closed, .. } => "JOB_CLOSED",
            Self::JobHeld { control: Control::Cancelled, .. } => "JOB_CANCELLED",
            Self::JobHeld { .. } => "JOB_PAUSED",
            Self::JobNotPaused { .. } => "JOB_NOT_PAUSED",
            Self::JobUnfilled { .. } => "JOB_UNFILLED",
            Self::LinesAtWork { .. } => "JOB_RUNNING",
            Self::LinesTooMany { .. } => "JOB_LINES",
            Self::LeaseLost { .. } => "LINE_LEASE_LOST",
            Self::OrderFull { .. } => "ORDER_FULL",
            Self::CloseBalance { .. } => "CLOSE_BALANCE",
            Self::RejectCount { .. } => "REJECT_COUNT",
            Self::CardNotFound { .. } => "CARD_NOT_FOUND",
            Self::SampleDelivered { .. } => "SAMPLE_DELIVERED",
            Self::KeyNotPinned { .. } => "KEY_NOT_PINNED",
            Self::ChainBroken { .. } => "JOURNAL_CHAIN_BROKEN",
            Self::Carton { error } => error.code(),
            Self::Accounts { .. } => "ACCOUNTS_UNBALANCED",
        }
    }
}
