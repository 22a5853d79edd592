//! CPU time of each stage of one card, measured alone: what the cores must give for a card, however the line arranges it.

use crate::cpu;
use crate::report::Entry;
use crate::rounds::{Scale, median, number};
use crate::{hsm, journal, vpcd};
use fuda_cli::Failure;
use std::time::{Duration, Instant};

/// Seconds of CPU time per card.
#[derive(Debug, Clone, Copy)]
pub struct Alone {
    hsm: f64,
    script: f64,
    wire: f64,
    card: f64,
    card_in_memory: f64,
    store: f64,
}

impl Alone {
    /// Takes what was measured before and measures the rest.
    ///
    /// # Errors
    /// When the recording cannot be played again.
    pub fn measure(
        scale: Scale,
        hsm: &hsm::Measured,
        loopback: &vpcd::Measured,
        journal: &journal::Measured,
    ) -> Result<Self, Failure> {
        Ok(Self {
            hsm: hsm.cpu_s,
            script: cpu_per_card(scale, || hsm.dialogue.replay_host())?,
            wire: loopback.host_s,
            card: loopback.card_s,
            card_in_memory: cpu_per_card(scale, || hsm.dialogue.replay_card())?,
            store: journal.cpu_s,
        })
    }

    /// The same with the calls of another token.
    #[must_use]
    pub const fn with_hsm(&self, hsm: &hsm::Measured) -> Self {
        Self { hsm: hsm.cpu_s, ..*self }
    }

    /// All stages together.
    #[must_use]
    pub fn total_s(&self) -> f64 {
        self.hsm + self.script + self.wire + self.card + self.store
    }

    /// One entry for each stage.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let entry =
            |name, seconds: f64, note: String| Entry { name, value: seconds * 1e3, unit: "ms/card", bound: None, note };
        vec![
            entry("cpu.hsm", self.hsm, "the bare PKCS#11 calls".to_owned()),
            entry("cpu.script", self.script, "script, SCP03 and checks of the host".to_owned()),
            entry("cpu.wire", self.wire, "the host's side of the socket".to_owned()),
            entry(
                "cpu.card",
                self.card,
                format!("simulator: commands ({:.2} ms in memory), socket, file", self.card_in_memory * 1e3),
            ),
            entry("cpu.store", self.store, "journal of a card, SQLite included".to_owned()),
        ]
    }
}

/// Median CPU seconds of `act` for one card.
fn cpu_per_card(scale: Scale, act: impl Fn() -> Result<(), Failure>) -> Result<f64, Failure> {
    let length: Duration = scale.round() / 3;
    let mut values = Vec::new();
    for _ in 0..scale.rounds() {
        let (since, before, mut cards) = (Instant::now(), cpu::own(), 0);
        while since.elapsed() < length {
            act()?;
            cards += 1;
        }
        values.push((cpu::own() - before).as_secs_f64() / number(cards));
    }
    Ok(median(&values))
}
