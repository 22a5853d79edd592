//! How many cards an hour, looking back one minute.

use std::time::{Duration, Instant};

/// How far back a rate looks, in seconds: long enough for a slow encoder, short enough that a person sees a change.
const WINDOW_S: u64 = 60;
/// The same, to count places.
const PLACES: usize = 60;

/// Good cards of the last minute, by the second.
#[derive(Debug)]
pub(super) struct Recent {
    began: Instant,
    seconds: [u32; PLACES],
    /// The second, counted from the beginning, up to which older counts were cleared.
    cleared_to: u64,
}

impl Recent {
    pub(super) const fn from(began: Instant) -> Self {
        Self { began, seconds: [0; PLACES], cleared_to: 0 }
    }

    /// Counts a card.
    pub(super) fn add(&mut self, now: Instant) {
        let second = self.turn(now);
        if let Some(count) = self.seconds.get_mut(place(second)) {
            *count += 1;
        }
    }

    /// Cards an hour.
    pub(super) fn per_hour(&mut self, now: Instant) -> f64 {
        self.turn(now);
        let cards: u32 = self.seconds.iter().sum();
        let passed = now.saturating_duration_since(self.began).min(Duration::from_secs(WINDOW_S));
        f64::from(cards) * 3600.0 / passed.as_secs_f64().max(1.0)
    }

    /// Clears the seconds that have passed since the last call; answers the present one.
    fn turn(&mut self, now: Instant) -> u64 {
        let second = now.saturating_duration_since(self.began).as_secs();
        let first = (self.cleared_to + 1).max((second + 1).saturating_sub(WINDOW_S));
        for passed in first..=second {
            if let Some(count) = self.seconds.get_mut(place(passed)) {
                *count = 0;
            }
        }
        self.cleared_to = self.cleared_to.max(second);
        second
    }
}

/// Where the count of a second is.
fn place(second: u64) -> usize {
    usize::try_from(second % WINDOW_S).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_forgets_what_is_older_than_a_minute() {
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let mut recent = Recent::from(began);
        assert!(recent.per_hour(at(0)).abs() < 0.1);
        for second in 0..10 {
            recent.add(at(second));
        }
        assert!((recent.per_hour(at(10)) - 3600.0).abs() < 0.1, "ten cards in ten seconds");
        assert!((recent.per_hour(at(59)) - 36_000.0 / 59.0).abs() < 0.1);
        // Of the first ten seconds, the last four are in the minute before second 65.
        assert!((recent.per_hour(at(65)) - 4.0 * 60.0).abs() < 0.1);
        assert!(recent.per_hour(at(1_000_000)).abs() < 0.1);
        recent.add(at(1_000_000));
        assert!((recent.per_hour(at(1_000_001)) - 60.0).abs() < 0.1);
    }
}
