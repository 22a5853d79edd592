//! How the script asks its caller: a question is put into the mailbox, and the await ends when an answer lies there.

use super::foreseen::Expected;
use super::{Foreseen, Input, Output, Reading};
use crate::apdu::{Command, Response};
use crate::command::{Exchange, KeyComponent};
use crate::error::Error;
use crate::personalisation::{ChannelId, Stage};
use crate::scp03::{CardProof, Challenge, InitializeUpdateResponse, SessionKeys};
use std::future::poll_fn;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;

/// One question out, one answer in.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    foresight: Foresight,
    slot: Mutex<Slot>,
}

/// Whether the answers of a conforming card are worked out beside the commands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Foresight {
    /// The card itself answers.
    #[default]
    Unused,
    /// Somebody wants to know beforehand.
    Used,
}

#[derive(Debug, Default)]
struct Slot {
    question: Option<Output>,
    answer: Option<Input>,
    step: String,
    steps_entered: usize,
    foreseen: Option<Foreseen>,
    readings: Vec<Reading>,
}

impl Mailbox {
    pub(super) fn new(foresight: Foresight) -> Self {
        Self { foresight, ..Self::default() }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Slot) -> T) -> T {
        // Nothing panics while the slot is held, and its content stays true if something did.
        act(&mut self.slot.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn answer(&self, input: Input) {
        self.with(|slot| slot.answer = Some(input));
    }

    pub(super) fn take_question(&self) -> Option<Output> {
        self.with(|slot| slot.question.take())
    }

    pub(super) fn step(&self) -> String {
        self.with(|slot| slot.step.clone())
    }

    pub(super) fn enter(&self, step: &str) {
        self.with(|slot| {
            step.clone_into(&mut slot.step);
            slot.steps_entered += 1;
        });
    }

    pub(super) fn steps_entered(&self) -> usize {
        self.with(|slot| slot.steps_entered)
    }

    pub(super) fn take_foreseen(&self) -> Option<Foreseen> {
        self.with(|slot| slot.foreseen.take())
    }

    /// Keeps what the card said for whoever asks for the readings.
    pub(super) fn note(&self, reading: Reading) {
        self.with(|slot| slot.readings.push(reading));
    }

    pub(super) fn take_readings(&self) -> Vec<Reading> {
        self.with(|slot| std::mem::take(&mut slot.readings))
    }

    async fn ask(&self, question: Output) -> Input {
        // The answer that started this poll was read by whoever asked before.
        self.with(|slot| {
            slot.answer = None;
            slot.question = Some(question);
        });
        poll_fn(|_| self.with(|slot| slot.answer.take()).map_or(Poll::Pending, Poll::Ready)).await
    }

    /// Sends a command as it is; `foreseen` works out what a conforming card answers.
    pub(super) async fn transmit(
        &self,
        command: Command,
        foreseen: impl FnOnce() -> Foreseen,
    ) -> Result<Response, Error> {
        let foreseen = (self.foresight == Foresight::Used).then(foreseen);
        self.with(|slot| slot.foreseen = foreseen);
        match self.ask(Output::Command(command)).await {
            Input::Response(response) => Ok(response),
            _ => Err(Error::ScriptInput),
        }
    }

    /// Sends a plain command and reads what it means.
    pub(super) async fn exchange<E: Exchange>(&self, exchange: &E, expected: Expected<'_>) -> Result<E::Answer, Error> {
        exchange.answer(&self.transmit(exchange.command(), || expected.plain()).await?)
    }

    pub(super) async fn host_challenge(&self, channel: &ChannelId) -> Result<Challenge, Error> {
        match self.ask(Output::HostChallenge(channel.clone())).await {
            Input::HostChallenge(challenge) => Ok(challenge),
            _ => Err(Error::ScriptInput),
        }
    }

    pub(super) async fn session_keys(
        &self,
        channel: &ChannelId,
        host_challenge: Challenge,
        answer: &InitializeUpdateResponse,
    ) -> Result<SessionKeys, Error> {
        let question =
            Output::SessionKeys { channel: channel.clone(), host_challenge, answer: Box::new(answer.clone()) };
        match self.ask(question).await {
            Input::SessionKeys(keys) => Ok(keys),
            _ => Err(Error::ScriptInput),
        }
    }

    pub(super) async fn key_set(&self, set: &ChannelId, under: &ChannelId) -> Result<[KeyComponent; 3], Error> {
        match self.ask(Output::KeySet { set: set.clone(), under: under.clone() }).await {
            Input::KeySet(keys) => Ok(keys),
            _ => Err(Error::ScriptInput),
        }
    }

    pub(super) async fn proved(&self, channel: &ChannelId, proof: &CardProof) -> Result<(), Error> {
        self.report(Output::Proved { channel: channel.clone(), kdd: proof.kdd() }).await
    }

    pub(super) async fn stage_done(&self, stage: Stage) -> Result<(), Error> {
        self.report(Output::StageDone(stage)).await
    }

    async fn report(&self, report: Output) -> Result<(), Error> {
        match self.ask(report).await {
            Input::Continue => Ok(()),
            _ => Err(Error::ScriptInput),
        }
    }
}
