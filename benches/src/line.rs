//! One run of the real line on simulated cards, and what it took: time, CPU, memory of every process.

use crate::doing::{Doing, failed};
use crate::site::Site;
use crate::{cpu, memory, ports};
use fuda_cli::Failure;
use serde_json::Value;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// Simulated encoders.
pub const ENCODERS: u16 = 8;

/// Pause between two looks at the memory of the processes.
const LOOK: Duration = Duration::from_millis(50);

/// What to run.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// Cards of the order.
    pub cards: u32,
    /// Number of the order; a site runs each once.
    pub order: u32,
    /// HSM workers.
    pub workers: u16,
}

/// What a run came to.
#[derive(Debug)]
pub struct Run {
    /// Cards a second.
    pub rate: f64,
    /// PKCS#11 functions called for a card.
    pub calls: f64,
    /// CPU seconds of the line and its workers for a card.
    pub line_cpu_s: f64,
    /// CPU seconds of the simulator for a card.
    pub cards_cpu_s: f64,
    /// Largest memory of the line's own process.
    pub line_mb: f64,
    /// Largest memory of any of its workers.
    pub worker_mb: f64,
    /// Largest memory of the simulator.
    pub cards_mb: f64,
}

impl Line {
    /// Runs it to the end.
    ///
    /// # Errors
    /// When the line does not make every card.
    pub fn run(self, site: &Site) -> Result<Run, Failure> {
        let Self { cards, .. } = self;
        self.lay_out(site)?;
        let row = free_row()?;
        let before = cpu::children_s()?;
        let mut feeder = Feeder::start(site, &self.stack(), &row, &[])?;
        let (output, peaks) = watched(self.command(site, &row)?, &feeder)?;
        let Peaks { line_mb, worker_mb, cards_mb } = peaks;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            return Err(failed(format!("the line ended with {}: {printed}", output.status)));
        }
        let line = cpu::children_s()?;
        feeder.0.wait().doing("wait for the simulator")?;
        let cards_cpu_s = cpu::children_s()? - line;
        std::fs::remove_dir_all(site.path(&self.stack())).doing("remove a folder")?;

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
            line_mb,
            worker_mb,
            cards_mb,
        })
    }

    /// Writes the order and makes its chips.
    pub(crate) fn lay_out(self, site: &Site) -> Result<(), Failure> {
        site.write(&self.order_file(), &order_text(self.cards, self.order))?;
        let arguments = ["blank", "--count", &self.cards.to_string(), "--dir", &self.stack()];
        site.run("fuda-card-sim", &arguments).map(drop)
    }

    /// The folder of its chips.
    pub(crate) fn stack(self) -> String {
        format!("stack-{}", self.order)
    }

    /// Number of the job.
    pub(crate) fn job(self) -> String {
        format!("BENCH-{}", self.order)
    }

    fn order_file(self) -> String {
        format!("order-{}.toml", self.order)
    }

    /// The line, on these encoders.
    pub(crate) fn command(self, site: &Site, row: &str) -> Result<Command, Failure> {
        let mut command = site.program("fuda-factory")?;
        command.args(["run", &self.order_file(), "--json", "--no-progress", "--operator", "bench"]);
        command.args(["--hsm-workers", &self.workers.to_string(), "--encoders", &format!("vpcd:{row}")]);
        Ok(command)
    }
}

/// Free ports of all encoders, as an address.
pub(crate) fn free_row() -> Result<String, Failure> {
    let first = ports::free_row(ENCODERS)?;
    Ok(format!("127.0.0.1:{first}-{}", first + ENCODERS - 1))
}

/// The largest memory of each process, in megabytes.
#[derive(Debug, Default)]
pub(crate) struct Peaks {
    pub(crate) line_mb: f64,
    pub(crate) worker_mb: f64,
    pub(crate) cards_mb: f64,
}

/// Runs the line to its end: what it printed, and the largest memory of itself, of any child, and of the simulator.
pub(crate) fn watched(mut command: Command, feeder: &Feeder) -> Result<(Output, Peaks), Failure> {
    let mut line = command.stdout(Stdio::piped()).spawn().doing("start the line")?;
    let mut peaks = Peaks::default();
    while line.try_wait().doing("wait for the line")?.is_none() {
        peaks.line_mb = memory::peak_mb(line.id()).unwrap_or(peaks.line_mb);
        peaks.cards_mb = memory::peak_mb(feeder.0.id()).unwrap_or(peaks.cards_mb);
        let workers = memory::children(line.id()).into_iter().filter_map(memory::peak_mb);
        peaks.worker_mb = workers.fold(peaks.worker_mb, f64::max);
        sleep(LOOK);
    }
    Ok((line.wait_with_output().doing("wait for the line")?, peaks))
}

/// The simulator, which goes when the measurement does.
#[derive(Debug)]
pub(crate) struct Feeder(Child);

impl Feeder {
    /// Feeds a stack to these encoders.
    pub(crate) fn start(site: &Site, stack: &str, row: &str, more: &[&str]) -> Result<Self, Failure> {
        let serve = ["serve", "--quiet", "--dir", stack, "--connect", row];
        let mut command = site.program("fuda-card-sim")?;
        command.args(serve).args(more).stdout(Stdio::null());
        command.spawn().doing("start the simulator").map(Self)
    }
}

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
