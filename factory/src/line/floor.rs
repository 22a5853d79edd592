//! What the encoders of a line share: how many cards are still wanted, how many it may make good, how many are in hand, and whether to stop.
//!
//! A card in hand needs a right that the line holds (see the lease of the journal). An encoder that has a card and no right waits; whoever
//! watches the floor claims rights for those that wait.

use crate::order::LineRules;
use std::collections::{HashMap, HashSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
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
    /// Cards that this run may still make by its own limit.
    left: u64,
    /// Cards that the job still wants, of all lines.
    wanted: u64,
    /// Cards that this line may make good.
    rights: u64,
    in_hand: u64,
    /// Encoders with a card and no right.
    waiting: u64,
    is_paused: bool,
    failures: u32,
    failures_by_encoder: HashMap<String, u32>,
    quarantined: HashSet<String>,
    end: Option<End>,
}

impl State {
    fn free(&self) -> u64 {
        self.rights.saturating_sub(self.in_hand)
    }
}

/// Why the line takes no more cards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The job wants no card more now: all are good, or the first articles are and wait for a second person.
    Complete,
    /// So many cards as this run was to make are good.
    Limit,
    /// A person asked for it (SIGINT or SIGTERM).
    Asked,
    /// A person cancelled the job.
    Cancelled,
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

/// What an encoder is to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Take a card.
    Take,
    /// Nothing more: the line ends.
    Leave,
}

impl Floor {
    /// A floor for a run that makes at most `left` cards of a job that wants so many.
    pub(super) fn new(left: u64, wanted: u64, encoders: impl IntoIterator<Item = String>, rules: LineRules) -> Self {
        let state = State {
            left,
            wanted,
            rights: 0,
            in_hand: 0,
            waiting: 0,
            is_paused: false,
            failures: 0,
            failures_by_encoder: encoders.into_iter().map(|name| (name, 0)).collect(),
            quarantined: HashSet::new(),
            end: (wanted == 0).then_some(End::Complete),
        };
        Self { state: Mutex::new(state), changed: Condvar::new(), rules }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves plain counters, which stay true.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        self.changed.wait_timeout(state, WAIT).unwrap_or_else(PoisonError::into_inner).0
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

    /// Holds the line, or lets it go on.
    pub(super) fn hold(&self, hold: Hold) {
        self.lock().is_paused = hold == Hold::Paused;
        self.changed.notify_all();
    }

    /// Cards that are being worked on.
    pub(super) fn in_hand(&self) -> u64 {
        self.lock().in_hand
    }

    /// How many rights more the encoders want that wait with a card.
    pub(super) fn hungry(&self) -> u64 {
        let state = self.lock();
        if state.is_paused || state.end.is_some() { 0 } else { state.waiting.saturating_sub(state.free()) }
    }

    /// Rights that no card needs now.
    pub(super) fn spare(&self) -> u64 {
        let state = self.lock();
        state.free().saturating_sub(state.waiting)
    }

    /// Rights that the line has got.
    pub(super) fn grant(&self, rights: u64) {
        self.lock().rights += rights;
        self.changed.notify_all();
    }

    /// Takes rights away that no card needs; answers how many there were.
    pub(super) fn withdraw(&self, rights: u64) -> u64 {
        let mut state = self.lock();
        let rights = rights.min(state.free());
        state.rights -= rights;
        rights
    }

    /// Whether no card seems to be wanted any more. Only the store knows: a card that was sealed while the store was being asked is counted
    /// twice here.
    pub(super) fn seems_complete(&self) -> bool {
        let state = self.lock();
        state.wanted == 0 && state.end.is_none()
    }

    /// How many cards the job still wants, of all lines, as the store says; the line ends when it is none.
    pub(super) fn wants(&self, wanted: u64) {
        let mut state = self.lock();
        // What this line has in hand is wanted, whatever was counted a moment ago.
        state.wanted = wanted.max(state.in_hand);
        if state.wanted == 0 {
            state.end.get_or_insert(End::Complete);
        }
        self.changed.notify_all();
    }

    /// Waits until another card is wanted from an encoder, which may be in quarantine meanwhile.
    pub(super) fn turn(&self, encoder: &str) -> Turn {
        let mut state = self.lock();
        while state.end.is_none()
            && (state.is_paused
                || state.quarantined.contains(encoder)
                || state.in_hand + state.waiting >= state.left.min(state.wanted))
        {
            state = self.wait(state);
        }
        if state.end.is_none() { Turn::Take } else { Turn::Leave }
    }

    /// Claims one of the wanted cards for the card in hand; `ask` is called once when the line has no right for it.
    pub(super) fn claim(&self, ask: impl Fn()) -> Claim {
        let mut state = self.lock();
        state.waiting += 1;
        if state.free() < state.waiting {
            ask();
        }
        while state.end.is_none() && (state.is_paused || state.free() == 0 || state.in_hand >= state.left) {
            state = self.wait(state);
        }
        state.waiting -= 1;
        if state.end.is_some() {
            return Claim::Ended;
        }
        state.in_hand += 1;
        Claim::Granted
    }

    /// A claimed card is good.
    pub(super) fn good(&self, encoder: &str) {
        let mut state = self.lock();
        state.in_hand -= 1;
        state.rights = state.rights.saturating_sub(1);
        state.wanted = state.wanted.saturating_sub(1);
        state.left -= 1;
        state.failures = 0;
        if let Some(failures) = state.failures_by_encoder.get_mut(encoder) {
            *failures = 0;
        }
        if state.left == 0 {
            state.end.get_or_insert(End::Limit);
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
        let is_out = *failures >= self.rules.quarantine_after;
        if is_out {
            state.failures_by_encoder.remove(encoder);
            state.quarantined.insert(encoder.to_owned());
            if state.failures_by_encoder.is_empty() {
                state.end.get_or_insert(End::Quarantined);
            }
        }
        self.changed.notify_all();
        is_out
    }

    /// Puts encoders that a person released back into service; answers those that were out.
    pub(super) fn release(&self, working: &[String]) -> Vec<String> {
        let mut state = self.lock();
        let back: Vec<String> = working.iter().filter(|name| state.quarantined.contains(*name)).cloned().collect();
        for name in &back {
            state.quarantined.remove(name);
            state.failures_by_encoder.insert(name.clone(), 0);
        }
        self.changed.notify_all();
        back
    }

    /// A claimed card is no longer in hand, and not good.
    pub(super) fn put_back(&self) {
        self.lock().in_hand -= 1;
        self.changed.notify_all();
    }
}

/// Whether a line takes cards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    /// It does not, until it is continued.
    Paused,
    /// It does.
    Going,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line that has one of the two last cards in hand, and the store already has that one sealed when it is asked.
    #[test]
    fn a_card_that_is_sealed_while_the_store_is_asked_does_not_end_the_line_one_short() {
        let floor = Floor::new(u64::MAX, 2, ["a".to_owned()], LineRules::default());
        floor.grant(2);
        assert_eq!(floor.claim(|| {}), Claim::Granted);
        floor.wants(1);
        floor.good("a");
        assert_eq!(floor.end(), None);
        assert!(floor.seems_complete(), "the store is to be asked");
        floor.wants(1);
        assert_eq!(floor.turn("a"), Turn::Take);
        assert_eq!(floor.claim(|| {}), Claim::Granted);
        floor.good("a");
        floor.wants(0);
        assert_eq!(floor.end(), Some(End::Complete));
    }
}
