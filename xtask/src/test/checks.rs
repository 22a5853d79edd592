//! The checks in their order: one cargo command each.

use std::process::Command;
use std::time::Duration;

use super::tally;
use crate::fail::Failure;
use crate::places::Places;
use crate::process::{Ended, Runner, Running, cargo_progress};
use crate::ui::Ui;

/// One thing that must be well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    Build,
    Tests,
    Clippy,
    Rustdoc,
    Format,
}

impl Check {
    pub(super) const FAST: [Check; 2] = [Check::Build, Check::Tests];
    pub(super) const ALL: [Check; 5] = [Check::Build, Check::Tests, Check::Clippy, Check::Rustdoc, Check::Format];

    pub(super) fn name(self) -> &'static str {
        match self {
            Check::Build => "build",
            Check::Tests => "tests",
            Check::Clippy => "clippy",
            Check::Rustdoc => "rustdoc",
            Check::Format => "format",
        }
    }

    /// Binaries come first and together with the tests: tests drive binaries of other crates, which cargo would not
    /// build for them, and one set of features builds each dependency once.
    fn words(self) -> &'static [&'static str] {
        match self {
            Check::Build => &["build", "--workspace", "--lib", "--bins", "--tests"],
            Check::Tests => &["test", "--workspace", "--no-fail-fast"],
            Check::Clippy => &["clippy", "--workspace", "--all-targets", "--keep-going", "--", "-D", "warnings"],
            Check::Rustdoc => &["doc", "--workspace", "--no-deps", "--keep-going"],
            Check::Format => &["fmt", "--all", "--check", "--", "--color=never"],
        }
    }

    fn command(self, places: &Places, runner: &Runner) -> Command {
        let mut command = runner.command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(self.words()).current_dir(&places.root);
        match self {
            Check::Rustdoc => drop(command.env("RUSTDOCFLAGS", "-D warnings")),
            Check::Tests => drop(command.env("RUST_TEST_THREADS", test_threads().to_string())),
            Check::Build | Check::Clippy | Check::Format => {}
        }
        command
    }

    /// Runs it and says how it went.
    pub(super) fn run(self, places: &Places, runner: &Runner, ui: Ui, limit: Duration) -> Result<Verdict, Failure> {
        let mut step = ui.step(self.name());
        let running = runner.start(self.name(), self.command(places, runner))?;
        let ended = running.wait(limit, |running| step.progress(&self.progress(running)))?;
        if ended.status.success() {
            step.done(&self.praise(&ended));
        } else {
            step.short_of("failed; see below");
        }
        Ok(Verdict {
            check: self,
            well: ended.status.success(),
            output: ended.stdout.clone(),
            complaint: complaint(&ended),
        })
    }

    fn progress(self, running: &Running) -> String {
        match (self, tally::passed(&running.printed())) {
            (Check::Tests, passed) if passed > 0 => format!("{passed} passed"),
            _ => cargo_progress(&running.complained()),
        }
    }

    fn praise(self, ended: &Ended) -> String {
        match self {
            Check::Build => cargo_progress(&ended.stderr),
            Check::Tests => format!("{} passed", tally::passed(&ended.stdout)),
            Check::Clippy | Check::Rustdoc => "no warning".to_owned(),
            Check::Format => "as rustfmt writes it".to_owned(),
        }
    }
}

/// Twice the cores: many tests wait for processes that they killed, or for a minute to pass.
fn test_threads() -> usize {
    2 * std::thread::available_parallelism().map_or(1, usize::from)
}

/// How a check went.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) check: Check,
    pub(super) well: bool,
    pub(super) output: String,
    pub(super) complaint: String,
}

impl Verdict {
    /// What a person needs to see of a check that failed.
    pub(super) fn excerpt(&self) -> String {
        let failures = tally::failures(&self.output);
        match (self.check, failures.is_empty()) {
            (Check::Tests, false) => failures,
            (Check::Format, _) => self.output.clone(),
            _ => self.complaint.clone(),
        }
    }
}

/// Standard error without cargo's lines about crates that went well.
fn complaint(ended: &Ended) -> String {
    let noise = [
        "Compiling ",
        "Checking ",
        "Documenting ",
        "Downloaded ",
        "Downloading ",
        "Running ",
        "Doc-tests ",
        "Finished ",
        "Fresh ",
    ];
    let kept = ended.stderr.lines().filter(|line| !noise.iter().any(|word| line.trim_start().starts_with(word)));
    kept.collect::<Vec<_>>().join("\n")
}
