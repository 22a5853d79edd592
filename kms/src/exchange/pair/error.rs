//! What can go wrong with a pairing.

use super::file::Fingerprint;
use crate::name::KeyVersion;
use fuda_cli::Exit;
use thiserror::Error;

/// An error of a pairing.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PairError {
    /// The file is none of a pairing.
    #[error("{file} is no file of a pairing that this program can read")]
    Unsound {
        /// The file.
        file: String,
    },
    /// The peer's officer reads out another fingerprint than the file has.
    #[error("this file has the fingerprint {found}, and the peer's officer said {said}")]
    Fingerprint {
        /// What was said.
        said: Fingerprint,
        /// What the file has.
        found: Fingerprint,
    },
    /// The KEK of one side is not that of the other.
    #[error("the peer pairs for {theirs}, and that cannot be {ours} here")]
    Other {
        /// Its name there.
        theirs: KeyVersion,
        /// Its name here.
        ours: KeyVersion,
    },
    /// No hash is known to both tokens.
    #[error("the two tokens have no hash of RSA-OAEP in common")]
    NoHash,
    /// Nothing was offered for this version, or its pairing is over.
    #[error("no pairing of {version} is open here")]
    NotOpen {
        /// The version.
        version: KeyVersion,
    },
    /// The reply is to another offer.
    #[error("this reply is not to the offer of {version} that is open here")]
    OtherOffer {
        /// The version.
        version: KeyVersion,
    },
}

impl PairError {
    /// Stable code, exit code, what to do.
    pub(crate) const fn row(&self) -> (&'static str, Exit, &'static str) {
        match self {
            Self::Unsound { .. } => {
                ("PAIR_UNSOUND", Exit::Integrity, "do not use it; fetch it again from where it was made")
            }
            Self::Fingerprint { .. } => (
                "PAIR_FINGERPRINT",
                Exit::Integrity,
                "compare again, by another way than the file came; if it differs, somebody has changed the file: do not use it",
            ),
            Self::Other { .. } => (
                "PAIR_OTHER",
                Exit::Refused,
                "a KEK is of one kind and has one number on both sides; name it so, or let the peer offer another version",
            ),
            Self::NoHash => {
                ("PAIR_NO_HASH", Exit::Refused, "share the KEK by the makers' ceremonies and `fuda-kms key adopt`")
            }
            Self::NotOpen { .. } => {
                ("PAIR_NOT_OPEN", Exit::Refused, "begin with `fuda-kms exchange pair offer`; a version is paired once")
            }
            Self::OtherOffer { .. } => (
                "PAIR_OTHER_OFFER",
                Exit::Integrity,
                "use the reply to the last offer, or offer again and send that one",
            ),
        }
    }
}
