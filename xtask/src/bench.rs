//! `cargo xtask bench`: builds everything for release and has the report measured.

use std::process::Command;
use std::time::Duration;

use crate::args::Args;
use crate::fail::{Exit, Failure};
use crate::places::Places;
use crate::process::{Runner, cargo_progress};
use crate::sysroot::{self, Provision};
use crate::ui::Ui;

pub(crate) const HELP: &str = "\
Measures Fuda on this machine, release build, keys in a throw-away token of SoftHSM, and of Kryoptic where
`cargo xtask peers` built it: each figure beside a bound that was measured in the same run. Quote ratios; the figures
are this machine's, and other work on it shows in them.

Usage: cargo xtask bench --quick|--full [--only long|keys|online] [--json] [--system]

  --quick    some four minutes after the build, on a quiet machine
  --full     longer rounds and more of them
  --only     some rows: long (a hundred thousand cards), keys (ten thousand of them), online (the service centre)
  --json     the last line of standard output is one object: {entries: [{name, value, unit, bound, ratio}]}
  --system   install what is missing with apt-get instead of fetching it into target/

The list is also in target/bench/report.json. Exit: 0 done, 9 this machine lacks something; else what the report said.
";

/// The report drives the others.
const PACKAGES: [&str; 6] =
    ["fuda-benches", "fuda-kms", "fuda-factory", "fuda-card-sim", "fuda-online-issuer", "fuda-terminal"];
/// A first release build on a slow machine.
const BUILD_LIMIT: Duration = Duration::from_secs(60 * 60);
/// A full report on a slow machine.
const REPORT_LIMIT: Duration = Duration::from_secs(60 * 60);

pub(crate) fn run(mut args: Args, ui: Ui) -> Result<Exit, Failure> {
    let scale = match (args.flag("--quick"), args.flag("--full")) {
        (true, false) => "--quick",
        (false, true) => "--full",
        _ => return Err(Failure::usage("bench needs one of --quick and --full", "cargo xtask bench --quick")),
    };
    let only: Option<String> = args.value("--only", "long, keys or online")?;
    let provision = Provision::from_args(&mut args);
    args.finish()?;

    let places = Places::find()?;
    let tools = sysroot::prepare(&places, ui, provision)?;
    let logs = places.fuda.join(format!("bench-{}", std::process::id()));
    let runner = Runner::new(logs, tools.variables())?;
    build(&places, &runner, ui)?;
    report(&places, &runner, ui, scale, only.as_deref())
}

fn build(places: &Places, runner: &Runner, ui: Ui) -> Result<(), Failure> {
    let mut step = ui.step("build");
    let mut cargo = runner.command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--release", "--bins"]).current_dir(&places.root);
    cargo.args(PACKAGES.iter().flat_map(|package| ["-p", package]));
    let running = runner.start("build", cargo)?;
    let ended = running.wait(BUILD_LIMIT, |running| step.progress(&cargo_progress(&running.complained())))?.well()?;
    step.done(&format!("for release; {}", cargo_progress(&ended.stderr)));
    Ok(())
}

/// Runs the report and passes its lines on as they come.
fn report(places: &Places, runner: &Runner, ui: Ui, scale: &str, only: Option<&str>) -> Result<Exit, Failure> {
    let target = places.fuda.parent().unwrap_or(&places.root);
    let program = target.join("release/fuda-benches");
    let mut command: Command = runner.command(program);
    command.args(only.into_iter().flat_map(|rows| ["--only", rows]));
    command.args([scale, "--json", "--out"]).arg(target.join("bench/report.json")).current_dir(&places.root);
    let running = runner.start("report", command)?;
    let mut told = 0;
    let ended = running.wait(REPORT_LIMIT, |running| told = tell(ui, &running.printed(), told))?.well()?;
    tell(ui, &ended.stdout, told);
    ui.result(ended.stdout.lines().last().unwrap_or("{}"));
    Ok(Exit::Done)
}

/// Says the whole lines behind the first `told` bytes, but not the object for programs; answers how far it came.
fn tell(ui: Ui, printed: &str, told: usize) -> usize {
    let end = printed.rfind('\n').map_or(0, |at| at + 1);
    for line in printed.get(told..end).unwrap_or_default().lines().filter(|line| !line.starts_with('{')) {
        ui.say(line);
    }
    end.max(told)
}
