//! What is wrong about a job or a card that an operator names.

use super::life_cycle::JobState;
use fuda_cli::Exit;
use thiserror::Error;

/// Why nothing is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum JobError {
    /// No job has this name.
    #[error("there is no such job")]
    NotFound,
    /// No card in stock has this chip or serial.
    #[error("no card in stock has this chip or serial")]
    NoCard,
    /// The job is resolved.
    #[error("the job is {state}")]
    Resolved {
        /// Its state.
        state: JobState,
    },
    /// What needs two of the staff was to be done by one.
    #[error("operator and checker are the same person")]
    SamePerson,
}

impl JobError {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotFound => "JOB_NOT_FOUND",
            Self::NoCard => "CARD_NOT_IN_STOCK",
            Self::Resolved { .. } => "JOB_RESOLVED",
            Self::SamePerson => "JOB_SAME_PERSON",
        }
    }

    pub(crate) const fn exit(self) -> Exit {
        match self {
            Self::NotFound | Self::NoCard => Exit::Input,
            Self::Resolved { .. } | Self::SamePerson => Exit::Refused,
        }
    }

    pub(crate) const fn remedy(self) -> &'static str {
        match self {
            Self::NotFound => "`fuda-issuer job list` shows the jobs",
            Self::NoCard => "`fuda-issuer stock list` shows the cards",
            Self::Resolved { .. } => "",
            Self::SamePerson => "give --checker somebody else",
        }
    }
}
