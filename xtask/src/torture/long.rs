//! A test of the integration binary in its long form: told by its environment how long, counted as it goes, and its verdict found.

use std::time::Duration;

use super::{BUILD_LIMIT, Scale, build, cargo, told};
use crate::fail::{Exit, Failure};
use crate::places::Places;
use crate::process::Runner;
use crate::ui::Ui;

/// Tests, and the programs that they start from beside themselves, as `cargo xtask test` builds them.
const BUILD: [&str; 5] = ["build", "--workspace", "--lib", "--bins", "--tests"];
/// The integration tests of what was built.
const TESTS: [&str; 5] = ["test", "--workspace", "--bins", "--test", "it"];

/// Which test, and what is to be found in what it prints.
pub(super) struct Long {
    /// What is tortured, as the command line has it.
    pub(super) subject: &'static str,
    /// The test's name.
    pub(super) test: &'static str,
    /// The variable that tells it the number of runs, and their number when nobody says.
    pub(super) runs: (&'static str, u64),
    /// Longest time of a run.
    pub(super) limit_per_run: Duration,
    /// First word of each line that says that a run was begun, or is done.
    pub(super) run: &'static str,
    /// First words of what is worth to be read before the verdict.
    pub(super) table: &'static str,
    /// First words of the verdict.
    pub(super) verdict: &'static str,
}

impl Long {
    /// Tortures, and says what came of it.
    pub(super) fn go(&self, places: &Places, runner: &Runner, ui: Ui, scale: Scale) -> Result<Exit, Failure> {
        let (variable, usual) = self.runs;
        let runs = scale.runs.unwrap_or(usual);
        build(places, runner, ui, &BUILD)?;
        let mut step = ui.step("torture");
        let mut command = cargo(places, runner, &TESTS);
        command.args(["--", self.test, "--exact", "--nocapture"]).env(variable, runs.to_string());
        if let Some(seed) = scale.seed {
            command.env("FUDA_TEST_SEED", seed.to_string());
        }
        let limit = BUILD_LIMIT + self.limit_per_run.saturating_mul(u32::try_from(runs).unwrap_or(u32::MAX));
        let ended = runner.start(self.subject, command)?.wait(limit, |running| {
            let done = running.printed().lines().map(told).filter(|line| line.starts_with(self.run)).count();
            step.progress(&format!("{done} of {runs} runs"));
        })?;
        let well = ended.status.success();
        if well {
            step.done(&format!("{runs} runs"));
        } else {
            step.short_of("a promise was broken; see below");
            ui.say(&ended.stdout);
            ui.say(&ended.stderr);
        }
        let Some((table, verdict)) = self.outcome(&ended.stdout) else {
            return Err(ended.failure("the torture did not come to its verdict"));
        };
        ui.say(table);
        ui.say(verdict);
        ui.result(verdict);
        Ok(if well { Exit::Done } else { Exit::Incomplete })
    }

    /// The table and the verdict in what the test printed; progress between them is left out.
    pub(super) fn outcome<'p>(&self, printed: &'p str) -> Option<(&'p str, &'p str)> {
        let begin = printed.find(self.table)?;
        let rest = printed.get(begin..)?;
        let end = rest.find(self.verdict)?;
        let (table, behind) = rest.split_at_checked(end)?;
        let progress = table.find(&format!("\n{}", self.run)).unwrap_or(table.len());
        Some((table.get(..progress)?.trim_end(), behind.lines().next()?))
    }
}
