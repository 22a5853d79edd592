//! A whole session computed before the card was met, and the same session verified when its answers have come back.
//!
//! Responses never enter a command of SCP03. Whoever knows chip, key set and counter, and has an HSM compute the session keys for them,
//! knows every command of a plan and every protected answer of a card that holds what the plan takes for granted. The walk is that of
//! [`crate::script`]; here are only two ways to answer it: as the card will, and as the card did. Where both are the same, a digest of the
//! first that was kept says so, and no key is needed again: [`Foretold`].
//!
//! ```text
//! Plan ─► openings, loads ─► HSM ─► Supplies ─► Forecast::new ─► commands, answers ─► terminal ─► answers
//!                             └───► Supplies ─► verify(plan, supplies, answers) ─► Verdict ◄───────┘
//! ```

mod card_script;
mod foretold;
mod supplies;
mod verdict;

pub use card_script::{Carrier, Phase};
pub use foretold::{FORETOLD_BYTES, Foretold};
pub use supplies::{Opening, Session, Supplies};
pub use verdict::{End, Lost, Proof, Unopened, Verdict, verify};

use crate::apdu::{Command, Response};
use crate::error::Error;
use crate::id::{Kdd, Kvn};
use crate::personalisation::Plan;
use crate::scp03::{Challenge, InitializeUpdateResponse};
use crate::script::{Foreseen, Input, Output, Script, ScriptError};
use std::sync::Arc;
use supplies::Served;

/// Commands that come before a card has proved itself: SELECT and INITIALIZE UPDATE.
const OPENING_COMMANDS: usize = 2;

/// The commands of a plan, and what a conforming card that holds what the plan expects will answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    commands: Vec<ForeseenCommand>,
}

/// One command of a forecast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeseenCommand {
    /// Number of the step of the plan, from 0.
    pub step: usize,
    /// The command, protected as it will be sent.
    pub command: Command,
    /// What will be answered.
    pub answer: Answer,
}

/// What is known of an answer before the command was sent.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// 9000, and these bytes are its data.
    Whole(Vec<u8>),
    /// 9000 or a warning, and its data begins with these bytes; the rest only the card knows.
    Begins(Vec<u8>),
}

impl Answer {
    /// Nothing is known but that the card does as it is told.
    const UNKNOWN: Self = Self::Begins(Vec::new());

    /// What is known of its data.
    #[must_use]
    pub fn known(&self) -> &[u8] {
        match self {
            Self::Whole(data) | Self::Begins(data) => data,
        }
    }

    /// Whether an answer is as foreseen.
    #[must_use]
    pub fn fits(&self, answer: &Response) -> bool {
        match self {
            Self::Whole(data) => answer.sw.is_success() && answer.data == *data,
            Self::Begins(data) => (answer.sw.is_success() || answer.sw.is_warning()) && answer.data.starts_with(data),
        }
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(data) => write!(f, "Whole({} bytes)", data.len()),
            Self::Begins(data) => write!(f, "Begins({} bytes)", data.len()),
        }
    }
}

impl Forecast {
    /// The session, or the sessions, that `plan` takes. When a card has answered the first INITIALIZE UPDATE already
    /// ([`Opening::Answered`]), the forecast begins after it.
    ///
    /// # Errors
    /// [`ScriptError`] when the supplies do not fit the plan ([`Error::Plan`]), when keys of a card that has answered do not fit its
    /// cryptogram ([`Error::CardCryptogram`]), or when a step of the plan cannot be done.
    pub fn new(plan: Arc<Plan>, mut supplies: Supplies) -> Result<Self, ScriptError> {
        let mut left_out = supplies.introduction().len();
        let mut script = Script::foreseeing(plan);
        let mut commands = Vec::new();
        let mut input = Input::Continue;
        loop {
            let output = script.next(input)?;
            let foreseen = script.foreseen();
            let failed = |error| ScriptError { step: script.step(), error };
            let command = match supplies.serve(output).map_err(failed)? {
                Served::Input(answer) => {
                    input = answer;
                    continue;
                }
                Served::Command(command) => command,
                Served::Done => return Ok(Self { commands }),
            };
            let (answer, response) = match foreseen {
                Some(Foreseen::Whole(response)) => (Answer::Whole(response.data.clone()), response),
                Some(Foreseen::Like(response)) => (Answer::UNKNOWN, response),
                Some(Foreseen::Opening) => {
                    let data = supplies.opening().map_err(failed)?.encode();
                    (Answer::Whole(data.clone()), Response::success(data))
                }
                None => return Err(failed(Error::ScriptInput)),
            };
            if left_out > 0 {
                left_out -= 1;
            } else {
                commands.push(ForeseenCommand { step: script.steps_begun().saturating_sub(1), command, answer });
            }
            input = Input::Response(response);
        }
    }

    /// The two commands by which a card tells who it is and where its count stands: SELECT and INITIALIZE UPDATE of the first channel of
    /// `plan`. `kdd` is the chip, where another one is not wanted. The rest follows from the answer, by [`Opening::Answered`].
    ///
    /// # Errors
    /// [`ScriptError`] for a plan without steps.
    pub fn introduction(plan: &Arc<Plan>, host_challenge: Challenge, kdd: Option<Kdd>) -> Result<Self, ScriptError> {
        let mut script = Script::foreseeing(Arc::clone(plan));
        let mut commands = Vec::new();
        let mut input = Input::Continue;
        while commands.len() < OPENING_COMMANDS {
            let output = script.next(input)?;
            let foreseen = script.foreseen();
            input = match output {
                Output::HostChallenge(_) => Input::HostChallenge(host_challenge),
                Output::Command(command) => {
                    let known = match (foreseen, kdd) {
                        (Some(Foreseen::Opening), Some(kdd)) => {
                            InitializeUpdateResponse::introduction(kdd, Kvn::new(command.p1))
                        }
                        _ => Vec::new(),
                    };
                    commands.push(ForeseenCommand { step: 0, command, answer: Answer::Begins(known) });
                    Input::Response(Response::success([]))
                }
                _ => return Err(ScriptError { step: script.step(), error: EMPTY }),
            };
        }
        Ok(Self { commands })
    }

    /// The commands in their order.
    #[must_use]
    pub fn commands(&self) -> &[ForeseenCommand] {
        &self.commands
    }
}

const EMPTY: Error = Error::Plan { what: "no step" };
