//! What the encoders of a line share: how many cards are still wanted, how many are in hand, and whether to stop.

use crate::order::LineRules;
use std::collections::HashMap;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How often a waiting encoder looks whether it should stop: below what a person at the line notices.
const WAIT: Duration = Duration::from_millis(100);

/// The shared state of a running line.
#[derive(Debug)]
pub(super) struct Floor {
    state: Mutex<State>,
    changed: Condvar,
    rules: LineRules,
}

#[derive(Debug)]
struct State {
    wanted: u64,
    in_hand: u64,
    failures: u32,
    failures_by_encoder: HashMap<String, u32>,
    end: Option<End>,
}

/// Why the line takes no more cards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Every wanted card is good.
    Complete,
    /// `--limit` cards are good.
    Limit,
    /// The first articles are good and wait for a second person.
    FirstArticle,
    /// A person asked for it (SIGINT or SIGTERM).
    Asked,
    /// No card was put in for the time allowed.
    Idle,
    /// So many cards in a row failed that the stack, not a card, is bad.
    Failures {
        /// Failures in a row.
        count: u32,
    },
    /// Every encoder is quarantined.
    Quarantined,
    /// HSM, store or serials: nothing can be issued.
    Fault,
}

/// Whether an encoder may begin with the card that was put in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// Begin.
    Granted,
    /// The line ends; leave the card as it is.
    Ended,
}

impl Floor {
    pub(super) fn new(wanted: u64, encoders: impl IntoIterator<Item = String>, rules: LineRules) -> Self {
        let failures_by_encoder = encoders.into_iter().map(|name| (name, 0)).collect();
        let end = (wanted == 0).then_some(End::Complete);
        let state = State { wanted, in_hand: 0, failures: 0, failures_by_encoder, end };
        Self { state: Mutex::new(state), changed: Condvar::new(), rules }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // A panic elsewhere leaves plain counters, which stay true.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the line ends, when it does.
    pub(super) fn end(&self) -> Option<End> {
        self.lock().end.clone()
    }

    /// Ends the line; the first reason stays.
    pub(super) fn stop(&self, end: End) {
        self.lock().end.get_or_insert(end);
        self.changed.notify_all();
    }

    /// Cards that are being worked on.
    pub(super) fn in_hand(&self) -> u64 {
        self.lock().in_hand
    }

    /// Waits until another card is wanted; false when the line ends.
    pub(super) fn wants_card(&self) -> bool {
        let mut state = self.lock();
        while state.end.is_none() && state.in_hand >= state.wanted {
            state = self.changed.wait_timeout(state, WAIT).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.end.is_none()
    }

    /// Claims one of the wanted cards for the card in hand.
    pub(super) fn claim(&self) -> Claim {
        let mut state = self.lock();
        loop {
            if state.end.is_some() {
                return Claim::Ended;
            }
            if state.in_hand < state.wanted {
                state.in_hand += 1;
                return Claim::Granted;
            }
            state = self.changed.wait_timeout(state, WAIT).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// A claimed card is good.
    pub(super) fn good(&self, encoder: &str) {
        let mut state = self.lock();
        state.in_hand -= 1;
        state.wanted -= 1;
        state.failures = 0;
        if let Some(failures) = state.failures_by_encoder.get_mut(encoder) {
            *failures = 0;
        }
        if state.wanted == 0 {
            state.end.get_or_insert(End::Complete);
        }
        self.changed.notify_all();
    }

    /// A card is not good, or did not start; true when its encoder is quarantined from here on.
    pub(super) fn failed(&self, encoder: &str) -> bool {
        let mut state = self.lock();
        state.failures += 1;
        if state.failures >= self.rules.stop_after {
            let count = state.failures;
            state.end.get_or_insert(End::Failures { count });
        }
        let Some(failures) = state.failures_by_encoder.get_mut(encoder) else { return false };
        *failures += 1;
        let quarantined = *failures >= self.rules.quarantine_after;
        if quarantined {
            state.failures_by_encoder.remove(encoder);
            if state.failures_by_encoder.is_empty() {
                state.end.get_or_insert(End::Quarantined);
            }
        }
        self.changed.notify_all();
        quarantined
    }

    /// A claimed card is no longer in hand, and not good.
    pub(super) fn put_back(&self) {
        self.lock().in_hand -= 1;
        self.changed.notify_all();
    }
}
