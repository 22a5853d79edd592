//! The personalisation script: walks a [`Plan`] over a card without doing I/O.
//!
//! The caller asks for the next [`Output`], does what it says (send a command, ask the HSM, write the journal) and gives the result back as
//! [`Input`]. The same script runs in the factory, over a network and in tests. An error ends it: what was begun is finished by a new script
//! from what the card says.
//!
//! ```text
//! Start → Command/Response (SELECT) → HostChallenge → Command/Response (INITIALIZE UPDATE) → SessionKeys → Proved
//!       → Command/Response (EXTERNAL AUTHENTICATE) → { Command/Response | KeySet }… → StageDone → … → Done
//! ```
//!
//! Inside, the script is an async function whose only awaits are these questions; [`Script::next`] polls it. It needs no runtime.

mod ask;
mod channel;
mod foreseen;
mod look;
mod reading;
mod steps;

pub use foreseen::Foreseen;
pub use reading::Reading;

use crate::apdu::{Command, Response};
use crate::command::KeyComponent;
use crate::error::Error;
use crate::id::Kdd;
use crate::personalisation::{ChannelId, Plan, Stage};
use crate::scp03::{Challenge, InitializeUpdateResponse, SessionKeys};
use ask::{Foresight, Mailbox};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use thiserror::Error as ThisError;

/// What the script needs next; each but the last is answered by one [`Input`].
#[derive(Debug)]
pub enum Output {
    /// Send this to the card: [`Input::Response`].
    Command(Command),
    /// A fresh challenge for a channel: [`Input::HostChallenge`].
    HostChallenge(ChannelId),
    /// The session keys of a channel: [`Input::SessionKeys`].
    SessionKeys {
        /// The channel.
        channel: ChannelId,
        /// Our challenge in it.
        host_challenge: Challenge,
        /// The card's answer to INITIALIZE UPDATE.
        answer: Box<InitializeUpdateResponse>,
    },
    /// The card proved that it holds the channel's keys; nothing was sent under them yet: [`Input::Continue`].
    Proved {
        /// The channel.
        channel: ChannelId,
        /// The chip.
        kdd: Kdd,
    },
    /// The keys of a set, wrapped under the channel's DEK: [`Input::KeySet`].
    KeySet {
        /// The set.
        set: ChannelId,
        /// The channel that carries it.
        under: ChannelId,
    },
    /// The card confirmed the last step of a stage: [`Input::Continue`].
    StageDone(Stage),
    /// Every step is done.
    Done,
}

/// The answer to an [`Output`].
#[derive(Debug)]
pub enum Input {
    /// Begin, or go on after a report.
    Continue,
    /// The card's response.
    Response(Response),
    /// A fresh challenge.
    HostChallenge(Challenge),
    /// Session keys.
    SessionKeys(SessionKeys),
    /// Wrapped keys: ENC, MAC, DEK.
    KeySet([KeyComponent; 3]),
}

/// Whether the chip was begun before: then nothing is created or loaded that may be there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The chip is as it came: no step finds anything.
    New,
    /// Some steps may have run: look before each key set.
    Begun,
}

/// A step that failed, and why.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
#[error("{step}: {error}")]
pub struct ScriptError {
    /// Name of the step.
    pub step: String,
    /// What the card did, or how the script was misused.
    pub error: Error,
}

/// A plan on its way over one card.
pub struct Script {
    mailbox: Arc<Mailbox>,
    walk: Pin<Box<dyn Future<Output = Result<(), ScriptError>> + Send>>,
    finished: bool,
}

impl Script {
    /// A script that walks `plan` from the step numbered `from` (0 is the first).
    #[must_use]
    pub fn new(plan: Arc<Plan>, from: usize, standing: Standing) -> Self {
        Self::with(Foresight::Unused, plan, from, standing)
    }

    /// The same from the first step of a plan that was made for what the card holds, and beside each command [`Script::foreseen`] tells
    /// what a conforming card answers.
    #[must_use]
    pub fn foreseeing(plan: Arc<Plan>) -> Self {
        Self::with(Foresight::Used, plan, 0, Standing::New)
    }

    fn with(foresight: Foresight, plan: Arc<Plan>, from: usize, standing: Standing) -> Self {
        let mailbox = Arc::new(Mailbox::new(foresight));
        let walk = Box::pin(steps::walk(Arc::clone(&mailbox), plan, from, standing));
        Self { mailbox, walk, finished: false }
    }

    /// Takes the answer to the last output and tells the next one; [`Input::Continue`] begins.
    ///
    /// # Errors
    /// [`ScriptError`] when the card broke the protocol or refused a step, or when the input does not answer the last output
    /// ([`Error::ScriptInput`]). The script is over then.
    pub fn next(&mut self, input: Input) -> Result<Output, ScriptError> {
        if self.finished {
            return Ok(Output::Done);
        }
        self.mailbox.answer(input);
        let polled = self.walk.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        match (polled, self.mailbox.take_question()) {
            (Poll::Pending, Some(question)) => Ok(question),
            (Poll::Ready(result), _) => {
                self.finished = true;
                result.map(|()| Output::Done)
            }
            (Poll::Pending, None) => {
                self.finished = true;
                Err(ScriptError { step: self.mailbox.step(), error: Error::ScriptInput })
            }
        }
    }

    /// What a conforming card answers to the command of the last output; `None` for a script that does not foresee, or after another output.
    #[must_use]
    pub fn foreseen(&self) -> Option<Foreseen> {
        self.mailbox.take_foreseen()
    }

    /// What the card said under R-MAC since the last call, where a step of the plan asked for it.
    #[must_use]
    pub fn take_readings(&mut self) -> Vec<Reading> {
        self.mailbox.take_readings()
    }

    /// Number of steps that were begun, the one under way included.
    #[must_use]
    pub fn steps_begun(&self) -> usize {
        self.mailbox.steps_entered()
    }

    /// Name of the step that is under way, for reports.
    #[must_use]
    pub fn step(&self) -> String {
        self.mailbox.step()
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Script(at {:?})", self.step())
    }
}
