//! A job and the lines that work on it, as they are at one moment.

use crate::line::{EncoderState, EncoderView, LineView};
use fuda_issuance::journal::{ShownLine, Standing};
use fuda_issuance::{Error, Job, Journal};
use jiff::Timestamp;
use serde_json::{Value, json};

/// A line that has not published for so long is silent, in seconds: it publishes at least every three, and clocks differ a little.
const SILENT_AFTER_S: i64 = 10;

/// What a watcher sees.
#[derive(Debug, Clone)]
pub(crate) struct JobView {
    pub(crate) job: Job,
    pub(crate) standing: Standing,
    pub(crate) lines: Vec<WatchedLine>,
    pub(crate) now: Timestamp,
}

/// A line, and how long it has published nothing.
#[derive(Debug, Clone)]
pub(crate) struct WatchedLine {
    pub(crate) name: String,
    pub(crate) view: LineView,
    pub(crate) silent_s: i64,
}

impl JobView {
    /// Reads it from the store.
    pub(crate) fn read(journal: &Journal) -> Result<Self, Error> {
        let journal = Journal::open(journal.store(), &journal.job().order.id)?;
        let now = journal.store().clock().now();
        let lines = journal.shown_lines()?.into_iter().map(|shown| WatchedLine::new(shown, now));
        let lines = lines.collect::<Result<_, _>>()?;
        Ok(Self { standing: journal.standing()?, lines, now, job: journal.job().clone() })
    }

    /// Good cards still to come.
    pub(crate) fn to_come(&self) -> u64 {
        self.job.order.quantity.saturating_sub(self.standing.good)
    }

    /// Encoders of all lines that are not silent.
    pub(crate) fn encoders(&self) -> impl Iterator<Item = &EncoderView> {
        self.lines.iter().filter(|line| !line.is_silent()).flat_map(|line| &line.view.encoders)
    }

    /// Encoders in a state.
    pub(crate) fn count(&self, state: EncoderState) -> usize {
        self.encoders().filter(|encoder| encoder.state == state).count()
    }

    /// Good cards an hour, of all lines.
    pub(crate) fn cards_per_hour(&self) -> f64 {
        self.encoders().map(|encoder| encoder.cards_per_hour).sum()
    }

    /// Seconds until the last card, at the present rate.
    pub(crate) fn seconds_left(&self) -> Option<u64> {
        let rate = self.cards_per_hour();
        #[expect(clippy::cast_precision_loss, reason = "an estimate for display needs three digits")]
        let seconds = self.to_come() as f64 * 3600.0 / rate;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
        (self.to_come() > 0 && rate > 0.0 && seconds < 1e12).then(|| seconds.ceil() as u64)
    }

    /// Whether nothing more will happen: no line is there, and none is wanted.
    pub(crate) fn is_over(&self) -> bool {
        self.lines.iter().all(WatchedLine::is_silent) && ["complete", "closed", "cancelled"].contains(&self.job.word())
    }

    /// The object for a program.
    pub(crate) fn json(&self) -> Value {
        let line = |line: &WatchedLine| {
            json!({
                "line": line.name, "silent_s": line.silent_s, "is_silent": line.is_silent(), "operator": line.view.operator,
                "started_at": line.view.started_at, "wanted": line.view.wanted, "encoders": line.view.encoders,
            })
        };
        json!({
            "job": self.job.order.id, "state": self.job.word(), "stop_reason": self.job.stop_reason,
            "ordered": self.job.order.quantity, "good": self.standing.good, "rejected": self.standing.rejected,
            "unfinished": self.standing.unfinished, "unfilled": self.to_come(), "cards_per_hour": self.cards_per_hour(),
            "seconds_left": self.seconds_left(), "lines": self.lines.iter().map(line).collect::<Vec<_>>(),
        })
    }
}

impl WatchedLine {
    fn new(shown: ShownLine, now: Timestamp) -> Result<Self, Error> {
        let unreadable = |error: serde_json::Error| Error::StoreContent { what: format!("view of a line: {error}") };
        let view = serde_json::from_str(&shown.view).map_err(unreadable)?;
        Ok(Self { name: shown.line, view, silent_s: (now.as_second() - shown.at.as_second()).max(0) })
    }

    pub(crate) const fn is_silent(&self) -> bool {
        self.silent_s >= SILENT_AFTER_S
    }
}
