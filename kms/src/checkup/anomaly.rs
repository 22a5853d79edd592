//! What can be wrong with a token, each by a stable name: `fuda-kms check` and `fuda-kms token show` print them.

use crate::error::Error;
use crate::name::{KeyName, KeyVersion};
use crate::state::State;
use fuda_cli::Exit;
use thiserror::Error;

/// Something that is not as it must be. Every one is reported; none stops the look at the rest.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Anomaly {
    /// What another command would have refused the key for.
    #[error(transparent)]
    Key(#[from] Error),
    /// The value of a key can leave the token.
    #[error("{version}: its value can leave the token: it reports {attribute}")]
    Readable {
        /// The version.
        version: KeyVersion,
        /// The attribute that allows it.
        attribute: String,
    },
    /// A key that this house made in the token could be read before, or was not made there.
    #[error("{version}: it was not always guarded: it reports {attribute}")]
    History {
        /// The version.
        version: KeyVersion,
        /// The attribute that says so.
        attribute: String,
    },
    /// A key may be used for more than its kind.
    #[error("{version}: it may also {right}")]
    RightsMore {
        /// The version.
        version: KeyVersion,
        /// The right that it must not have.
        right: String,
    },
    /// A key may not be used for what it is there for.
    #[error("{version}: it may not {right}")]
    RightsLess {
        /// The version.
        version: KeyVersion,
        /// The right that it lacks.
        right: String,
    },
    /// A key born here can be changed.
    #[error("{version}: its attributes can be changed: it reports MODIFIABLE=true")]
    Modifiable {
        /// The version.
        version: KeyVersion,
    },
    /// A key is shorter or longer than registered.
    #[error("{version}: {found} bytes long where {expected} must be")]
    WrongLength {
        /// The version.
        version: KeyVersion,
        /// Bytes that it must have.
        expected: u64,
        /// Bytes that the token reports.
        found: u64,
    },
    /// The public half of a key pair is not there.
    #[error("{version}: the public half of the pair is not in the token")]
    PublicHalf {
        /// The version.
        version: KeyVersion,
    },
    /// A destroyed version has an object.
    #[error("{version}: the registry says {state}, and the token still has it", state = State::Destroyed)]
    DestroyedPresent {
        /// The version.
        version: KeyVersion,
    },
    /// Several objects have one label.
    #[error("{count} objects of one class have the label `{label}`")]
    LabelTwice {
        /// The label.
        label: String,
        /// How many.
        count: usize,
    },
    /// Several objects have one identifier.
    #[error("{count} objects of one class have the id {id}: {labels}")]
    IdTwice {
        /// The identifier, in hex.
        id: String,
        /// How many.
        count: usize,
        /// Their labels.
        labels: String,
    },
    /// keys.toml names a key that is not registered.
    #[error("{name}: keys.toml names it, and the registry does not know it")]
    NotRegistered {
        /// The key.
        name: KeyName,
    },
    /// The registry knows a key that keys.toml does not name.
    #[error("{version}: registered for this token, and keys.toml does not name it")]
    NotInFile {
        /// The version.
        version: KeyVersion,
    },
}

impl Anomaly {
    /// Stable name for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Key(error) => error.code(),
            _ => self.row().0,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> &str {
        match self {
            Self::Key(error) => error.remedy(),
            _ => self.row().1,
        }
    }

    /// The exit code that goes with it: a key that is not there is the token's disagreement with the registry.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Key(Error::KeyAbsent { .. }) => Exit::Integrity,
            Self::Key(error) => error.exit(),
            _ => Exit::Integrity,
        }
    }

    const fn row(&self) -> (&'static str, &'static str) {
        const DO_NOT_USE: &str =
            "do not use it: take the version out of use (`key suspend`), and find out who made or changed the object";
        match self {
            Self::Key(_) => ("", ""),
            Self::Readable { .. } => ("KEY_READABLE", DO_NOT_USE),
            Self::History { .. } => ("KEY_HISTORY", DO_NOT_USE),
            Self::RightsMore { .. } => ("KEY_RIGHTS_MORE", DO_NOT_USE),
            Self::RightsLess { .. } => {
                ("KEY_RIGHTS_LESS", "it cannot work: restore the token from its backup, or adopt the right object")
            }
            Self::Modifiable { .. } => {
                ("KEY_MODIFIABLE", "whoever has the PIN can give it more rights: find out who made the object")
            }
            Self::WrongLength { .. } => ("KEY_WRONG_LENGTH", DO_NOT_USE),
            Self::PublicHalf { .. } => {
                ("KEY_PUBLIC_HALF", "restore the token from its backup; nothing is signed with half a pair")
            }
            Self::DestroyedPresent { .. } => {
                ("KEY_DESTROYED_PRESENT", "delete the object with the vendor's tool, and record who did it")
            }
            Self::LabelTwice { .. } => {
                ("OBJECT_LABEL_TWICE", "find out where the second object comes from; delete nothing before")
            }
            Self::IdTwice { .. } => {
                ("OBJECT_ID_TWICE", "find out where the second object comes from; delete nothing before")
            }
            Self::NotRegistered { .. } => ("KEY_NOT_REGISTERED", "`fuda-kms init` with this file makes it"),
            Self::NotInFile { .. } => ("KEY_NOT_IN_FILE", "add it to the reviewed file, or find out who registered it"),
        }
    }
}
