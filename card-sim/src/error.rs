//! What can go wrong around a card; what goes wrong inside one is a status word.

use fuda_cli::{Exit, Failure};
use std::path::PathBuf;
use thiserror::Error;

/// Why the simulator could not do what it was asked.
#[derive(Debug, Error)]
pub enum Error {
    /// A card file, or the folder of a stack, cannot be read or written.
    #[error("{}: {source}", path.display())]
    CardFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No slot of a card file is whole.
    #[error("{} is not a card file of this version, or is damaged", path.display())]
    CardDamaged {
        /// The file.
        path: PathBuf,
    },
    /// Another process holds the card.
    #[error("{} is in another reader", path.display())]
    CardBusy {
        /// The file.
        path: PathBuf,
    },
    /// A value on the command line has the wrong form.
    #[error("`{text}` is not {expected}")]
    Argument {
        /// What was given.
        text: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// An encoder's address cannot be resolved.
    #[error("{address}: {source}")]
    Address {
        /// HOST:PORT as given.
        address: String,
        /// What the resolver said.
        source: std::io::Error,
    },
    /// The operating system gives no random numbers or signals.
    #[error("the operating system refuses {what}")]
    System {
        /// What it refused.
        what: &'static str,
    },
}

impl Error {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::CardFile { .. } => "CARD_FILE_UNREADABLE",
            Self::CardDamaged { .. } => "CARD_FILE_DAMAGED",
            Self::CardBusy { .. } => "CARD_FILE_BUSY",
            Self::Argument { .. } => "USAGE",
            Self::Address { .. } => "ENCODER_ADDRESS_UNKNOWN",
            Self::System { .. } => "SYSTEM_REFUSED",
        }
    }

    const fn exit(&self) -> Exit {
        match self {
            Self::CardFile { .. } | Self::CardDamaged { .. } | Self::CardBusy { .. } => Exit::Reader,
            Self::Argument { .. } => Exit::Usage,
            Self::Address { .. } => Exit::Network,
            Self::System { .. } => Exit::Stopped,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let failure = Self::new(error.code(), error.exit(), error.to_string());
        match error {
            Error::CardBusy { .. } => failure.remedy("end the other `fuda-card-sim serve`, or wait for it"),
            Error::CardDamaged { .. } => failure.remedy("take the file off the stack; make a new chip with `blank`"),
            _ => failure,
        }
    }
}
