#![doc = include_str!("../README.md")]

mod bytes;
mod line;
mod pattern;
mod play;

pub(crate) use line::ChipForm;
pub(crate) use play::{Played, play};

use fuda_card::Transport;
use std::time::Duration;

/// A transport with a hand at it: what a dialogue asks for besides commands.
pub(crate) trait Bench: Transport {
    /// Puts a new chip in.
    fn blank(&mut self, form: ChipForm) -> Result<(), Unable>;
    /// Warm reset.
    fn reset(&mut self) -> Result<(), Unable>;
    /// Power off and on.
    fn power(&mut self) -> Result<(), Unable>;
    /// What goes wrong with the next command, in the words of the simulator.
    fn fault(&mut self, kind: &str) -> Result<(), Unable>;
    /// How long the card took for its last answer, where the bench knows it exactly.
    fn took(&self) -> Option<Duration>;
}

/// This bench has no such hand; the dialogue is left out there.
#[derive(Debug)]
pub(crate) struct Unable(pub(crate) &'static str);
