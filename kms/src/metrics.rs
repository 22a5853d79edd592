//! What the workers have done, as numbers.

use crate::worker::Failed;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Counters since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Metrics {
    /// Requests answered, failures included.
    pub requests: u64,
    /// Requests answered with an error.
    pub failures: u64,
    /// Calls tried again.
    pub retries: u64,
    /// PKCS#11 functions called for cards.
    pub calls: u64,
    /// Time that requests waited in the queue, in microseconds.
    pub queued_us: u64,
    /// Time that workers spent on requests, in microseconds.
    pub busy_us: u64,
}

/// The same, written by many threads.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    requests: AtomicU64,
    failures: AtomicU64,
    retries: AtomicU64,
    calls: AtomicU64,
    queued_us: AtomicU64,
    busy_us: AtomicU64,
}

impl Counters {
    pub(crate) fn request(&self, queued: Duration, busy: Duration, failed: Failed) {
        self.requests.fetch_add(1, Relaxed);
        self.failures.fetch_add(u64::from(failed == Failed::Yes), Relaxed);
        self.queued_us.fetch_add(microseconds(queued), Relaxed);
        self.busy_us.fetch_add(microseconds(busy), Relaxed);
    }

    pub(crate) fn calls(&self, calls: u32) {
        self.calls.fetch_add(u64::from(calls), Relaxed);
    }

    pub(crate) fn retry(&self) {
        self.retries.fetch_add(1, Relaxed);
    }

    pub(crate) fn snapshot(&self) -> Metrics {
        Metrics {
            requests: self.requests.load(Relaxed),
            failures: self.failures.load(Relaxed),
            retries: self.retries.load(Relaxed),
            calls: self.calls.load(Relaxed),
            queued_us: self.queued_us.load(Relaxed),
            busy_us: self.busy_us.load(Relaxed),
        }
    }
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
