//! The board of a line: what each encoder does now and has done in this run. Encoders write to it, whoever publishes reads.

use super::Outcome;
use super::recent::Recent;
use super::view::{EncoderState, EncoderView, LastKind, LineView};
use fuda_issuance::{Error, Seen, Sight};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Longest result that is shown, in characters: a code and a few words.
const LAST_CHARS_MAX: usize = 80;

/// The board of one run.
#[derive(Debug)]
pub struct Board {
    operator: String,
    started_at: String,
    wanted: u64,
    places: Vec<Place>,
}

/// One encoder's place on the board.
#[derive(Debug)]
pub(super) struct Place {
    name: String,
    sight: Sight,
    record: Mutex<Record>,
}

#[derive(Debug)]
struct Record {
    state: EncoderState,
    since: Instant,
    last: String,
    last_kind: LastKind,
    last_took: Duration,
    good: u64,
    rejected: u64,
    missed: u64,
    recent: Recent,
}

impl Board {
    /// A board for encoders of these names.
    #[must_use]
    pub fn new(names: impl Iterator<Item = String>, operator: &str, started_at: String, wanted: u64) -> Self {
        let places = names.map(|name| Place { name, sight: Sight::default(), record: Mutex::new(Record::new()) });
        Self { operator: operator.to_owned(), started_at, wanted, places: places.collect() }
    }

    /// What it shows now.
    #[must_use]
    pub fn view(&self) -> LineView {
        LineView {
            operator: self.operator.clone(),
            started_at: self.started_at.clone(),
            wanted: self.wanted,
            encoders: self.places.iter().map(Place::view).collect(),
        }
    }

    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }
}

impl Place {
    /// Where the card in the encoder is seen.
    pub(super) const fn sight(&self) -> &Sight {
        &self.sight
    }

    /// A card was put in.
    pub(super) fn begin(&self) {
        let mut record = self.record();
        (record.state, record.since) = (EncoderState::Works, Instant::now());
    }

    /// The card is out, or done with.
    pub(super) fn end(&self, outcome: &Outcome) {
        let mut record = self.record();
        let (kind, text) = match outcome {
            Outcome::Good(_) => (LastKind::Good, "good".to_owned()),
            Outcome::Guest { job, .. } => (LastKind::Missed, format!("finished for job {job}")),
            Outcome::Rejected(error, _) => (LastKind::Rejected, told("rejected", error)),
            Outcome::Refused(error) => (LastKind::Missed, told("not taken", error)),
            Outcome::Lost(error) => (LastKind::Missed, told("lost", error)),
            Outcome::Fault(error) => (LastKind::Missed, told("fault", error)),
        };
        let took = record.since.elapsed();
        record.close(kind, text, took);
        self.sight.clear();
    }

    /// A card does not start.
    pub(super) fn mute(&self, code: &str) {
        self.record().close(LastKind::Missed, format!("mute {code}"), Duration::ZERO);
    }

    /// The encoder takes cards.
    pub(super) fn serve(&self) {
        let mut record = self.record();
        if record.state == EncoderState::Quarantined {
            record.state = EncoderState::Waits;
        }
    }

    /// The encoder takes no more cards until a person releases it.
    pub(super) fn quarantine(&self) {
        self.record().state = EncoderState::Quarantined;
    }

    fn view(&self) -> EncoderView {
        let Seen { serial, step } = self.sight.seen();
        let (now, mut record) = (Instant::now(), self.record());
        let busy = if record.state == EncoderState::Works { now - record.since } else { Duration::ZERO };
        EncoderView {
            name: self.name.clone(),
            state: record.state,
            serial,
            step,
            busy_ms: millis(busy),
            last: record.last.clone(),
            last_kind: record.last_kind,
            last_ms: millis(record.last_took),
            good: record.good,
            rejected: record.rejected,
            missed: record.missed,
            cards_per_hour: record.recent.per_hour(now),
        }
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        // A panic elsewhere leaves plain counters, which stay true.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            state: EncoderState::Waits,
            since: now,
            last: String::new(),
            last_kind: LastKind::None,
            last_took: Duration::ZERO,
            good: 0,
            rejected: 0,
            missed: 0,
            recent: Recent::from(now),
        }
    }

    fn close(&mut self, kind: LastKind, text: String, took: Duration) {
        match kind {
            LastKind::Good => {
                self.good += 1;
                self.recent.add(Instant::now());
            }
            LastKind::Rejected => self.rejected += 1,
            LastKind::Missed | LastKind::None => self.missed += 1,
        }
        (self.state, self.last_kind, self.last_took, self.last) = (EncoderState::Waits, kind, took, text);
    }
}

fn told(word: &str, error: &Error) -> String {
    let step = if error.step().is_empty() { String::new() } else { format!(" at {}", error.step()) };
    format!("{word} {}{step}", error.code()).chars().take(LAST_CHARS_MAX).collect()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
