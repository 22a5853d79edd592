//! Time: who tells it, and how it is written (RFC 3339).
//!
//! Two spellings exist. [`stored`] is for columns: UTC, milliseconds, fixed width, so that text order is time order. [`written`] is for files
//! that people read: local time with its offset, whole seconds.

use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Tells the time and the zone in which people want to read it.
pub trait Clock: Send + Sync + Debug {
    /// The present moment.
    fn now(&self) -> Timestamp;

    /// The zone of the site.
    fn zone(&self) -> TimeZone;
}

/// The clock and zone of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn zone(&self) -> TimeZone {
        TimeZone::system()
    }
}

/// A clock that stands still until it is told otherwise: for tests and golden files.
#[derive(Debug)]
pub struct SetClock {
    now: Mutex<Timestamp>,
    zone: TimeZone,
}

impl SetClock {
    /// A clock that stands at `now` in `zone`.
    #[must_use]
    pub fn new(now: Timestamp, zone: TimeZone) -> Self {
        Self { now: Mutex::new(now), zone }
    }

    /// Puts the hands to `now`.
    pub fn set(&self, now: Timestamp) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Moves the hands by `step`; a step beyond the calendar leaves them.
    pub fn advance(&self, step: SignedDuration) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.checked_add(step).unwrap_or(*now);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn zone(&self) -> TimeZone {
        self.zone.clone()
    }
}

/// The time as a column holds it: `2026-04-17T00:30:00.000Z`, UTC, fixed width.
#[must_use]
pub fn stored(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// The time as a file tells it: `2026-04-17T09:30:00+09:00`, in `zone`, whole seconds.
#[must_use]
pub fn written(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_parse_back_and_the_stored_one_sorts() {
        let early: Timestamp = "2026-04-17T00:30:00.0459Z".parse().unwrap();
        let zone = TimeZone::fixed(jiff::tz::offset(9));
        assert_eq!(stored(early), "2026-04-17T00:30:00.045Z");
        assert_eq!(written(early, &zone), "2026-04-17T09:30:00+09:00");
        assert_eq!(written(early, &TimeZone::UTC), "2026-04-17T00:30:00+00:00");
        assert_eq!(written(early, &zone).parse::<Timestamp>().unwrap().as_second(), early.as_second());
        let late = early + SignedDuration::from_millis(1);
        assert!(stored(early) < stored(late));
    }

    #[test]
    fn a_set_clock_moves_only_when_told() {
        let start: Timestamp = "2026-04-17T00:00:00Z".parse().unwrap();
        let clock = SetClock::new(start, TimeZone::UTC);
        assert_eq!(clock.now(), start);
        clock.advance(SignedDuration::from_hours(24));
        assert_eq!(stored(clock.now()), "2026-04-18T00:00:00.000Z");
        clock.set(start);
        assert_eq!(clock.now(), start);
    }
}
