//! The person's wish to stop: Ctrl-C, or SIGTERM.
//!
//! It is heard between two things to do. Commands that were begun on a card are run to their end, and what the card answered
//! gets a few seconds to reach the centre. A second Ctrl-C ends the program at once.

use fuda_cli::StopSignal;
use std::cell::OnceCell;
use std::time::{Duration, Instant};

/// How long an answer that is under way is still waited for.
const GRACE: Duration = Duration::from_secs(3);

/// Whether somebody wants this to end, and since when.
#[derive(Debug, Clone)]
pub(super) struct Stop {
    signal: StopSignal,
    heard: OnceCell<Instant>,
}

impl Stop {
    pub(super) const fn new(signal: StopSignal) -> Self {
        Self { signal, heard: OnceCell::new() }
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.signal.is_set()
    }

    /// Whether it has been wanted for so long that nothing is waited for any more.
    pub(super) fn is_overdue(&self) -> bool {
        self.is_wanted() && self.heard.get_or_init(Instant::now).elapsed() > GRACE
    }
}
