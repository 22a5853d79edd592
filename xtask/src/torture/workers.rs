//! `torture workers`: HSM workers killed by the hundred, on each token.

use std::process::Command;
use std::time::Duration;

use super::{BUILD_LIMIT, Scale, build, cargo, told};
use crate::fail::{Exit, Failure};
use crate::json;
use crate::peers::kryoptic;
use crate::places::Places;
use crate::process::{Ended, Runner};
use crate::ui::Ui;

/// Kills on each token.
const RUNS: u64 = 500;
/// A second for each kill is ten times what it takes.
const LIMIT_PER_RUN: Duration = Duration::from_secs(2);
/// The test, as cargo names it.
const TEST: [&str; 6] = ["test", "-p", "fuda-kms", "--bins", "--test", "token"];

/// Kills them, and says how the callers fared.
pub(super) fn run(places: &Places, runner: &Runner, ui: Ui, scale: Scale) -> Result<Exit, Failure> {
    let runs = scale.runs.unwrap_or(RUNS);
    if kryoptic::module(places).is_none() {
        ui.say("SoftHSM only: there is no Kryoptic, `cargo xtask peers` builds it");
    }
    build(places, runner, ui, &[&TEST[..], &["--no-run"]].concat())?;
    let ended = kill(places, runner, ui, (runs, scale.seed))?;
    let said: Vec<&str> = ended.stdout.lines().map(told).filter(|line| is_figure(line)).collect();
    said.iter().for_each(|line| ui.say(line));
    let well = ended.status.success();
    if !well {
        ui.say(&ended.stdout);
    }
    let list: Vec<String> = said.iter().map(|line| json::quote(line)).collect();
    ui.result(&format!(r#"{{"subject":"workers","runs":{runs},"ok":{well},"said":[{}]}}"#, list.join(",")));
    Ok(if well { Exit::Done } else { Exit::Incomplete })
}

fn kill(places: &Places, runner: &Runner, ui: Ui, (runs, seed): (u64, Option<u64>)) -> Result<Ended, Failure> {
    let mut step = ui.step("kill");
    let mut command: Command = cargo(places, runner, &TEST);
    command.args(["--", "pool::kills", "--nocapture", "--test-threads=1"]).env("FUDA_KILLS", runs.to_string());
    if let Some(seed) = seed {
        command.env("FUDA_TEST_SEED", seed.to_string());
    }
    let limit = BUILD_LIMIT + LIMIT_PER_RUN.saturating_mul(u32::try_from(runs).unwrap_or(u32::MAX));
    let ended =
        runner.start("kill", command)?.wait(limit, |_| step.progress(&format!("{runs} workers on each token")))?;
    match ended.status.success() {
        true => step.done(&format!("{runs} workers on each token")),
        false => step.short_of("a promise was broken; see below"),
    }
    Ok(ended)
}

fn is_figure(line: &str) -> bool {
    line.starts_with("again with ") || line.contains(" requests answered, ")
}

#[cfg(test)]
mod tests {
    use super::super::told;
    use super::is_figure;

    #[test]
    fn figures_are_found_behind_the_name_of_their_test() {
        let line = told("test pool::kills::x::softhsm ... again with FUDA_TEST_SEED=1 FUDA_KILLS=2");
        assert_eq!(line, "again with FUDA_TEST_SEED=1 FUDA_KILLS=2");
        assert!(is_figure(line) && is_figure("softhsm: 5 requests answered, longest") && !is_figure("running 1 test"));
    }
}
