//! How fast a place starts workers: at once after the first end, slower after each failure, and resets only so often.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Wait after the first failure in a row; doubled after each further one.
const WAIT_FIRST: Duration = Duration::from_millis(50);

/// Longest wait: a token that is back is in use again within seconds.
const WAIT_MAX: Duration = Duration::from_secs(2);

/// A worker that lived this long ended by a new fault, not by the one before.
const LONG: Duration = Duration::from_secs(5);

/// Resets of one place in [`RESET_SPAN`]: a library that loses its session again and again is not cured by starting it.
const RESETS_MAX: usize = 5;

/// The span in which resets are counted.
const RESET_SPAN: Duration = Duration::from_secs(60);

/// The pace of one place.
#[derive(Debug, Default)]
pub(super) struct Pace {
    failures: u32,
    resets: VecDeque<Instant>,
}

impl Pace {
    /// How long to wait after a start that failed.
    pub(super) fn after_failure(&mut self) -> Duration {
        let wait = WAIT_FIRST.saturating_mul(1 << self.failures.min(6)).min(WAIT_MAX);
        self.failures = self.failures.saturating_add(1);
        wait
    }

    /// How long to wait after the end of a worker that served for this long.
    pub(super) fn after_end(&mut self, served: Duration) -> Duration {
        if served >= LONG {
            self.failures = 0;
        }
        if self.failures == 0 {
            self.failures = 1;
            return Duration::ZERO;
        }
        self.after_failure()
    }

    /// A worker answered: whatever was wrong is over.
    pub(super) fn answered(&mut self) {
        self.failures = 0;
    }

    /// How long to wait before the next reset, which is counted with this.
    pub(super) fn before_reset(&mut self, now: Instant) -> Duration {
        self.resets.retain(|reset| now.saturating_duration_since(*reset) < RESET_SPAN);
        let wait = if self.resets.len() < RESETS_MAX {
            Duration::ZERO
        } else {
            let oldest = self.resets.pop_front();
            oldest.map_or(Duration::ZERO, |oldest| (oldest + RESET_SPAN).saturating_duration_since(now))
        };
        self.resets.push_back(now + wait);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_slow_down_to_two_seconds_and_an_answer_ends_that() {
        let mut pace = Pace::default();
        assert_eq!(pace.after_end(Duration::ZERO), Duration::ZERO, "the first end is no pattern");
        let waits: Vec<_> = (0..7).map(|_| pace.after_failure().as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 2000, 2000]);
        assert_eq!(pace.after_end(LONG), Duration::ZERO);
        pace.answered();
        assert_eq!(pace.after_failure(), WAIT_FIRST);
    }

    #[test]
    fn a_sixth_reset_in_a_minute_waits_for_the_first_to_be_a_minute_old() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        let at = |second| now + Duration::from_secs(second);
        for second in 0..5 {
            assert_eq!(pace.before_reset(at(second)), Duration::ZERO);
        }
        assert_eq!(pace.before_reset(at(10)), Duration::from_secs(50));
        assert_eq!(pace.before_reset(at(60)), Duration::from_secs(1));
        assert_eq!(pace.before_reset(at(200)), Duration::ZERO);
    }
}
