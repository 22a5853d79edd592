//! A bench without a reader: the simulated card in this process.

use crate::player::{Bench, ChipForm, Unable};
use fuda_card::Transport;
use fuda_card::id::Kdd;
use fuda_card::scp03::Mode;
use fuda_card_sim::authenticate::TryDelay;
use fuda_card_sim::crypto::AesKey;
use fuda_card_sim::derivation;
use fuda_card_sim::fault::{Fault, Faults};
use fuda_card_sim::state::Protocol;
use fuda_card_sim::{Blank, Card, Exchange};
use std::time::Duration;

/// Identity of every chip here.
pub(crate) const KDD: Kdd = Kdd::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
/// The chip maker's key-derivation key: GlobalPlatform's public test key.
const MAKER: [u8; 16] = *b"@ABCDEFGHIJKLMNO";

pub(crate) fn chip(form: ChipForm) -> Blank {
    let derived = AesKey::from_bytes(&MAKER).and_then(|maker| Blank::derived(KDD, &maker)).expect("a legal key");
    Blank {
        protocol: if form.t0 { Protocol::T0 } else { Protocol::T1 },
        mode: if form.mode == Mode::S8 { derivation::Mode::S8 } else { derivation::Mode::S16 },
        ..derived
    }
}

/// The bench; empty before the first `blank`.
#[derive(Debug, Default)]
pub(crate) struct InMemory {
    card: Option<Card>,
    took: Duration,
}

/// Why no answer came.
#[derive(Debug)]
pub(crate) struct NoAnswer;

impl Transport for InMemory {
    type Error = NoAnswer;

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, NoAnswer> {
        match self.card.as_mut().ok_or(NoAnswer)?.exchange(command) {
            Exchange::Answer { bytes, delay } => {
                self.took = delay;
                Ok(bytes)
            }
            Exchange::PulledOut | Exchange::Hung => Err(NoAnswer),
        }
    }
}

impl InMemory {
    fn card(&mut self) -> Result<&mut Card, Unable> {
        self.card.as_mut().ok_or(Unable("a card"))
    }
}

impl Bench for InMemory {
    fn blank(&mut self, form: ChipForm) -> Result<(), Unable> {
        let mut card = Card::new(chip(form)).with_try_delay(TryDelay::CARD);
        card.power_on();
        self.card = Some(card);
        Ok(())
    }

    fn reset(&mut self) -> Result<(), Unable> {
        self.card()?.reset();
        Ok(())
    }

    fn power(&mut self) -> Result<(), Unable> {
        let card = self.card()?;
        card.power_off();
        card.power_on();
        Ok(())
    }

    fn fault(&mut self, kind: &str) -> Result<(), Unable> {
        let fault: Fault = format!("1:{kind}").parse().map_err(|_| Unable("such a fault"))?;
        let card = self.card.take().ok_or(Unable("a card"))?;
        self.card = Some(card.with_faults(Faults::of_chip(&[fault], 1)));
        Ok(())
    }

    fn took(&self) -> Option<Duration> {
        Some(self.took)
    }
}
