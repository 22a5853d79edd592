//! What a line does beside its cards: it says that it lives, hears what people want, claims rights for the cards that wait, and watches the
//! job's key versions.

use super::floor::{End, Floor, Hold};
use super::{Line, LineEvent, Memory, Pins};
use fuda_issuance::{Control, Error, Lease};
use std::time::{Duration, Instant};

/// Between two signs of life: whoever pauses a job, suspends a key or releases an encoder is heard within two of them.
const BEAT: Duration = Duration::from_millis(800);

/// While the job has so many cards to give for each encoder, a line claims ahead; below, each card is claimed when it is there, so that
/// another line with cards at hand never waits for one without.
const PLENTY: u64 = 8;
/// Cards for each encoder that are claimed at once while there are plenty: one in hand and the next.
const AHEAD: u64 = 2;

pub(super) struct Supply<'a> {
    lease: &'a Lease,
    pins: &'a Pins,
    memory: &'a Memory,
    floor: &'a Floor,
    encoders: u64,
    unclaimed: u64,
    is_paused: bool,
    beaten: Instant,
    asked: Instant,
}

/// Between two questions for a right that nobody had to give.
const ASK_AGAIN: Duration = Duration::from_millis(200);

impl<'a> Supply<'a> {
    pub(super) fn new(line: &'a Line<'_>, floor: &'a Floor) -> Self {
        let (lease, pins, memory) = (line.lease, &line.pins, &line.memory);
        let encoders = u64::try_from(line.encoders.len()).unwrap_or(u64::MAX);
        let unclaimed = line.wanted.1;
        let now = Instant::now();
        let before = now.checked_sub(BEAT).unwrap_or(now);
        Self { lease, pins, memory, floor, encoders, unclaimed, is_paused: false, beaten: before, asked: before }
    }

    /// Whether a person holds the line.
    pub(super) const fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// Does what is due; `tell` hears what an operator should know.
    pub(super) fn tend(&mut self, tell: &mut impl FnMut(LineEvent)) -> Result<(), Error> {
        if self.beaten.elapsed() >= BEAT || self.floor.seems_complete() {
            self.beaten = Instant::now();
            self.beat(tell)?;
        }
        let hungry = self.floor.hungry();
        if hungry > 0 && (self.unclaimed > 0 || self.asked.elapsed() >= ASK_AGAIN) {
            self.asked = Instant::now();
            let ahead = if self.unclaimed > self.encoders * PLENTY { self.encoders * AHEAD } else { 0 };
            let got = self.lease.claim(hungry.max(ahead))?;
            self.unclaimed = self.unclaimed.saturating_sub(got);
            self.floor.grant(got);
        }
        Ok(())
    }

    fn beat(&mut self, tell: &mut impl FnMut(LineEvent)) -> Result<(), Error> {
        self.pins.check()?;
        let beat = self.lease.beat()?;
        self.memory.note(&beat)?;
        self.unclaimed = beat.unclaimed;
        let is_paused = beat.control == Control::Paused;
        // First it takes no more cards, then it tells how many it has.
        self.floor.hold(if is_paused { Hold::Paused } else { Hold::Going });
        if is_paused != self.is_paused {
            tell(if is_paused { LineEvent::Paused { in_hand: self.floor.in_hand() } } else { LineEvent::Continued });
        }
        self.is_paused = is_paused;
        if matches!(beat.control, Control::Cancelled | Control::Closed) {
            self.floor.stop(End::Cancelled);
        }
        self.floor.wants(beat.wanted);
        for encoder in self.floor.release(&beat.working) {
            tell(LineEvent::Released { encoder });
        }
        if self.unclaimed == 0 {
            let spare = self.floor.withdraw(self.floor.spare());
            if spare > 0 {
                self.lease.give_back(spare)?;
            }
        }
        Ok(())
    }
}
