//! The running line: one thread per encoder, one HSM pool, one store writer, one thread that tells what happens.
//!
//! Stop means: take no more cards, finish those in hand, report.

mod encoder_loop;
mod floor;
mod signal;

pub use floor::End;
pub use signal::StopSignal;

use crate::encoder::{Encoder, EncoderError};
use crate::order::LineRules;
use floor::Floor;
use fuda_issuance::{CardIssuer, Error, Issued};
use std::time::{Duration, Instant};

/// Events that may wait for the progress display: far more than encoders, so that a slow terminal does not hold a card.
const EVENTS_MAX: usize = 256;

/// How often the line looks at signals and the idle limit when no card comes.
const TICK: Duration = Duration::from_millis(100);

/// Everything a line needs to run.
#[derive(Debug)]
pub struct Line<'a> {
    /// Issues single cards.
    pub issuer: &'a CardIssuer,
    /// The encoders, already open.
    pub encoders: Vec<Encoder>,
    /// Who works the line.
    pub operator: String,
    /// Failure policy of the order.
    pub rules: LineRules,
    /// Good cards to make in this run.
    pub wanted: u64,
    /// What it means when they are made.
    pub goal: End,
    /// End the run when no card was put in for so long; `None` waits for ever.
    pub idle: Option<Duration>,
    /// Set by SIGINT and SIGTERM.
    pub stop: StopSignal,
}

/// What happened to one card.
#[derive(Debug)]
pub enum Outcome {
    /// Sealed.
    Good(Issued),
    /// In the reject bin.
    Rejected(Error),
    /// Not this job's, and counted elsewhere: nothing was written.
    Refused(Error),
    /// The encoder lost it; it goes on when it comes back.
    Lost(Error),
    /// Not the card's fault: the line stops.
    Fault(Error),
}

/// Something for the operator to see.
#[derive(Debug)]
pub enum LineEvent {
    /// A card left an encoder.
    Card {
        /// Where.
        encoder: String,
        /// How long it was in.
        took: Duration,
        /// What came of it.
        outcome: Outcome,
    },
    /// A card was put in that does not start; nobody knows its identity, so it is not in the accounts.
    Mute {
        /// Where.
        encoder: String,
        /// What the encoder said.
        error: EncoderError,
    },
    /// An encoder is out of service for this run.
    Quarantined {
        /// Which.
        encoder: String,
    },
    /// The stop was noticed; the cards in hand are being finished.
    Stopping {
        /// How many.
        in_hand: u64,
    },
}

/// How a run ended.
#[derive(Debug)]
pub struct LineReport {
    /// Why.
    pub end: End,
    /// Cards sealed in this run.
    pub good: u64,
    /// From the first card put in to the last one out.
    pub duration: Duration,
    /// The fault that stopped the line, when one did.
    pub fault: Option<Error>,
}

impl Line<'_> {
    /// Runs the line to its end; `watch` sees every event in this thread.
    pub fn run(self, mut watch: impl FnMut(&LineEvent)) -> LineReport {
        let names = self.encoders.iter().map(|encoder| encoder.name().to_owned());
        let floor = Floor::new(self.wanted, names, self.rules);
        let (events, received) = crossbeam_channel::bounded(EVENTS_MAX);
        let mut report = Tally::default();
        std::thread::scope(|scope| {
            for encoder in &self.encoders {
                let (events, floor, operator, issuer) = (events.clone(), &floor, self.operator.as_str(), self.issuer);
                scope.spawn(move || encoder_loop::work(encoder, operator, issuer, floor, &events));
            }
            drop(events);
            let mut last_card = Instant::now();
            loop {
                match received.recv_timeout(TICK) {
                    Ok(event) => {
                        last_card = Instant::now();
                        watch(&event);
                        report.add(event);
                    }
                    Err(crossbeam_channel::RecvTimeoutError::Timeout) => {}
                    Err(crossbeam_channel::RecvTimeoutError::Disconnected) => return,
                }
                if floor.end().is_none() {
                    let idle = self.idle.is_some_and(|limit| last_card.elapsed() > limit && floor.in_hand() == 0);
                    if self.stop.is_set() || idle {
                        watch(&LineEvent::Stopping { in_hand: floor.in_hand() });
                        floor.stop(if idle { End::Idle } else { End::Asked });
                    }
                }
            }
        });
        report.finish(match floor.end() {
            Some(End::Complete) | None => self.goal,
            Some(end) => end,
        })
    }
}

/// Collects the report while the line runs.
#[derive(Debug, Default)]
struct Tally {
    good: u64,
    first: Option<Instant>,
    last: Option<Instant>,
    fault: Option<Error>,
}

impl Tally {
    fn add(&mut self, event: LineEvent) {
        let LineEvent::Card { took, outcome, .. } = event else { return };
        let now = Instant::now();
        self.first = self.first.or_else(|| now.checked_sub(took));
        self.last = Some(now);
        match outcome {
            Outcome::Good(_) => self.good += 1,
            Outcome::Fault(error) => self.fault = self.fault.take().or(Some(error)),
            _ => {}
        }
    }

    fn finish(self, end: End) -> LineReport {
        let duration = self.first.zip(self.last).map_or(Duration::ZERO, |(first, last)| last.duration_since(first));
        LineReport { end, good: self.good, duration, fault: self.fault }
    }
}
