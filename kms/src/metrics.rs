//! What the workers have done, as numbers.

use crate::error::Error;
use crate::fault::Fault;
use crate::worker::Done;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Different return values that are counted by name; PKCS #11 has about a hundred.
const VALUES_MAX: usize = 128;

/// Counters since the start.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
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
    /// The longest of these waits, in microseconds.
    pub queued_us_max: u64,
    /// Time that workers spent on requests, in microseconds.
    pub busy_us: u64,
    /// Worker processes that got ready.
    pub starts: u64,
    /// Starts that failed.
    pub failed_starts: u64,
    /// Workers that ended or were killed by somebody else.
    pub deaths: u64,
    /// Workers that did not answer in time and were killed.
    pub timeouts: u64,
    /// Workers that were replaced because their library or session could not be brought back.
    pub resets: u64,
    /// Workers that were replaced because the registry changed after their copy of the token was made.
    pub renewals: u64,
    /// Workers that were replaced because they had derived enough.
    pub recycles: u64,
    /// Requests given to another worker.
    pub handed_over: u64,
    /// Errors by PKCS#11 return value, tried again or not.
    pub errors: BTreeMap<String, u64>,
    /// Every worker place, in order; empty when workers are threads.
    pub workers: Vec<WorkerMetrics>,
}

/// One place of the pool.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct WorkerMetrics {
    /// What its worker does.
    pub state: WorkerState,
    /// Process id of the worker that serves.
    pub pid: Option<u32>,
    /// Requests that this worker answered.
    pub requests: u64,
    /// Objects derived by it.
    pub derived: u64,
    /// What keeps it from starting.
    pub fault: Option<Fault>,
}

/// What the worker of a place does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerState {
    /// It is on its way to the token.
    #[default]
    Starting,
    /// It waits for a request or answers one.
    Serving,
    /// It could not start; another try follows.
    Failed,
    /// It ended with the pool.
    Ended,
}

/// What one piece of work took, as its worker counted it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tally {
    pub(crate) calls: u32,
    pub(crate) retries: u64,
    /// Return values met, by name.
    pub(crate) errors: BTreeMap<String, u64>,
}

impl Tally {
    /// Counts an error's return value.
    pub(crate) fn value(&mut self, error: &Error) {
        if let Error::Token { value, .. } | Error::PinRefused { value, .. } = error {
            *self.errors.entry(value.to_string()).or_default() += 1;
        }
    }
}

/// What the pool counts by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Start,
    FailedStart,
    Death,
    Timeout,
    Reset,
    Renewal,
    Recycle,
    HandedOver,
}

/// The same, written by many threads.
#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<Metrics>);

impl Counters {
    /// A request was answered.
    pub(crate) fn done(&self, done: &Done, queued: Duration, busy: Duration) {
        let failures = u64::from(done.outcome.is_err());
        self.request(&done.tally, failures, queued, busy);
    }

    /// A request was answered with an error by the pool itself.
    pub(crate) fn refused(&self, queued: Duration) {
        self.request(&Tally::default(), 1, queued, Duration::ZERO);
    }

    fn request(&self, tally: &Tally, failures: u64, queued: Duration, busy: Duration) {
        self.change(|metrics| {
            metrics.requests += 1;
            metrics.failures += failures;
            metrics.retries += tally.retries;
            metrics.calls += u64::from(tally.calls);
            metrics.queued_us += microseconds(queued);
            metrics.queued_us_max = metrics.queued_us_max.max(microseconds(queued));
            metrics.busy_us += microseconds(busy);
            metrics.add(&tally.errors);
        });
    }

    /// Something happened to a worker.
    pub(crate) fn event(&self, event: Event) {
        self.change(|metrics| {
            let counter = match event {
                Event::Start => &mut metrics.starts,
                Event::FailedStart => &mut metrics.failed_starts,
                Event::Death => &mut metrics.deaths,
                Event::Timeout => &mut metrics.timeouts,
                Event::Reset => &mut metrics.resets,
                Event::Renewal => &mut metrics.renewals,
                Event::Recycle => &mut metrics.recycles,
                Event::HandedOver => &mut metrics.handed_over,
            };
            *counter += 1;
        });
    }

    /// Makes room for so many workers.
    pub(crate) fn places(&self, count: usize) {
        self.change(|metrics| metrics.workers.resize(count, WorkerMetrics::default()));
    }

    /// Changes what is told of one worker.
    pub(crate) fn worker(&self, number: usize, change: impl FnOnce(&mut WorkerMetrics)) {
        self.change(|metrics| {
            if let Some(worker) = metrics.workers.get_mut(number) {
                change(worker);
            }
        });
    }

    pub(crate) fn snapshot(&self) -> Metrics {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut Metrics)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Metrics {
    /// What went wrong with workers, in words; nothing when all went well.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let counts = [
            (self.deaths, "died"),
            (self.timeouts, "hung and were killed"),
            (self.resets, "lost their session and were replaced"),
            (self.failed_starts, "could not start"),
        ];
        let words: Vec<_> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        let handed_over = format!("; {} requests were given to another", self.handed_over);
        (!words.is_empty()).then(|| words.join(", ") + if self.handed_over > 0 { &handed_over } else { "" })
    }

    fn add(&mut self, errors: &BTreeMap<String, u64>) {
        for (value, count) in errors {
            if self.errors.len() < VALUES_MAX || self.errors.contains_key(value) {
                *self.errors.entry(value.clone()).or_default() += count;
            }
        }
    }
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_told_in_words_and_its_absence_is_not() {
        let mut metrics = Metrics { starts: 4, renewals: 2, recycles: 9, ..Metrics::default() };
        assert_eq!(metrics.trouble(), None);
        metrics.timeouts = 1;
        assert_eq!(metrics.trouble().unwrap(), "1 hung and were killed");
        (metrics.deaths, metrics.handed_over) = (3, 2);
        assert_eq!(metrics.trouble().unwrap(), "3 died, 1 hung and were killed; 2 requests were given to another");
    }
}
