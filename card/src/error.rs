//! Everything that can go wrong between a host and a card, by who is at fault.

use crate::apdu::ApduError;
use crate::crypto::padding::PaddingError;
use crate::crypto::{Kcv, KeyLengthError};
use crate::fcp::FcpError;
use crate::id::Kvn;
use crate::scp03::Mode;
use crate::status::StatusWord;
use crate::tlv::TlvError;
use thiserror::Error;

/// Why a step of the card protocol did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// The card refused the command.
    #[error("the card answered {sw}{} to INS {ins:02X}", meaning(.sw))]
    CardStatus {
        /// INS of the command.
        ins: u8,
        /// What the card answered.
        sw: StatusWord,
    },
    /// The card's protocol: not an APDU.
    #[error(transparent)]
    Apdu(#[from] ApduError),
    /// The card's protocol: not a data object.
    #[error(transparent)]
    Tlv(#[from] TlvError),
    /// The card's protocol: not file control parameters.
    #[error(transparent)]
    Fcp(#[from] FcpError),
    /// The card's protocol: an answer without the structure that its command defines.
    #[error("the answer to INS {ins:02X} is malformed at byte {offset}: {expected} expected")]
    Answer {
        /// INS of the command.
        ins: u8,
        /// First byte that does not fit.
        offset: usize,
        /// What belongs there.
        expected: &'static str,
    },
    /// The card's protocol: data where none is defined.
    #[error("{len} bytes answered to INS {ins:02X}, which has no response data")]
    UnexpectedData {
        /// INS of the command.
        ins: u8,
        /// Bytes answered.
        len: usize,
    },
    /// The card's protocol: INITIALIZE UPDATE answers 29 or 32 bytes (S8), 45 or 48 (S16).
    #[error(
        "INITIALIZE UPDATE answered {len} bytes; 29 or 32 (S8) or 45 or 48 (S16) expected, as its i parameter says"
    )]
    InitializeUpdateLength {
        /// Bytes answered.
        len: usize,
    },
    /// The card speaks another secure channel protocol.
    #[error("the card answers with SCP{found:02X}, not SCP03")]
    NotScp03 {
        /// Its protocol identifier.
        found: u8,
    },
    /// The card answers in another mode than the host challenge asks for.
    #[error("{asked:?} was asked for, the card answers in {answered:?}")]
    ModeMismatch {
        /// Mode of the host challenge.
        asked: Mode,
        /// Mode of the answer.
        answered: Mode,
    },
    /// The card answers with another key set.
    #[error("key set {asked} was asked for, the card answers with {answered}")]
    KvnMismatch {
        /// KVN in P1.
        asked: Kvn,
        /// KVN in the answer.
        answered: Kvn,
    },
    /// The card does not hold the keys: wrong keys or a foreign card.
    #[error("the card cryptogram of key set {kvn} is wrong: the card does not hold these keys")]
    CardCryptogram {
        /// The key set.
        kvn: Kvn,
    },
    /// An error status word with data: nobody conforming sends that.
    #[error("{len} bytes of data came with the error status {sw}")]
    DataWithErrorStatus {
        /// The status word.
        sw: StatusWord,
        /// Bytes of data.
        len: usize,
    },
    /// A response too short for the R-MAC that the level demands.
    #[error("the response {sw} carries no R-MAC")]
    ResponseMacMissing {
        /// The status word.
        sw: StatusWord,
    },
    /// The R-MAC is wrong: the response is not the card's answer to this command.
    #[error("the R-MAC of the response {sw} is wrong")]
    ResponseMac {
        /// The status word.
        sw: StatusWord,
    },
    /// The R-MAC is right and the decrypted data is not padded.
    #[error("the decrypted response is not padded: {0}")]
    ResponsePadding(PaddingError),
    /// The card loaded another key than it was sent.
    #[error("the card answers KCV {answered} for key {kid:02X} of set {kvn}, {expected} was sent")]
    KcvMismatch {
        /// The key set.
        kvn: Kvn,
        /// Key identifier, 01 to 03.
        kid: u8,
        /// KCV sent with the key.
        expected: Kcv,
        /// KCV answered.
        answered: Kcv,
    },
    /// Our misuse: more data than the channel fits into the command.
    #[error("{len} data bytes do not fit the command, at most {max}")]
    CommandTooLong {
        /// Bytes of data.
        len: usize,
        /// Most bytes.
        max: usize,
    },
    /// Our misuse: a class without GlobalPlatform secure messaging.
    #[error("class {cla:02X} has no secure messaging here: use channels 0 to 3 of classes 0X and 8X")]
    ClassNotSupported {
        /// The class byte.
        cla: u8,
    },
    /// Our misuse: not a level of SCP03.
    #[error("{byte:02X} is not a security level: 00, 01, 03, 11, 13 or 33")]
    SecurityLevel {
        /// The byte.
        byte: u8,
    },
    /// Our misuse: not an AES key.
    #[error(transparent)]
    KeyLength(#[from] KeyLengthError),
    /// Our misuse: keys of one set have different lengths.
    #[error("the keys of a set must have one length")]
    KeyLengthsDiffer,
    /// The card holds something else than was written.
    #[error("the {what} read back from the card is not what it must be")]
    ReadBack {
        /// What was read.
        what: &'static str,
    },
    /// Our misuse: a plan with a step that cannot be done.
    #[error("the plan holds {what}")]
    Plan {
        /// What is wrong with it.
        what: &'static str,
    },
    /// Our misuse: the input does not answer the script's last output.
    #[error("the input does not answer what the script asked for")]
    ScriptInput,
    /// Our misuse: a parameter that the command cannot carry.
    #[error("{what} must be {allowed}, not {value}")]
    Parameter {
        /// Which one.
        what: &'static str,
        /// Its value.
        value: usize,
        /// What is allowed.
        allowed: &'static str,
    },
}

impl Error {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::CardStatus { .. } => "CARD_STATUS",
            Self::Apdu(_) => "CARD_APDU_MALFORMED",
            Self::Tlv(_) => "CARD_TLV_MALFORMED",
            Self::Fcp(_) => "CARD_FCP_MALFORMED",
            Self::Answer { .. } => "CARD_ANSWER_MALFORMED",
            Self::UnexpectedData { .. } => "CARD_UNEXPECTED_DATA",
            Self::InitializeUpdateLength { .. } => "SCP03_INITIALIZE_UPDATE_LENGTH",
            Self::NotScp03 { .. } => "SCP03_OTHER_PROTOCOL",
            Self::ModeMismatch { .. } => "SCP03_MODE_MISMATCH",
            Self::KvnMismatch { .. } => "SCP03_KVN_MISMATCH",
            Self::CardCryptogram { .. } => "SCP03_CARD_CRYPTOGRAM",
            Self::DataWithErrorStatus { .. } => "SCP03_DATA_WITH_ERROR_STATUS",
            Self::ResponseMacMissing { .. } => "SCP03_RESPONSE_MAC_MISSING",
            Self::ResponseMac { .. } => "SCP03_RESPONSE_MAC",
            Self::ResponsePadding(_) => "SCP03_RESPONSE_PADDING",
            Self::KcvMismatch { .. } => "KEY_KCV_MISMATCH",
            Self::CommandTooLong { .. } => "CARD_COMMAND_TOO_LONG",
            Self::ClassNotSupported { .. } => "CARD_CLASS_NOT_SUPPORTED",
            Self::SecurityLevel { .. } => "SCP03_SECURITY_LEVEL",
            Self::KeyLength(_) => "KEY_LENGTH",
            Self::KeyLengthsDiffer => "KEY_LENGTHS_DIFFER",
            Self::ReadBack { .. } => "CARD_READ_BACK",
            Self::Plan { .. } => "CARD_PLAN",
            Self::ScriptInput => "CARD_SCRIPT_INPUT",
            Self::Parameter { .. } => "CARD_COMMAND_PARAMETER",
        }
    }

    /// The status word, where the card refused the command.
    #[must_use]
    pub const fn status(&self) -> Option<StatusWord> {
        match self {
            Self::CardStatus { sw, .. } => Some(*sw),
            _ => None,
        }
    }
}

/// ` (what the standard says)`, or nothing.
fn meaning(sw: &StatusWord) -> String {
    sw.meaning().map(|meaning| format!(" ({meaning})")).unwrap_or_default()
}
