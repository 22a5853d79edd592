//! Errors of issuance as reports for a person: exit code and remedy, in one place.

use fuda_cli::{Exit, Failure};
use fuda_issuance::{Error, FailureClass};

/// The report of an error of issuance.
pub(crate) fn of(error: Error) -> Failure {
    match error {
        Error::Hsm(error) => error.into(),
        Error::Store(error) => of_store(&error),
        error => Failure::new(error.code(), exit(&error), error.to_string()).remedy(remedy(&error)),
    }
}

/// The report of an error of the store.
pub(crate) fn of_store(error: &fuda_store::Error) -> Failure {
    Failure::new(error.code(), Exit::Store, error.to_string()).remedy(error.remedy())
}

fn exit(error: &Error) -> Exit {
    match error {
        Error::SerialsExhausted { .. } => Exit::Incomplete,
        Error::SerialTaken { .. }
        | Error::Refused { .. }
        | Error::NothingToApprove { .. }
        | Error::SamePerson { .. } => Exit::Refused,
        Error::OrderChanged { .. } | Error::JobNotFound { .. } | Error::KeyNotPinned { .. } | Error::EmptyPlan => {
            Exit::Input
        }
        Error::ChainBroken { .. } => Exit::Integrity,
        Error::Transition { .. } | Error::Accounts { .. } | Error::HsmAnswer { .. } => Exit::Bug,
        error => match error.class() {
            FailureClass::Hsm => Exit::Hsm,
            FailureClass::Store => Exit::Store,
            _ => Exit::Reader,
        },
    }
}

fn remedy(error: &Error) -> &'static str {
    match error {
        Error::SerialsExhausted { .. } => "the order is short of spares: order the unfilled cards anew",
        Error::SerialTaken { .. } => "two orders share a serial range: correct serial.first",
        Error::OrderChanged { .. } => "an order that has begun cannot change: give the new one another number",
        Error::JobNotFound { .. } => "`fuda-factory job list` shows the jobs of this store",
        Error::KeyNotPinned { .. } => "name the key under [keys] in the order",
        Error::ChainBroken { .. } => {
            "the database was changed by other hands: keep a copy and restore the last good backup"
        }
        _ => "",
    }
}
