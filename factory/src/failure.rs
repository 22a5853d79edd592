//! Errors of issuance as reports for a person: exit code and remedy, in one place.

use fuda_cli::{Exit, Failure};
use fuda_issuance::journal::CartonError;
use fuda_issuance::{Control, Error, FailureClass, store_report};

/// The report of an error of issuance.
pub(crate) fn of(error: Error) -> Failure {
    match error {
        Error::Hsm(error) => error.into(),
        Error::Store(error) => store_report::failure(&error),
        error => Failure::new(error.code(), exit(&error), error.to_string()).remedy(remedy(&error)),
    }
}

fn exit(error: &Error) -> Exit {
    match error {
        Error::SerialsExhausted { .. } => Exit::Incomplete,
        Error::JobHeld { control: Control::Paused, .. } | Error::LeaseLost { .. } => Exit::Stopped,
        Error::JobHeld { .. }
        | Error::JobNotPaused { .. }
        | Error::JobUnfilled { .. }
        | Error::LinesAtWork { .. }
        | Error::LinesTooMany { .. }
        | Error::OrderFull { .. }
        | Error::CloseBalance { .. }
        | Error::RejectCount { .. }
        | Error::SampleDelivered { .. } => Exit::Refused,
        Error::SerialTaken { .. }
        | Error::SerialPrinted { .. }
        | Error::PrintedMeanwhile { .. }
        | Error::ReceivedBefore { .. }
        | Error::ChipKnown { .. }
        | Error::Refused { .. }
        | Error::NothingToApprove { .. }
        | Error::SamePerson { .. } => Exit::Refused,
        Error::Carton { error: CartonError::Unknown { .. } } => Exit::Input,
        Error::Carton { .. } => Exit::Refused,
        Error::OrderChanged { .. }
        | Error::JobNotFound { .. }
        | Error::CardNotFound { .. }
        | Error::KeyNotPinned { .. }
        | Error::EmptyPlan => Exit::Input,
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
        Error::SerialPrinted { .. } => {
            "two orders share a serial range: correct serial.first or the list, before anything is printed"
        }
        Error::ReceivedBefore { .. } => "nothing is to be done: its chips are known",
        Error::ChipKnown { .. } => "two chips must not have one identity: ask the card maker which delivery is wrong",
        Error::PrintedMeanwhile { .. } => "see `fuda-factory job show`, then decide whether another copy is wanted",
        Error::OrderChanged { .. } => "an order that has begun cannot change: give the new one another number",
        Error::JobNotFound { .. } => "`fuda-factory job list` shows the jobs of this store",
        Error::Mark { .. } => {
            "the folder of hsm.state must be writable: what the machine remembers of the store is kept there"
        }
        Error::JobHeld { control: Control::Paused, .. } => "`fuda-factory job continue JOB` lets its lines go on",
        Error::JobHeld { control: Control::Cancelled, .. } => {
            "what is good can be delivered; `fuda-factory job close` counts the chips"
        }
        Error::JobHeld { .. } => "the counts are signed: order what is missing anew",
        Error::JobUnfilled { .. } => "make them, or `fuda-factory job cancel JOB --reason TEXT` first",
        Error::LinesAtWork { .. } => "stop every line of the job first",
        Error::LeaseLost { .. } => "the same command joins again; chips that were begun are finished",
        Error::CloseBalance { .. } => {
            "count again: --mute is for chips in the bin that told no identity; a chip that is missing is sought until it is found"
        }
        Error::RejectCount { .. } => "`fuda-factory reject list` names them: count again before anything is destroyed",
        Error::CardNotFound { .. } => "name a good card of the job by its serial or chip identity",
        Error::SampleDelivered { .. } => "draw a card that has not left",
        Error::KeyNotPinned { .. } => "name the key under [keys] in the order",
        Error::Carton { error: CartonError::Unknown { .. } } => "`fuda-factory job show` lists the cartons of a job",
        Error::Carton { error: CartonError::OtherSize { .. } } => "give the size that it was begun with",
        Error::Carton { .. } => "take another carton, with a label of its own",
        Error::ChainBroken { .. } => {
            "the database was changed by other hands: keep a copy and restore the last good backup"
        }
        _ => "",
    }
}
