//! What can go wrong between this machine, its readers and the card in one of them.

use fuda_card::transport::TransportCode;
use fuda_cli::{Exit, Failure};
use std::io;
use std::time::Duration;
use thiserror::Error;

/// Why a reader or its card is of no use.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// Nobody serves smart cards on this machine.
    #[error("the PC/SC service does not run ({0})")]
    Service(pcsc::Error),
    /// A service, and no reader with such a name.
    #[error("no reader is named `{pattern}`")]
    NoReader {
        /// What was asked for.
        pattern: String,
    },
    /// The reader was unplugged.
    #[error("{reader}: the reader is gone")]
    ReaderGone {
        /// The reader.
        reader: String,
    },
    /// Another program holds the card.
    #[error("{reader}: another program uses the card")]
    ReaderBusy {
        /// The reader.
        reader: String,
    },
    /// The reader or its driver failed.
    #[error("{reader}: {error}")]
    ReaderFault {
        /// The reader.
        reader: String,
        /// What the PC/SC service says.
        error: pcsc::Error,
    },
    /// No card is in the reader.
    #[error("{reader}: no card is in the reader")]
    CardAbsent {
        /// The reader.
        reader: String,
    },
    /// The card was taken out in the middle of things.
    #[error("{reader}: the card was taken out")]
    CardGone {
        /// The reader.
        reader: String,
    },
    /// The card does not answer its reset: upside down, broken, or no smart card.
    #[error("{reader}: the card does not answer to reset")]
    CardMute {
        /// The reader.
        reader: String,
    },
    /// The card took a command and did not answer in time.
    #[error("{reader}: the card did not answer within {} s", deadline.as_secs())]
    CardSilent {
        /// The reader.
        reader: String,
        /// How long was waited.
        deadline: Duration,
    },
    /// The port of a vpcd encoder cannot be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Host and port.
        address: String,
        /// Why.
        error: io::ErrorKind,
    },
    /// A command that a vpcd message, with its two bytes of length, cannot carry.
    #[error("a command of {len} bytes does not fit a vpcd message (at most {})", u16::MAX)]
    CommandTooLong {
        /// Its length.
        len: usize,
    },
    /// The card announces pieces of an answer without end, or answers what is no APDU.
    #[error("{reader}: {what}")]
    CardAnswer {
        /// The reader.
        reader: String,
        /// What is wrong with it.
        what: String,
    },
}

impl Error {
    /// What a PC/SC error means for a reader.
    pub(crate) fn of(reader: &str, error: pcsc::Error) -> Self {
        let reader = reader.to_owned();
        match error {
            pcsc::Error::NoService
            | pcsc::Error::ServiceStopped
            | pcsc::Error::Shutdown
            | pcsc::Error::ServerTooBusy => Self::Service(error),
            pcsc::Error::UnknownReader | pcsc::Error::ReaderUnavailable => Self::ReaderGone { reader },
            pcsc::Error::SharingViolation => Self::ReaderBusy { reader },
            pcsc::Error::NoSmartcard => Self::CardAbsent { reader },
            pcsc::Error::RemovedCard | pcsc::Error::ResetCard => Self::CardGone { reader },
            pcsc::Error::UnresponsiveCard
            | pcsc::Error::UnpoweredCard
            | pcsc::Error::UnsupportedCard
            | pcsc::Error::InvalidAtr => Self::CardMute { reader },
            error => Self::ReaderFault { reader, error },
        }
    }

    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Service(_) => "READER_SERVICE",
            Self::NoReader { .. } => "READER_NONE",
            Self::ReaderGone { .. } => "READER_GONE",
            Self::ReaderBusy { .. } => "READER_BUSY",
            Self::ReaderFault { .. } => "READER_FAULT",
            Self::CardAbsent { .. } => "CARD_ABSENT",
            Self::CardGone { .. } => "CARD_GONE",
            Self::CardMute { .. } => "CARD_MUTE",
            Self::CardSilent { .. } => "CARD_SILENT",
            Self::CardAnswer { .. } => "CARD_ANSWER",
            Self::Listen { .. } => "ENCODER_LISTEN",
            Self::CommandTooLong { .. } => "COMMAND_TOO_LONG",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Service(_) => "install and start pcscd (Debian: apt-get install pcscd)",
            Self::NoReader { .. } => "see `fuda-terminal list`; plug the reader in",
            Self::ReaderGone { .. } => "plug the reader in again",
            Self::ReaderBusy { .. } => "end the other program, or name another reader",
            Self::ReaderFault { .. } => "take the card out, unplug the reader and try again",
            Self::CardAbsent { .. } => "put a card in",
            Self::CardGone { .. } => "put the card in again and leave it there",
            Self::CardMute { .. } => "put the card in the right way round, chip first",
            Self::CardSilent { .. } => "take the card out and try again",
            Self::CardAnswer { .. } => "try another card",
            Self::Listen { .. } => "see who uses the port, or name another one",
            Self::CommandTooLong { .. } => "this is a defect; please report it",
        }
    }
}

impl TransportCode for Error {
    fn code(&self) -> &'static str {
        Self::code(self)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(error.code(), Exit::Reader, error.to_string()).remedy(error.remedy())
    }
}
