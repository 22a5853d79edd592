//! The running line: one thread per encoder, one HSM pool, one store writer, one thread that tells what happens.
//!
//! Stop means: take no more cards, finish those in hand, report.

mod board;
mod encoder_loop;
mod floor;
mod guest;
mod pins;
mod recent;
mod supply;
mod view;

pub use crate::mark::Memory;
pub use board::Board;
pub use floor::End;
pub use guest::Guests;
pub use pins::Pins;
pub use view::{EncoderState, EncoderView, LastKind, LineView};

use crate::order::LineRules;
use encoder_loop::Bench;
use floor::Floor;
use fuda_cli::StopSignal;
use fuda_issuance::{CardIssuer, Ended, Error, Issued, Lease};
use fuda_terminal::Encoder;
use std::time::{Duration, Instant};
use supply::Supply;

/// Events that may wait for the progress display: far more than encoders, so that a slow terminal does not hold a card.
const EVENTS_MAX: usize = 256;

/// How often the line looks at signals, its lease and the idle limit when no card comes.
const TICK: Duration = Duration::from_millis(100);

/// Everything a line needs to run.
#[derive(Debug)]
pub struct Line<'a> {
    /// Issues single cards.
    pub issuer: &'a CardIssuer,
    /// The line's part in the job.
    pub lease: &'a Lease,
    /// The encoders, already open.
    pub encoders: Vec<Encoder>,
    /// Who works the line.
    pub operator: String,
    /// Failure policy of the order.
    pub rules: LineRules,
    /// Most good cards to make in this run.
    pub left: u64,
    /// Good cards that the job wants, and those of them that no line has claimed.
    pub wanted: (u64, u64),
    /// The job's key versions.
    pub pins: Pins,
    /// Remembers outside the store how old it is.
    pub memory: Memory,
    /// Finishes chips that were begun in other jobs.
    pub guests: Guests,
    /// End the run when no card was put in for so long; `None` waits for ever.
    pub idle: Option<Duration>,
    /// Shows what the encoders do; made for the names of these encoders, in their order.
    pub board: &'a Board,
    /// Set by SIGINT and SIGTERM.
    pub stop: StopSignal,
}

/// What happened to one card.
#[derive(Debug)]
pub enum Outcome {
    /// Sealed.
    Good(Issued),
    /// Begun in another job and finished there: it belongs to that job's stack.
    Guest {
        /// The job.
        job: String,
        /// The card.
        issued: Issued,
    },
    /// In the reject bin, and whether it was ended there.
    Rejected(Error, Ended),
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
        error: fuda_terminal::Error,
    },
    /// An encoder is out of service for this run.
    Quarantined {
        /// Which.
        encoder: String,
    },
    /// An encoder is in service again.
    Released {
        /// Which.
        encoder: String,
    },
    /// A person holds the job; the cards in hand are being finished.
    Paused {
        /// How many.
        in_hand: u64,
    },
    /// The job goes on.
    Continued,
    /// An encoder has a card and the line no right to make it good: nothing for a person to see.
    Waiting,
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
        let (wanted, _) = self.wanted;
        let floor = Floor::new(self.left, wanted, names, self.rules);
        let (events, received) = crossbeam_channel::bounded(EVENTS_MAX);
        let mut report = Tally::default();
        let bench = Bench {
            issuer: self.issuer,
            lease: self.lease,
            guests: &self.guests,
            operator: &self.operator,
            floor: &floor,
        };
        std::thread::scope(|scope| {
            for (encoder, place) in self.encoders.iter().zip(self.board.places()) {
                let (events, bench) = (events.clone(), &bench);
                scope.spawn(move || bench.work(encoder, place, &events));
            }
            drop(events);
            let mut supply = Supply::new(&self, &floor);
            let mut last_card = Instant::now();
            loop {
                match received.recv_timeout(TICK) {
                    Ok(LineEvent::Waiting) => {}
                    Ok(event) => {
                        last_card = Instant::now();
                        watch(&event);
                        report.add(event);
                    }
                    Err(crossbeam_channel::RecvTimeoutError::Timeout) => {}
                    Err(crossbeam_channel::RecvTimeoutError::Disconnected) => return,
                }
                if floor.end().is_some() {
                    continue;
                }
                if let Err(fault) = supply.tend(&mut |event| watch(&event)) {
                    report.fault = report.fault.take().or(Some(fault));
                    floor.stop(End::Fault);
                }
                if supply.is_paused() {
                    last_card = Instant::now();
                }
                let idle = self.idle.is_some_and(|limit| last_card.elapsed() > limit && floor.in_hand() == 0);
                if self.stop.is_set() || idle {
                    watch(&LineEvent::Stopping { in_hand: floor.in_hand() });
                    floor.stop(if idle { End::Idle } else { End::Asked });
                }
            }
        });
        report.finish(floor.end().unwrap_or(End::Complete))
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
