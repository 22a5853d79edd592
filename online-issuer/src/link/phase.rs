//! Whether a node takes new work. Stop means: take no more, finish what is held, then end.

use std::time::Duration;
use tokio::sync::watch;

/// Longest time that a node that stops waits for terminals with a card in hand: what a script may hold it, and the way to the centre.
pub(crate) const DRAIN_MAX: Duration = Duration::from_secs(75);

/// What a node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It takes sessions.
    Serving,
    /// It takes none, and finishes those that it has.
    Draining,
}

/// Tells every part of a node its phase.
#[derive(Debug, Clone)]
pub struct PhaseSwitch {
    sender: watch::Sender<Phase>,
}

impl Default for PhaseSwitch {
    fn default() -> Self {
        Self { sender: watch::Sender::new(Phase::Serving) }
    }
}

impl PhaseSwitch {
    /// The phase now.
    #[must_use]
    pub fn now(&self) -> Phase {
        *self.sender.borrow()
    }

    /// No more sessions from now on.
    pub fn drain(&self) {
        self.sender.send_replace(Phase::Draining);
    }

    /// Returns when the node drains.
    pub async fn draining(&self) {
        let mut receiver = self.sender.subscribe();
        // The sender lives as long as this handle.
        let _ = receiver.wait_for(|phase| *phase == Phase::Draining).await;
    }
}
