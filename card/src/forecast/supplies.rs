//! What the HSM computed for the sessions of one plan, handed out as the walk asks for it.

use crate::apdu::{Command, Response};
use crate::command::KeyComponent;
use crate::error::Error;
use crate::personalisation::ChannelId;
use crate::scp03::{Challenge, InitializeUpdateResponse, Prediction, SequenceCounter, SessionKeys};
use crate::script::{Input, Output};
use std::collections::VecDeque;

/// What the HSM computed for one card: sessions and key sets, each in the order of [`Plan::openings`](crate::personalisation::Plan::openings)
/// and [`Plan::loads`](crate::personalisation::Plan::loads).
#[derive(Debug)]
pub struct Supplies {
    sessions: VecDeque<Session>,
    key_sets: VecDeque<[KeyComponent; 3]>,
    /// The session that is being opened.
    opening: Option<(InitializeUpdateResponse, Option<SessionKeys>)>,
}

/// One session with a card.
#[derive(Debug)]
pub struct Session {
    /// Our challenge: a fresh one for each script that leaves, so that two scripts never hold different commands for one pair of challenges.
    pub host_challenge: Challenge,
    /// The card's part.
    pub opening: Opening,
    /// The keys that follow from both.
    pub keys: SessionKeys,
}

/// What a card answers, or has answered, to INITIALIZE UPDATE.
#[derive(Debug, Clone)]
pub enum Opening {
    /// It was not asked yet.
    Foreseen(Prediction),
    /// It has answered this to the script before; only the first session of a plan can begin so.
    Answered(InitializeUpdateResponse),
}

/// The answer to an output of the script, or what a card has to answer.
pub(super) enum Served {
    Input(Input),
    Command(Command),
    Done,
}

impl Session {
    /// The counter of the key set in the session, where the card says it.
    #[must_use]
    pub const fn counter(&self) -> Option<SequenceCounter> {
        match &self.opening {
            Opening::Foreseen(prediction) => Some(prediction.counter),
            Opening::Answered(answer) => answer.counter,
        }
    }

    fn answer(&self) -> InitializeUpdateResponse {
        match &self.opening {
            Opening::Foreseen(prediction) => {
                InitializeUpdateResponse::foreseen(prediction, self.host_challenge, &self.keys)
            }
            Opening::Answered(answer) => answer.clone(),
        }
    }
}

impl Supplies {
    /// Supplies for one walk: the keys go into its channels and are wiped with them.
    #[must_use]
    pub fn new(
        sessions: impl IntoIterator<Item = Session>,
        key_sets: impl IntoIterator<Item = [KeyComponent; 3]>,
    ) -> Self {
        Self { sessions: sessions.into_iter().collect(), key_sets: key_sets.into_iter().collect(), opening: None }
    }

    /// What the card has answered before: to SELECT, of which nothing is needed, and to INITIALIZE UPDATE; nothing when it was not asked.
    pub(super) fn introduction(&self) -> Vec<Response> {
        match self.sessions.front() {
            Some(Session { opening: Opening::Answered(answer), .. }) => {
                vec![Response::success([]), Response::success(answer.encode())]
            }
            _ => Vec::new(),
        }
    }

    /// What the card answers to the INITIALIZE UPDATE that is under way.
    ///
    /// # Errors
    /// [`Error::ScriptInput`] before there is one.
    pub(super) fn opening(&self) -> Result<&InitializeUpdateResponse, Error> {
        self.opening.as_ref().map(|(answer, _)| answer).ok_or(Error::ScriptInput)
    }

    /// Answers everything but commands.
    ///
    /// # Errors
    /// [`Error::Plan`] when the plan asks for more than there is.
    pub(super) fn serve(&mut self, output: Output) -> Result<Served, Error> {
        Ok(Served::Input(match output {
            Output::Command(command) => return Ok(Served::Command(command)),
            Output::Done => return Ok(Served::Done),
            Output::HostChallenge(channel) => self.next_session(&channel)?,
            Output::SessionKeys { .. } => {
                let keys = self.opening.as_mut().and_then(|(_, keys)| keys.take());
                Input::SessionKeys(keys.ok_or(Error::ScriptInput)?)
            }
            Output::KeySet { .. } => {
                let keys = self.key_sets.pop_front();
                Input::KeySet(keys.ok_or(Error::Plan { what: "a key set that was not supplied" })?)
            }
            Output::Proved { .. } | Output::StageDone(_) => Input::Continue,
        }))
    }

    fn next_session(&mut self, channel: &ChannelId) -> Result<Input, Error> {
        const MISSING: Error = Error::Plan { what: "a session that was not supplied" };
        let session = self.sessions.pop_front().ok_or(MISSING)?;
        let answer = session.answer();
        let is_second = self.opening.is_some();
        if answer.kvn != channel.kvn || (is_second && matches!(session.opening, Opening::Answered(_))) {
            return Err(MISSING);
        }
        self.opening = Some((answer, Some(session.keys)));
        Ok(Input::HostChallenge(session.host_challenge))
    }
}
