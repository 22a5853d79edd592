//! A card under power, for as long as a session needs it: scripts are run on it, and its time is taken.

use super::screen::Screen;
use crate::encoder::EncoderCard;
use crate::error::Error;
use fuda_card::cardscript::{End, Runner, Script, ScriptResult};
use fuda_card::transport::Transport;
use std::time::{Duration, Instant};

/// A socket does not know a deadline of nothing.
const ANSWER_MIN: Duration = Duration::from_millis(1);

/// The card, and what it was asked so far.
#[derive(Debug)]
pub(super) struct Hold<'e> {
    card: EncoderCard<'e>,
    window: Window,
}

/// The card's own window: from the first command to the last answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    first: Option<Instant>,
    last: Option<Instant>,
    /// Answers of the centre since the last command.
    since: u32,
    /// Answers of the centre between two commands.
    round_trips: u32,
    commands: u32,
}

/// Where the card is after a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// In the reader, under power.
    There,
    /// Taken out, or mute.
    Gone,
}

impl Window {
    pub(super) const fn new() -> Self {
        Self { first: None, last: None, since: 0, round_trips: 0, commands: 0 }
    }

    /// The centre answered while the card waits.
    pub(super) const fn answered(&mut self) {
        self.since += 1;
    }

    pub(super) const fn round_trips(&self) -> u32 {
        self.round_trips
    }

    pub(super) const fn commands(&self) -> u32 {
        self.commands
    }

    pub(super) fn time(&self) -> Duration {
        self.last.zip(self.first).map_or(Duration::ZERO, |(last, first)| last - first)
    }

    fn command(&mut self, began: Instant) {
        if self.first.get_or_insert(began) != &began {
            self.round_trips += self.since;
        }
        self.since = 0;
        self.commands += 1;
    }
}

impl<'e> Hold<'e> {
    pub(super) fn new(card: EncoderCard<'e>) -> Self {
        Self { card, window: Window::new() }
    }

    pub(super) const fn window(&mut self) -> &mut Window {
        &mut self.window
    }

    /// Gives the card out.
    pub(super) fn release(self) -> Window {
        self.card.eject();
        self.window
    }

    /// Runs a script to its end, or as far as it goes.
    pub(super) fn run(&mut self, script: Script, seq: u32, screen: &mut Screen) -> (ScriptResult, After) {
        let mut runner = Runner::new(script);
        let mut after = After::There;
        while let Some(due) = runner.next_command() {
            screen.progress(due.text, due.percent);
            let limit = Duration::from_millis(due.ms.into()).max(ANSWER_MIN);
            let command = due.command.to_vec();
            let began = Instant::now();
            self.window.command(began);
            let answer = self.card.answer_within(limit).and_then(|()| self.card.transmit(&command));
            let ended = Instant::now();
            match answer {
                Ok(response) => {
                    self.window.last = Some(ended);
                    runner.on_response(&response, u32::try_from((ended - began).as_millis()).unwrap_or(u32::MAX));
                }
                Err(error) => {
                    after = After::Gone;
                    runner.stop(if matches!(error, Error::CardSilent { .. }) { End::Timeout } else { End::CardGone });
                }
            }
        }
        (runner.result(seq), after)
    }
}
