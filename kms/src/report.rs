//! What a program and a person are told about an error: stable code, exit code, remedy, and what a retry would be worth.

use crate::error::Error;
use crate::name::{KeyVersion, NameError};
use crate::provider::ProviderError;
use crate::rv::Class;
use fuda_cli::{Exit, Failure};

impl Error {
    /// Stable code for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.row().0
    }

    /// The exit code that goes with it.
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.row().1
    }

    /// What to do about it; empty when the message says it.
    #[must_use]
    pub fn remedy(&self) -> &str {
        if let Self::Worker(fault) = self { fault.remedy() } else { self.row().2 }
    }

    /// What a retry would be worth.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Token { value, .. } => value.class(),
            Self::Worker(fault) => fault.class(),
            // A session that lost its login does not see private objects.
            Self::KeyAbsent { .. } => Class::ReopenOnce,
            Self::PinRefused { .. } | Self::PinLatched { .. } | Self::PinAtLimit { .. } => Class::NeverRetry,
            _ => Class::Other,
        }
    }

    pub(crate) fn public_key_in_production(version: &KeyVersion) -> Self {
        Self::Policy {
            what: format!("{version} is the public test key, and the site's mode is production"),
            remedy: "import the chip maker's key and adopt it, or set site.mode = \"test\"",
        }
    }

    fn row(&self) -> (&'static str, Exit, &'static str) {
        match self {
            Self::Module { .. } => {
                ("HSM_MODULE_NOT_LOADED", Exit::Hsm, "set hsm.module in fuda.toml to the vendor's PKCS#11 library")
            }
            Self::Token { .. } => {
                ("HSM_CALL_FAILED", Exit::Hsm, "see the return value; `fuda-kms check` tests the token")
            }
            Self::Binding { .. } => ("HSM_BINDING", Exit::Hsm, ""),
            Self::OutputLength { .. } => ("HSM_OUTPUT_LENGTH", Exit::Hsm, "this library cannot be used"),
            Self::TokenLabel { .. } => ("TOKEN_LABEL_INVALID", Exit::Usage, "give 1 to 32 bytes of text"),
            Self::TokenAbsent { .. } => (
                "TOKEN_NOT_FOUND",
                Exit::Hsm,
                "`fuda-kms token list` shows what is there; `fuda-kms init` makes a token",
            ),
            Self::TokenTwice { .. } => {
                ("TOKEN_AMBIGUOUS", Exit::Hsm, "rename or remove one of them with the vendor's tool")
            }
            Self::NoFreeSlot { .. } => ("TOKEN_NO_FREE_SLOT", Exit::Hsm, "make the token with the vendor's tool"),
            Self::PinFile { .. } => ("PIN_FILE", Exit::Hsm, "one line in a regular file of mode 0600"),
            Self::PinInput { .. } => ("PIN_INPUT", Exit::Hsm, ""),
            Self::PinRefused { .. } => (
                "PIN_REFUSED",
                Exit::Hsm,
                "nothing will try again by itself: correct the PIN, then `fuda-kms token clear-pin-latch`",
            ),
            Self::PinLatched { .. } => {
                ("PIN_LATCHED", Exit::Hsm, "correct the PIN, then `fuda-kms token clear-pin-latch`")
            }
            Self::PinAtLimit { .. } => (
                "PIN_AT_LIMIT",
                Exit::Hsm,
                "reset the token's PIN counter with the vendor's tool, with the right PIN at hand",
            ),
            Self::File { .. } => ("FILE", Exit::Hsm, ""),
            Self::StartupBusy { .. } => ("TOKEN_BUSY", Exit::Hsm, "wait for the other process, or see why it hangs"),
            Self::Name(_) => ("KEY_NAME", Exit::Usage, NameError::ALLOWED),
            Self::VersionUnknown { .. } => ("KEY_UNKNOWN", Exit::Hsm, "`fuda-kms key list` shows what is registered"),
            Self::NoActiveVersion { .. } => ("KEY_NOT_ACTIVE", Exit::Refused, "`fuda-kms key list` shows the states"),
            Self::VersionExists { .. } => ("KEY_EXISTS", Exit::Refused, "adopt the key as the next version"),
            Self::ObjectTaken { .. } => ("OBJECT_TAKEN", Exit::Refused, "`fuda-kms key list` shows what is registered"),
            Self::StateForbids { .. } => ("KEY_STATE_FORBIDS", Exit::Refused, ""),
            Self::WrongKind { .. } => ("KEY_KIND", Exit::Refused, ""),
            Self::KeyAbsent { .. } => (
                "KEY_NOT_IN_TOKEN",
                Exit::Hsm,
                "check that this is the right token; restore it from its backup; delete nothing",
            ),
            Self::KeyTwice { .. } => ("KEY_AMBIGUOUS", Exit::Integrity, "find out where the second object comes from"),
            Self::KeyUnregistered { .. } => (
                "KEY_UNREGISTERED",
                Exit::Integrity,
                "if it is meant to be there: `fuda-kms key adopt`; if not: find out who made it",
            ),
            Self::ObjectStray { .. } => (
                "OBJECT_STRAY",
                Exit::Integrity,
                "if it is meant to be there: `fuda-kms key adopt`; if not: find out who made it",
            ),
            Self::BirthUnfinished { .. } => (
                "KEY_BIRTH_UNFINISHED",
                Exit::Integrity,
                "run the same `fuda-kms init`, `key create`, `exchange import` or `exchange pair` again",
            ),
            Self::MethodUnfit { .. } => {
                ("KCV_METHOD", Exit::Refused, "leave --method out: each kind of key has one that fits")
            }
            Self::KeyAttribute { .. } => ("KEY_ATTRIBUTE", Exit::Integrity, "do not use this key"),
            Self::KcvMismatch { .. } => {
                ("KEY_KCV_MISMATCH", Exit::Integrity, "do not use this key; compare with the ceremony record")
            }
            Self::Differs { .. } => {
                ("KEY_DIFFERS", Exit::Integrity, "correct keys.toml, or use another registry and token")
            }
            Self::KnownAnswer { .. } => {
                ("HSM_KNOWN_ANSWER", Exit::Integrity, "this token derives other keys: do not use it")
            }
            Self::NoRoute { .. } => (
                "HSM_NO_ROUTE",
                Exit::Hsm,
                "AES-128 needs CKM_SP800_108_COUNTER_KDF or CKM_AES_CBC_ENCRYPT_DATA, AES-256 the first of them",
            ),
            Self::SchemeForbids { .. } => (
                "KEY_SCHEME_FORBIDS",
                Exit::Refused,
                "only derived keys go onto a card; `fuda-kms key list` shows the schemes",
            ),
            Self::Provider(error) => error.row(),
            Self::Policy { remedy, .. } => ("POLICY", Exit::Refused, remedy),
            Self::BadRequest { .. } => ("HSM_REQUEST", Exit::Bug, ""),
            Self::SealBroken { .. } => {
                ("SEAL_BROKEN", Exit::Integrity, "do not use it; find out who changed it, or take it from a backup")
            }
            Self::Message { .. } => ("WORKER_MESSAGE", Exit::Bug, ""),
            Self::EpochAhead { .. } => ("REGISTRY_EPOCH", Exit::Integrity, "both sides must use one registry"),
            Self::Deadline { .. } => ("HSM_DEADLINE", Exit::Hsm, "see whether the HSM hangs: `fuda-kms check`"),
            Self::NoWorker => ("HSM_NO_WORKER", Exit::Hsm, "see the log for why the workers ended"),
            Self::Exchange(error) => error.row(),
            Self::Pool(error) => error.row(),
            Self::Worker(fault) => (fault.code(), fault.exit(), ""),
            Self::SetsChanged { .. } => {
                ("SETS_UNSOUND", Exit::Integrity, "fetch the file again from where it was made")
            }
            Self::Registry { .. } => ("REGISTRY", Exit::Integrity, "restore the store from its backup"),
            Self::Store(_) => ("STORE", Exit::Store, ""),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Error {
    /// What a program and a person are told.
    #[must_use]
    pub fn failure(&self) -> Failure {
        if let Self::Store(store) = self {
            let exit = match store.exit() {
                5 => Exit::Input,
                70 => Exit::Bug,
                _ => Exit::Store,
            };
            return Failure::new(store.code(), exit, store.to_string()).remedy(store.remedy());
        }
        let failure = Failure::new(self.code(), self.exit(), self.to_string()).remedy(self.remedy());
        match self {
            Self::Provider(ProviderError::Unknown { place, .. }) => failure.at(place),
            Self::Worker(fault) => failure.at(fault.place()),
            _ => failure,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        error.failure()
    }
}
