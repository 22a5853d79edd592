//! How often a transaction is run again, and for how long a connection is sought.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::Error;
use crate::engine::Patience;

/// Times that a transaction which was in another's way is run again: two that meet part at the first, and more mean that something
/// else is wrong.
const CONFLICTS_MAX: u32 = 8;

/// The longest pause after the first conflict; it doubles each time.
const CONFLICT_PAUSE: Duration = Duration::from_millis(5);

/// Between two attempts to connect.
const CONNECT_PAUSE: Duration = Duration::from_millis(250);

/// The tries of one transaction.
#[derive(Debug)]
pub(crate) struct Tries {
    conflicts: u32,
    reconnect: Option<Duration>,
    lost_at: Option<Instant>,
}

impl Tries {
    pub(crate) const fn new(patience: Patience) -> Self {
        Self { conflicts: 0, reconnect: patience.reconnect, lost_at: None }
    }

    /// Pauses and says yes when another transaction was in the way and it is worth another try.
    pub(crate) async fn after_conflict(&mut self, error: &Error) -> bool {
        if !matches!(error, Error::Conflict { .. }) || self.conflicts >= CONFLICTS_MAX {
            return false;
        }
        // Pauses of two that met must differ, or they meet again.
        let most_us = u64::try_from(CONFLICT_PAUSE.as_micros()).unwrap_or(u64::MAX) << self.conflicts;
        self.conflicts += 1;
        sleep(Duration::from_micros(RandomState::new().hash_one(self.conflicts) % most_us.max(1))).await;
        true
    }

    /// Pauses and says yes while the lost connection is still sought.
    pub(crate) async fn after_loss(&mut self) -> bool {
        let left = self.left_from_now();
        sleep(CONNECT_PAUSE.min(left)).await;
        !left.is_zero()
    }

    /// How long the lost connection is still sought; the first question starts the clock.
    pub(crate) fn left_from_now(&mut self) -> Duration {
        let Some(reconnect) = self.reconnect else { return Duration::ZERO };
        let lost_at = *self.lost_at.get_or_insert_with(Instant::now);
        reconnect.saturating_sub(lost_at.elapsed())
    }
}
