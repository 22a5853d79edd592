//! `hsm.softhsm.card`, `hsm.kryoptic.card`: whole cards a second through one worker, beside the same calls made bare.
//!
//! Both are measured in turns, so that a neighbour on the machine disturbs both alike.

use crate::bare::calls::Lengths;
use crate::bare::{Bare, processes};
use crate::cpu;
use crate::dialogue::Dialogue;
use crate::doing::failed;
use crate::maker::Maker;
use crate::product;
use crate::report::Entry;
use crate::request::{Pins, for_chip, whole_card};
use crate::rounds::{Scale, median, number};
use crate::site::Site;
use fuda_cli::Failure;
use fuda_kms::{CardRequest, Hsm, StepAnswer};
use std::time::{Duration, Instant};

/// Callers of the one worker: two, so that it never waits for one.
const CALLERS: u64 = 2;

/// What one worker does, and what it could do.
#[derive(Debug)]
pub struct Measured {
    rate: f64,
    /// Cards a second of one bare worker.
    pub bare: f64,
    /// Cards a second of one bare process, and of two at once.
    pub processes: [f64; 2],
    /// CPU time of the bare calls of one card, in seconds.
    pub cpu_s: f64,
    /// PKCS#11 functions called for a card.
    pub calls: u32,
    /// Cards a second of the bare worker that asks for the length of every output, as the binding does, and its calls for a card.
    pub asking: (f64, u32),
    maker: Maker,
    /// A whole card's conversation, recorded.
    pub dialogue: Dialogue,
}

/// Measures; the answers of both ways are compared first.
///
/// # Errors
/// When they differ, or the HSM fails.
pub fn measure(site: &Site, scale: Scale) -> Result<Measured, Failure> {
    let registry = site.registry()?;
    let pins = Pins::read(&registry, &product::plan()?)?;
    let request = whole_card(&registry, &pins)?;
    let config = site.hsm_config()?;
    let hsm = Hsm::start(&config, &registry)?;
    let bare = Bare::start(site, &request)?;
    let (calls, asking) = agree(&hsm, &bare, &request)?;
    let dialogue = Dialogue::record(&hsm, &request)?;
    let (mut rates, mut bares, mut askers, mut cpus) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for round in 0..scale.rounds() {
        // Warm both; the first cards of a process are slower than all others.
        let length = if round == 0 { scale.round() / 4 } else { scale.round() };
        askers.push(bare_round(&bare, &request, Lengths::Asked, length)?.0);
        let (rate, cpu_s) = bare_round(&bare, &request, Lengths::Known, length)?;
        bares.push(rate);
        cpus.push(cpu_s);
        rates.push(pooled_round(&hsm, &request, length)?);
        one.push(processes::rate(site, 1, length)?);
        two.push(processes::rate(site, 2, length)?);
    }
    let processes = [median(&one), median(&two)];
    let (rate, bare, cpu_s, maker) = (median(&rates), median(&bares), median(&cpus), site.maker());
    Ok(Measured { rate, bare, processes, cpu_s, calls, asking: (median(&askers), asking), maker, dialogue })
}

impl Measured {
    /// The entry.
    #[must_use]
    pub fn entry(&self) -> Entry {
        Entry {
            name: match self.maker {
                Maker::SoftHsm => "hsm.softhsm.card",
                Maker::Kryoptic => "hsm.kryoptic.card",
            },
            value: self.rate,
            unit: "cards/s",
            bound: Some(self.bare),
            note: format!(
                "{} PKCS#11 calls per card: 8 sessions, 6 key sets; bound: the same calls bare, on {:.0} % of a core; bare with the \
                 binding's questions for lengths, {} calls: {:.0}",
                self.calls,
                self.bare * self.cpu_s * 100.0,
                self.asking.1,
                self.asking.0
            ),
        }
    }
}

/// Both ways must say the same about a card, byte for byte and call for call; gives the calls, and those where lengths are asked for.
fn agree(hsm: &Hsm, bare: &Bare, request: &CardRequest) -> Result<(u32, u32), Failure> {
    let request = for_chip(request, *product::chip(u64::MAX).as_bytes(), [0x5A; 8]);
    let answer = hsm.card(request.clone())?;
    let outcome = bare.card(&request, Lengths::Known)?;
    if outcome.agrees_with(&answer) {
        return Ok((outcome.calls, bare.card(&request, Lengths::Asked)?.calls));
    }
    let sessions = answer.steps.iter().filter(|step| matches!(step, StepAnswer::Session { .. })).count();
    Err(failed(format!(
        "the bare calls ({}) and the worker ({}, {sessions} sessions) disagree about a card",
        outcome.calls, answer.calls
    )))
}

/// Cards a second, and CPU seconds of a card.
fn bare_round(bare: &Bare, request: &CardRequest, lengths: Lengths, length: Duration) -> Result<(f64, f64), Failure> {
    let (since, before, mut cards) = (Instant::now(), cpu::own(), 0);
    while since.elapsed() < length {
        bare.card(&CardRequest { kdd: *product::chip(cards).as_bytes(), ..request.clone() }, lengths)?;
        cards += 1;
    }
    let used = (cpu::own() - before).as_secs_f64();
    Ok((number(cards) / since.elapsed().as_secs_f64(), used / number(cards)))
}

fn pooled_round(hsm: &Hsm, request: &CardRequest, length: Duration) -> Result<f64, Failure> {
    let since = Instant::now();
    let caller = |first: u64| {
        let mut cards = 0;
        while since.elapsed() < length {
            let kdd = *product::chip(first + CALLERS * cards).as_bytes();
            hsm.card(CardRequest { kdd, epoch: hsm.epoch()?, ..request.clone() })?;
            cards += 1;
        }
        Ok::<_, Failure>(cards)
    };
    let cards = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS).map(|first| scope.spawn(move || caller(first))).collect();
        let counts =
            callers.into_iter().map(|caller| caller.join().unwrap_or_else(|_| Err(failed("panic".to_owned()))));
        counts.sum::<Result<u64, Failure>>()
    })?;
    Ok(number(cards) / since.elapsed().as_secs_f64())
}
