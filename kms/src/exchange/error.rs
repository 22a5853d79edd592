//! What can go wrong with a key on its road between tokens.

use super::pair::PairError;
use crate::check_value::CheckValue;
use crate::name::{KeyKind, KeyName, KeyVersion, Part};
use crate::rv::ReturnValue;
use fuda_cli::Exit;
use std::path::PathBuf;
use thiserror::Error;

/// An error of the exchange itself.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The key's policy has no such KEK.
    #[error("{version} was not wrapped under {kek} at its birth, so it can never leave this token under it")]
    NotWrapped {
        /// The key.
        version: KeyVersion,
        /// The KEK.
        kek: KeyName,
    },
    /// The blob of the birth is not where it was said to be.
    #[error("{} has no blob of {version} under {kek}", folder.display())]
    BlobAbsent {
        /// The key.
        version: KeyVersion,
        /// The KEK.
        kek: KeyName,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// The file is not what it was when it was signed.
    #[error("{file}: {why}")]
    Unsound {
        /// The file.
        file: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Nobody has said yet which identity key the peer has.
    #[error("nobody has said which identity key {peer} has; this file is signed by {point}")]
    PeerUnknown {
        /// The peer.
        peer: Part,
        /// The key that signed.
        point: CheckValue,
    },
    /// The file is signed by somebody else.
    #[error("the identity key of {peer} is {known}, and this file is signed by {found}")]
    PeerOther {
        /// The peer.
        peer: Part,
        /// The key that it has.
        known: CheckValue,
        /// The key that signed.
        found: CheckValue,
    },
    /// No KEK here is the one that the key is wrapped under.
    #[error("no usable version of {kek} in this token has the check value {wanted}, under which the key is wrapped")]
    NoKek {
        /// The KEK's name here.
        kek: KeyName,
        /// Its check value by the file.
        wanted: CheckValue,
    },
    /// The KEK is the wrapping side's.
    #[error("{version} may not unwrap in this token")]
    KekWraps {
        /// The KEK.
        version: KeyVersion,
    },
    /// A key comes in under the KEK that can leave again.
    #[error("{version} lets keys in that can be read: the token has no unwrap template of it, or does not obey it")]
    KekLeaks {
        /// The KEK.
        version: KeyVersion,
    },
    /// The token does not open the blob with the KEK of the right check value.
    #[error("the token does not let {version} in under {kek}: C_UnwrapKey returned {value}")]
    NotLetIn {
        /// The key.
        version: KeyVersion,
        /// The KEK.
        kek: KeyVersion,
        /// What the token said.
        value: ReturnValue,
    },
    /// A key of one kind cannot become one of another.
    #[error("{theirs} is a {} key, so it cannot become {ours}", kind.as_str())]
    OtherKind {
        /// Its name where it was born.
        theirs: KeyVersion,
        /// Its name here.
        ours: KeyVersion,
        /// What it is.
        kind: KeyKind,
    },
    /// A pairing.
    #[error(transparent)]
    Pair(#[from] PairError),
    /// The key is here already under another name.
    #[error("the key with check value {value} is here already: it is {version}")]
    HereAlready {
        /// The version that it is.
        version: KeyVersion,
        /// Its check value.
        value: CheckValue,
    },
}

impl ExchangeError {
    /// Stable code, exit code, what to do.
    pub(crate) const fn row(&self) -> (&'static str, Exit, &'static str) {
        match self {
            Self::Pair(error) => error.row(),
            Self::NotWrapped { .. } => {
                ("EXCHANGE_NOT_WRAPPED", Exit::Refused, "make the next version with `fuda-kms key create K --kek PEER`")
            }
            Self::BlobAbsent { .. } => {
                ("EXCHANGE_NO_BLOB", Exit::Input, "name the folder that --blobs named at the key's birth")
            }
            Self::Unsound { .. } => {
                ("EXCHANGE_UNSOUND", Exit::Integrity, "do not use it; fetch it again from where it was made")
            }
            Self::PeerUnknown { .. } => (
                "EXCHANGE_PEER",
                Exit::Refused,
                "compare with `fuda-kms key kcv identity` at the peer, by another way than this file came; then --trust VALUE",
            ),
            Self::PeerOther { .. } => {
                ("EXCHANGE_SIGNER", Exit::Integrity, "do not use it; ask the peer who made this file")
            }
            Self::NoKek { .. } => {
                ("EXCHANGE_NO_KEK", Exit::Refused, "make one with the peer: `fuda-kms exchange pair`")
            }
            Self::KekWraps { .. } => {
                ("EXCHANGE_KEK_WRAPS", Exit::Refused, "keys come in at the side whose KEK has UNWRAP and not WRAP")
            }
            Self::KekLeaks { .. } => (
                "KEK_LEAKS",
                Exit::Integrity,
                "destroy this KEK in the token; bring it in with CKA_UNWRAP_TEMPLATE, into a token that obeys it",
            ),
            Self::NotLetIn { .. } => {
                ("EXCHANGE_NOT_LET_IN", Exit::Integrity, "do not use it; the blob is another KEK's or was changed")
            }
            Self::OtherKind { .. } => ("EXCHANGE_KIND", Exit::Refused, "name it as it is named where it was born"),
            Self::HereAlready { .. } => {
                ("EXCHANGE_HERE", Exit::Refused, "one key has one name; `fuda-kms key list` shows it")
            }
        }
    }
}
