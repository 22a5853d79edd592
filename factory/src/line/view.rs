//! What a line shows of itself to whoever watches it from another process.

use serde::{Deserialize, Serialize};

/// A running line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LineView {
    /// Who works it.
    pub operator: String,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// Good cards that this run is to make.
    pub wanted: u64,
    /// Its encoders.
    pub encoders: Vec<EncoderView>,
}

/// One encoder of a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EncoderView {
    /// Its name.
    pub name: String,
    /// What it does.
    pub state: EncoderState,
    /// Serial of the card in it; empty when none is bound.
    pub serial: String,
    /// Step of the script.
    pub step: String,
    /// How long the card has been in it, in milliseconds.
    pub busy_ms: u64,
    /// What became of the card before.
    pub last: String,
    /// How that card ended.
    pub last_kind: LastKind,
    /// How long that card was in it, in milliseconds.
    pub last_ms: u64,
    /// Good cards in this run.
    pub good: u64,
    /// Rejected chips in this run.
    pub rejected: u64,
    /// Cards that it lost, did not take, or that did not start, in this run.
    pub missed: u64,
    /// Good cards an hour, of the last minute.
    pub cards_per_hour: f64,
}

/// What an encoder does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EncoderState {
    /// No card is in it.
    Waits,
    /// A card is being issued.
    Works,
    /// Out of service for this run.
    Quarantined,
}

/// How a card ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LastKind {
    /// There was none yet.
    None,
    /// Good.
    Good,
    /// In the reject bin.
    Rejected,
    /// Lost, not taken, or mute.
    Missed,
}

impl EncoderState {
    /// The word on the screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waits => "waits",
            Self::Works => "works",
            Self::Quarantined => "quarantined",
        }
    }
}
