//! `pipeline.softhsm.w1` and `.w2`, `pipeline.kryoptic.w1`, `pipeline.postgres.w1`: the real line, as an operator starts it, with simulated cards in a process of their own.
//!
//! `fuda-factory run` with eight encoders, one or two HSM workers, the journal on disk with synchronous=FULL. The bound is the smaller of
//! what as many bare processes give and what the cores give when every stage of a card costs what it costs alone.

use crate::line::{ENCODERS, Line, Run};
use crate::report::Entry;
use crate::rounds::{Scale, median};
use crate::site::Site;
use crate::stages::Alone;
use crate::{hsm, machine};
use fuda_cli::Failure;

/// Measures with one worker and with two, in turns.
///
/// # Errors
/// When the line does not make every card.
pub fn measure(site: &Site, scale: Scale, hsm: &hsm::Measured, alone: &Alone) -> Result<[Entry; 2], Failure> {
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for round in 0..scale.rounds() {
        one.push(Line { cards: scale.cards(), order: 2 * round, workers: 1 }.run(site)?);
        two.push(Line { cards: scale.cards(), order: 2 * round + 1, workers: 2 }.run(site)?);
    }
    let [bare_one, bare_two] = hsm.processes;
    let mut entries =
        [entry("pipeline.softhsm.w1", &one, bare_one, alone), entry("pipeline.softhsm.w2", &two, bare_two, alone)];
    let [w1, w2] = &mut entries;
    w2.note = format!("{:.2} × w1; {}", w2.value / w1.value, w2.note);
    Ok(entries)
}

/// Measures a site of the other token with one worker.
///
/// # Errors
/// When the line does not make every card.
pub fn measure_kryoptic(site: &Site, scale: Scale, hsm: &hsm::Measured, alone: &Alone) -> Result<Entry, Failure> {
    let run = |order| Line { cards: scale.cards(), order, workers: 1 }.run(site);
    let runs = (0..scale.rounds()).map(run).collect::<Result<Vec<_>, _>>()?;
    let [bare, _] = hsm.processes;
    Ok(entry("pipeline.kryoptic.w1", &runs, bare, &alone.with_hsm(hsm)))
}

/// Measures a site whose database is on a server of this machine with one worker.
///
/// # Errors
/// When the line does not make every card.
pub fn measure_postgres(site: &Site, scale: Scale, hsm: &hsm::Measured, alone: &Alone) -> Result<Entry, Failure> {
    let run = |order| Line { cards: scale.cards(), order, workers: 1 }.run(site);
    let runs = (0..scale.rounds()).map(run).collect::<Result<Vec<_>, _>>()?;
    let [bare, _] = hsm.processes;
    let entry = entry("pipeline.postgres.w1", &runs, bare, alone);
    Ok(Entry {
        note: entry.note.replace("synchronous=FULL", "PostgreSQL with fsync=on, synchronous_commit=on"),
        ..entry
    })
}

fn entry(name: &'static str, runs: &[Run], bare: f64, alone: &Alone) -> Entry {
    let middle = |figure: fn(&Run) -> f64| median(&runs.iter().map(figure).collect::<Vec<_>>());
    let by_cores = f64::from(machine::cores()) / alone.total_s();
    Entry {
        name,
        value: middle(|run| run.rate),
        unit: "cards/s",
        bound: Some(bare.min(by_cores)),
        note: format!(
            "{ENCODERS} encoders, synchronous=FULL, {:.0} calls per card; bound: min(bare workers {:.0}, {} cores ÷ {:.2} ms = {by_cores:.0}); \
             CPU of a card in the run: line {:.2} ms, cards {:.2} ms",
            middle(|run| run.calls),
            bare,
            machine::cores(),
            alone.total_s() * 1e3,
            middle(|run| run.line_cpu_s) * 1e3,
            middle(|run| run.cards_cpu_s) * 1e3,
        ),
    }
}
