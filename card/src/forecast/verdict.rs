//! What a card provably did, from the answers that came back through somebody else's hands.
//!
//! Only a right R-MAC proves anything. A status word that reports an error carries none, and whoever holds the card can leave answers out:
//! so everything but [`End::Complete`] leaves open whether the commands after the last proved answer ran. What settles that is a new session:
//! once a card has proved a later counter of the key set, no command of an earlier session runs any more.

use super::Supplies;
use super::supplies::Served;
use crate::apdu::{Command, Response};
use crate::error::Error;
use crate::id::Kdd;
use crate::personalisation::{ChannelId, Plan};
use crate::scp03::{InitializeUpdateResponse, SequenceCounter};
use crate::script::{Input, Output, Reading, Script, ScriptError, Standing};
use crate::status::StatusWord;
use std::sync::Arc;

const INITIALIZE_UPDATE: u8 = 0x50;
const EXTERNAL_AUTHENTICATE: u8 = 0x82;

/// How far a card provably came, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Steps of the plan that are done, each of their answers under R-MAC.
    pub steps_done: usize,
    /// Key sets that the card proved to hold, in the order of the sessions.
    pub proofs: Vec<Proof>,
    /// What the card said under R-MAC where the plan asked for it; what was not as expected is among it.
    pub readings: Vec<Reading>,
    /// How it ended.
    pub end: End,
}

/// A cryptogram that was right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The key set.
    pub channel: ChannelId,
    /// Its counter, where the card says it.
    pub counter: Option<SequenceCounter>,
}

/// How a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Every step is done, and the last answer is proved too.
    Complete,
    /// A session was not opened, as the terminal tells: nothing was sent under its keys.
    Unopened {
        /// The step that it was to be opened for.
        step: String,
        /// Why.
        why: Unopened,
    },
    /// The card provably holds, or provably did, something else than the step expects.
    Differs {
        /// The step.
        step: String,
        /// What is different.
        error: Error,
    },
    /// Whether the step's command and those after it ran is not known.
    Lost {
        /// The step.
        step: String,
        /// What came instead of the answer.
        why: Lost,
    },
}

/// Why a session was not opened. Nothing of it is proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unopened {
    /// No answer came.
    Silent,
    /// The card refused SELECT or INITIALIZE UPDATE.
    Refused(StatusWord),
    /// The card answers with something that no session can follow from.
    Malformed(Error),
    /// It is another chip.
    OtherCard(Kdd),
    /// It is the chip, and its count stands elsewhere. Its answer is here: a session can go on from it.
    OtherCounter(Box<InitializeUpdateResponse>),
    /// It is the chip and the count, and the cryptogram is wrong.
    Unproved,
}

/// What came instead of a proved answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// Nothing.
    NoAnswer,
    /// An error, which anybody can make up.
    Refused(StatusWord),
    /// An answer that is not the card's.
    Forged(Error),
}

/// Verifies the answers to the commands of the forecast that the same plan and the same supplies gave, in their order; the last ones may be
/// missing.
///
/// # Errors
/// [`ScriptError`] when the supplies do not fit the plan, or when a step of the plan cannot be done.
pub fn verify(
    plan: Arc<Plan>,
    mut supplies: Supplies,
    answers: impl IntoIterator<Item = Response>,
) -> Result<Verdict, ScriptError> {
    let mut answers = supplies.introduction().into_iter().chain(answers);
    let mut script = Script::new(plan, 0, Standing::New);
    let (mut steps_done, mut proofs) = (0, Vec::new());
    let mut input = Input::Continue;
    let end = loop {
        let output = match script.next(input) {
            Ok(output) => output,
            Err(failed) => break end_of(failed)?,
        };
        steps_done = script.steps_begun().saturating_sub(1);
        if let Output::Proved { channel, .. } = &output {
            let counter = supplies.opening().ok().and_then(|answer| answer.counter);
            proofs.push(Proof { channel: channel.clone(), counter });
        }
        let step = script.step();
        match supplies.serve(output) {
            Ok(Served::Input(answer)) => input = answer,
            Ok(Served::Command(command)) => match received(&command, answers.next(), &supplies) {
                Ok(response) => input = Input::Response(response),
                Err(Fault::Unopened(why)) => break End::Unopened { step, why },
                Err(Fault::Lost(why)) => break End::Lost { step, why },
            },
            Ok(Served::Done) => {
                steps_done = script.steps_begun();
                break End::Complete;
            }
            Err(error) => return Err(ScriptError { step, error }),
        }
    };
    Ok(Verdict { steps_done, proofs, readings: script.take_readings(), end })
}

enum Fault {
    Unopened(Unopened),
    Lost(Lost),
}

/// An answer that the walk can go on with.
fn received(command: &Command, answer: Option<Response>, supplies: &Supplies) -> Result<Response, Fault> {
    let is_opening = !command.is_secured();
    let fault = |unopened, lost| if is_opening { Fault::Unopened(unopened) } else { Fault::Lost(lost) };
    let Some(answer) = answer else { return Err(fault(Unopened::Silent, Lost::NoAnswer)) };
    let sw = answer.sw;
    // 63xx is a warning but in answer to EXTERNAL AUTHENTICATE.
    let is_done =
        sw.is_success() || (sw.is_warning() && !matches!(command.ins, INITIALIZE_UPDATE | EXTERNAL_AUTHENTICATE));
    if !is_done {
        return Err(fault(Unopened::Refused(sw), Lost::Refused(sw)));
    }
    if is_opening && command.ins == INITIALIZE_UPDATE {
        let expected = supplies.opening().map_err(|error| Fault::Unopened(Unopened::Malformed(error)))?;
        introduced(expected, &answer.data).map_err(Fault::Unopened)?;
    }
    Ok(answer)
}

/// Whether the card introduces itself as it was expected to.
fn introduced(expected: &InitializeUpdateResponse, data: &[u8]) -> Result<(), Unopened> {
    let told = InitializeUpdateResponse::parse(data).map_err(Unopened::Malformed)?;
    if told == *expected {
        Ok(())
    } else if told.kdd != expected.kdd {
        Err(Unopened::OtherCard(told.kdd))
    } else if told.kvn != expected.kvn {
        Err(Unopened::Malformed(Error::KvnMismatch { asked: expected.kvn, answered: told.kvn }))
    } else if told.counter != expected.counter {
        Err(Unopened::OtherCounter(Box::new(told)))
    } else {
        Err(Unopened::Unproved)
    }
}

/// What an error of the walk says about the card; an error of ours is handed on.
fn end_of(failed: ScriptError) -> Result<End, ScriptError> {
    let ScriptError { step, error } = failed;
    Ok(match error {
        Error::ResponseMac { .. }
        | Error::ResponseMacMissing { .. }
        | Error::ResponsePadding(_)
        | Error::DataWithErrorStatus { .. }
        | Error::UnexpectedData { ins: EXTERNAL_AUTHENTICATE, .. } => End::Lost { step, why: Lost::Forged(error) },
        Error::CardCryptogram { .. } => End::Unopened { step, why: Unopened::Unproved },
        Error::CardStatus { .. }
        | Error::Apdu(_)
        | Error::Tlv(_)
        | Error::Fcp(_)
        | Error::Answer { .. }
        | Error::UnexpectedData { .. }
        | Error::KvnMismatch { .. }
        | Error::KcvMismatch { .. }
        | Error::ReadBack { .. } => End::Differs { step, error },
        _ => return Err(ScriptError { step, error }),
    })
}
