//! A card in somebody's hand, and in a reader for the time of a contact.

use crate::activation::player::Power;
use crate::cuts::job::Contents;
use crate::cuts::reader::{Sight, look};
use fuda_card::profile::Application;
use fuda_card_sim::fault::{Faults, Kind, Step};
use fuda_card_sim::report::Secrets;
use fuda_card_sim::{Card, Exchange};
use std::path::Path;

/// CLA and INS of EXTERNAL AUTHENTICATE.
const EXTERNAL_AUTHENTICATE: [u8; 2] = [0x84, 0x82];

/// What a reader that follows the rules sees of the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// It is not in use.
    Blank,
    /// In use, with all that its member's is to have.
    Whole,
    /// In use, with something else.
    Mixed,
}

/// A card.
pub(super) struct Hand {
    card: Option<Card>,
    /// Tries at its keys that were burned.
    burned: usize,
}

impl Hand {
    /// The card in a file.
    pub(super) fn of(file: &Path) -> Self {
        Self { card: Some(Card::open(file).unwrap()), burned: 0 }
    }

    /// Puts it into a reader.
    pub(super) fn put_in(&mut self) {
        let _ = self.card.as_mut().unwrap().power_on();
    }

    /// Passes a command on; no answer comes when power fails.
    pub(super) fn pass(&mut self, command: &[u8], power: Power) -> Vec<u8> {
        if let Power::Fails(bytes) = power {
            let faults = Faults::new([(Step::Command(1), Kind::Tear(bytes))]);
            self.card = self.card.take().map(|card| card.with_faults(faults));
        }
        let tries = if command.starts_with(&EXTERNAL_AUTHENTICATE) { Some(self.failures()) } else { None };
        let answer = self.card.as_mut().unwrap().exchange(command);
        // A right authentication clears the card's count.
        self.burned += tries.map_or(0, |before| self.failures().saturating_sub(before));
        match answer {
            Exchange::Answer { bytes, .. } => bytes,
            Exchange::PulledOut | Exchange::Hung => Vec::new(),
        }
    }

    /// Wrong authentications that the card counts now.
    fn failures(&self) -> usize {
        usize::from(self.card.as_ref().unwrap().report(Secrets::Hidden).failures)
    }

    /// Tries at its keys that were burned: the card counts them, and delays the next one.
    pub(super) const fn burned(&self) -> usize {
        self.burned
    }

    /// Whoever relays two sessions to the card at once, or sends what it must not, burns tries by that, as anybody with a telephone can: they are nobody else's.
    pub(super) const fn forgive(&mut self, burned: usize) {
        self.burned = burned;
    }

    /// What its memory holds, for a reader that expects these contents.
    pub(super) fn seen(&self, application: &Application, expected: &Contents) -> Seen {
        match look(self.card.as_ref().unwrap(), application) {
            Sight::NotInUse => Seen::Blank,
            Sight::InUse(contents) if contents == *expected => Seen::Whole,
            Sight::InUse(_) => Seen::Mixed,
        }
    }
}
