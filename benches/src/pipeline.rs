//! `pipeline.softhsm.w1` and `.w2`: the real line, as an operator starts it, with simulated cards in a process of their own.
//!
//! `fuda-factory run` with eight encoders, one or two HSM workers, the journal on disk with synchronous=FULL. The bound is the smaller of
//! what as many bare processes give and what the cores give when every stage of a card costs what it costs alone.

use crate::doing::{Doing, failed};
use crate::report::Entry;
use crate::rounds::{Scale, median};
use crate::site::Site;
use crate::stages::Alone;
use crate::{cpu, hsm, machine, ports};
use fuda_cli::Failure;
use serde_json::Value;
use std::process::{Child, Stdio};

/// Simulated encoders.
pub const ENCODERS: u16 = 8;

/// One run.
#[derive(Debug)]
struct Run {
    rate: f64,
    calls: f64,
    line_cpu_s: f64,
    cards_cpu_s: f64,
}

/// Measures with one worker and with two, in turns.
///
/// # Errors
/// When the line does not make every card.
pub fn measure(site: &Site, scale: Scale, hsm: &hsm::Measured, alone: &Alone) -> Result<[Entry; 2], Failure> {
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for round in 0..scale.rounds() {
        one.push(run(site, scale.cards(), 2 * round, 1)?);
        two.push(run(site, scale.cards(), 2 * round + 1, 2)?);
    }
    let [bare_one, bare_two] = hsm.processes;
    let mut entries =
        [entry("pipeline.softhsm.w1", &one, bare_one, alone), entry("pipeline.softhsm.w2", &two, bare_two, alone)];
    let [w1, w2] = &mut entries;
    w2.note = format!("{:.2} × w1; {}", w2.value / w1.value, w2.note);
    Ok(entries)
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

fn run(site: &Site, cards: u32, round: u32, workers: u32) -> Result<Run, Failure> {
    let (order, stack) = (format!("order-{round}.toml"), format!("stack-{round}"));
    site.write(&order, &order_text(cards, round))?;
    site.run("fuda-card-sim", &["blank", "--count", &cards.to_string(), "--dir", &stack])?;
    let first = ports::free_row(ENCODERS)?;
    let row = format!("127.0.0.1:{first}-{}", first + ENCODERS - 1);

    let before = cpu::children_s()?;
    let mut feeder = Feeder(
        site.program("fuda-card-sim")?
            .args(["serve", "--quiet", "--dir", &stack, "--connect", &row])
            .stdout(Stdio::null())
            .spawn()
            .doing("start the simulator")?,
    );
    let (encoders, workers) = (format!("vpcd:{row}"), workers.to_string());
    let words = [
        "run",
        &order,
        "--json",
        "--no-progress",
        "--operator",
        "bench",
        "--hsm-workers",
        &workers,
        "--encoders",
        &encoders,
    ];
    let printed = site.run("fuda-factory", &words)?;
    let line = cpu::children_s()?;
    feeder.0.wait().doing("wait for the simulator")?;
    let cards_cpu_s = cpu::children_s()? - line;
    std::fs::remove_dir_all(site.path(&stack)).doing("remove a folder")?;

    let object: Value =
        serde_json::from_str(printed.lines().last().unwrap_or_default()).doing("read the line's report")?;
    let figure = |name: &str| {
        let value = object.pointer(&format!("/run/{name}")).and_then(Value::as_f64);
        value.ok_or_else(|| failed(format!("the line's report has no run.{name}: {printed}")))
    };
    if figure("good")? < f64::from(cards) {
        return Err(failed(format!("the line did not make every card: {printed}")));
    }
    Ok(Run {
        rate: figure("cards_per_second")?,
        calls: figure("hsm_calls_per_card")?,
        line_cpu_s: (line - before) / f64::from(cards),
        cards_cpu_s: cards_cpu_s / f64::from(cards),
    })
}

/// The simulator, which goes when the measurement does.
struct Feeder(Child);

impl Drop for Feeder {
    fn drop(&mut self) {
        // An error means that it is gone.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One order for each round; a serial belongs to one chip for ever, so rounds do not share any.
fn order_text(cards: u32, round: u32) -> String {
    format!(
        "order = \"BENCH-{round}\"\nprofile = \"membership-4ap\"\nstages = [0, 1]\nquantity = {cards}\nspares = 0\nlot = \"BENCH\"\n\
         [serial]\nsource = \"counter\"\nfirst = \"88{round:03}00000001\"\ncheck = \"luhn\"\n\
         [keys]\ntransport = \"transport\"\nissuer = \"issuer\"\n\"ap/ticket\" = \"ap/ticket\"\n\"ap/library\" = \"ap/library\"\n\
         \"ap/parking\" = \"ap/parking\"\n\"ap/points\" = \"ap/points\"\n[line]\naudit_every = 1000000\n"
    )
}
