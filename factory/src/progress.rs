//! What the operator sees while the line runs: a bar on a terminal, plain lines elsewhere.

use crate::line::{LineEvent, Outcome};
use fuda_cli::{Globals, output};
use fuda_issuance::{Accounts, Ended};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Time between two plain lines: a log of an hour stays readable.
const LINE_EVERY: Duration = Duration::from_secs(2);

/// Progress of one run.
#[derive(Debug)]
pub(crate) struct Progress {
    display: Display,
    wanted: u64,
    good: u64,
    rejected: u64,
    started: Instant,
}

#[derive(Debug)]
enum Display {
    Bar(ProgressBar),
    Lines { last: Instant },
    Nothing,
}

impl Progress {
    /// Starts the display that suits the terminal and the options.
    pub(crate) fn start(globals: &Globals, no_bar: bool, before: &Accounts, wanted: u64) -> Self {
        let now = Instant::now();
        let display = if globals.quiet {
            Display::Nothing
        } else if no_bar || !std::io::stderr().is_terminal() {
            output::note(&format!("{wanted} cards to make; {} of {} are good already", before.good, before.ordered));
            Display::Lines { last: now }
        } else {
            let bar = ProgressBar::new(wanted);
            let style =
                ProgressStyle::with_template("{bar:32.green/dim} {pos}/{len} good · {msg} · {elapsed} · {eta} left");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_millis(250));
            Display::Bar(bar)
        };
        Self { display, wanted, good: 0, rejected: 0, started: now }
    }

    /// Shows one event.
    pub(crate) fn show(&mut self, event: &LineEvent) {
        match event {
            LineEvent::Card { outcome: Outcome::Good(_), .. } => self.good += 1,
            LineEvent::Card { encoder, outcome: Outcome::Guest { job, issued }, .. } => self.note(&format!(
                "{encoder}: chip {} belongs to job {job}, as serial {}, and is finished: put it on that job's stack",
                issued.kdd, issued.serial
            )),
            LineEvent::Card { encoder, outcome: Outcome::Rejected(error, ended), .. } => {
                self.rejected += 1;
                let ended = if *ended == Ended::Terminated { "; it was terminated" } else { "" };
                self.note(&format!("{encoder}: rejected [{}] {error}{ended}", error.code()));
            }
            LineEvent::Card { encoder, outcome: Outcome::Refused(error), .. } => {
                self.note(&format!("{encoder}: not taken [{}] {error}", error.code()));
            }
            LineEvent::Card { encoder, outcome: Outcome::Lost(error), .. } => {
                self.note(&format!("{encoder}: lost [{}] {error}; put the card in again", error.code()));
            }
            LineEvent::Card { encoder, outcome: Outcome::Fault(error), .. } => {
                self.note(&format!("{encoder}: the line stops [{}] {error}", error.code()));
            }
            LineEvent::Mute { encoder, error } => self.note(&format!(
                "{encoder}: a card does not start [{}] {error}; take it out and count it as mute",
                error.code()
            )),
            LineEvent::Quarantined { encoder } => {
                self.note(&format!(
                    "{encoder}: quarantined after failures in a row; clean or exchange the reader, then `fuda-factory encoder release`"
                ));
            }
            LineEvent::Released { encoder } => self.note(&format!("{encoder}: in service again")),
            LineEvent::Paused { in_hand } => {
                self.note(&format!(
                    "paused: {in_hand} cards in hand are being finished; `fuda-factory job continue` goes on"
                ));
            }
            LineEvent::Continued => self.note("the job goes on"),
            LineEvent::Waiting => {}
            LineEvent::Stopping { in_hand } => {
                self.note(&format!("stopping: {in_hand} cards in hand are being finished"));
            }
        }
        self.update();
    }

    /// Ends the display.
    pub(crate) fn finish(&mut self) {
        match &mut self.display {
            Display::Bar(bar) => bar.finish_and_clear(),
            Display::Lines { .. } => output::note(&self.line()),
            Display::Nothing => {}
        }
    }

    fn update(&mut self) {
        let line = self.line();
        match &mut self.display {
            Display::Bar(bar) => {
                bar.set_position(self.good);
                bar.set_message(format!(
                    "{} rejected · {:.1} cards/s",
                    self.rejected,
                    rate(self.good, self.started.elapsed())
                ));
            }
            Display::Lines { last } if last.elapsed() >= LINE_EVERY => {
                *last = Instant::now();
                output::note(&line);
            }
            Display::Lines { .. } | Display::Nothing => {}
        }
    }

    fn line(&self) -> String {
        let rate = rate(self.good, self.started.elapsed());
        let left = self.wanted.saturating_sub(self.good);
        let time_left = if rate > 0.0 { format!(", {:.0} s left", seconds(left, rate)) } else { String::new() };
        format!("{}/{} good, {} rejected, {rate:.1} cards/s{time_left}", self.good, self.wanted, self.rejected)
    }

    /// A line that stays on the screen above the bar.
    fn note(&self, text: &str) {
        match &self.display {
            Display::Bar(bar) => bar.println(text),
            Display::Lines { .. } => output::note(text),
            Display::Nothing => {}
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate for display needs three digits")]
fn rate(cards: u64, elapsed: Duration) -> f64 {
    cards as f64 / elapsed.as_secs_f64().max(0.001)
}

#[expect(clippy::cast_precision_loss, reason = "seconds left need three digits")]
fn seconds(cards: u64, rate: f64) -> f64 {
    cards as f64 / rate
}
