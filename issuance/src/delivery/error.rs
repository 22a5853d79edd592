//! Why a delivery was not written or could not be looked at.

use std::io;
use std::path::{Path, PathBuf};

use fuda_cli::{Exit, Failure};

use super::{Counts, Sha256Sum};

/// A delivery was not made, or cannot be read at all. Nothing is left under the delivery's name.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is something under the delivery's name already.
    #[error("{} exists", path.display())]
    Exists {
        /// The folder asked for.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// A row cannot be written as it is.
    #[error("{file} row {row}: {column} {what}")]
    Row {
        /// Which table.
        file: &'static str,
        /// Counted from 1.
        row: u64,
        /// The column.
        column: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The numbers do not add up; nothing may be signed.
    #[error("counts do not add up: {what} ({counts})")]
    Identity {
        /// The identity that does not hold.
        what: String,
        /// The counts.
        counts: Counts,
    },
    /// The manifest cannot be put into canonical form.
    #[error("manifest: {0}")]
    Canonical(serde_json::Error),
    /// What the HSM signed does not verify under the receipt key.
    #[error("the signature does not verify under the receipt key")]
    WrongSignature,
    /// The key in the folder is none that the receiver knows.
    #[error("the delivery is signed by a receipt key that is not known here: {spki_sha256}")]
    UnknownReceiptKey {
        /// Its SHA-256, to be compared by telephone.
        spki_sha256: Sha256Sum,
    },
    /// A file changed between its check and its use.
    #[error("{} changed while it was read", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// More than is read.
    #[error("{} has {bytes} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// Bytes that are no P-256 public key.
    #[error("not a P-256 public key")]
    NoReceiptKey,
}

impl Error {
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { path, source }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Exists { .. } => "DELIVERY_EXISTS",
            Self::Io { source, .. } if is_full(source) => "DELIVERY_DISK_FULL",
            Self::Io { .. } => "DELIVERY_IO",
            Self::Row { .. } => "DELIVERY_ROW",
            Self::Identity { .. } => "DELIVERY_IDENTITY",
            Self::Canonical(_) => "DELIVERY_CANONICAL",
            Self::WrongSignature => "DELIVERY_SIGNATURE",
            Self::UnknownReceiptKey { .. } => "DELIVERY_RECEIPT_UNKNOWN",
            Self::Changed { .. } => "DELIVERY_CHANGED",
            Self::TooLarge { .. } => "DELIVERY_TOO_LARGE",
            Self::NoReceiptKey => "DELIVERY_RECEIPT_KEY",
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (exit, remedy) = match &error {
            Error::Exists { .. } => {
                (Exit::Refused, "name a folder that does not exist; deliveries are never overwritten")
            }
            Error::Io { .. } => (Exit::Store, "make the folder writable and the disk roomy, then deliver again"),
            Error::Identity { .. } => {
                (Exit::Integrity, "look for the chips that are not accounted for with `fuda-factory job show`")
            }
            Error::WrongSignature | Error::NoReceiptKey => {
                (Exit::Integrity, "check the receipt key with `fuda-kms check`")
            }
            Error::UnknownReceiptKey { .. } => (
                Exit::Integrity,
                "compare the number with the line by telephone; then name its receipt.pem in issuer.receipt_keys or with --key",
            ),
            Error::Changed { .. } => {
                (Exit::Integrity, "copy the delivery to a place that nobody writes to, and try again")
            }
            Error::TooLarge { .. } => {
                (Exit::Input, "have the job delivered in parts: `fuda-factory deliver --quantity N`")
            }
            Error::Row { .. } | Error::Canonical(_) => (Exit::Bug, "keep the store and the log and report the code"),
        };
        let place = match &error {
            Error::Exists { path }
            | Error::Io { path, .. }
            | Error::Changed { path }
            | Error::TooLarge { path, .. } => path.display().to_string(),
            Error::Row { file, row, .. } => format!("{file}, row {row}"),
            _ => String::new(),
        };
        Self::new(error.code(), exit, error.to_string()).at(place).remedy(remedy)
    }
}
