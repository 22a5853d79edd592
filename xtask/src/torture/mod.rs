//! `cargo xtask torture`: tests in their long form, for a night or before a release.

mod cut;
mod kill;
mod long;
mod workers;

use std::process::Command;
use std::time::Duration;

use crate::args::Args;
use crate::fail::{Exit, Failure};
use crate::places::Places;
use crate::process::{Runner, cargo_progress};
use crate::sysroot::{self, Need, Provision};
use crate::ui::Ui;

pub(crate) const HELP: &str = "\
Tests in their long form. `cargo xtask test` has the short ones.

Usage: cargo xtask torture cut|kill|workers [--runs N] [--seed S] [--json] [--system]

kill: two lines with three encoders make cards that are processes of their own, and in each run something is done to one:
SIGKILL of the line before, behind or after each command of a card, or by the clock; of its HSM workers; of a card's
process; a write torn at any byte; an answer lost, or wrong, or never given; a card pulled out, or put in the place of
another. On SQLite and on PostgreSQL. Then the memory of every card is read and held against delivery and journal. The
last line is the verdict, all of whose first six counts must be 0:
{\"serials_twice\":0,\"mixed_cards\":0,\"lost_chips\":0,\"unaccounted\":0,\"lockouts\":0,\"wasted\":0,...}

cut: members activate cards over the network, at nodes of `fuda-issuer serve`, and something is done to each contact: the
card or its reader gone at a command, a write torn at 0, 50 or 97 %, the line cut before or behind a message, a message
twice, node, HSM workers or database killed; scripts are kept and run late, two cards are put in for one order, two
terminals have one card, a hold or a block comes in between, a payment is told again. First a table of every step with each
fault at it, held against tests/tables/activation_fault.csv; then random runs of one to four faults, on SQLite and on
PostgreSQL. A card must be done at the first contact after the last fault, and a reader that follows the rules must see a
whole card at any time. The last line is the verdict, all of whose first five counts must be 0:
{\"mixed_cards\":0,\"entitlements_used_twice\":0,\"auth_tries_burned\":0,\"unknown_open\":0,\"wrong\":0,...}
What is broken is printed with its faults, written as a test has them.

workers: kills HSM workers with SIGKILL at random moments, on their way to the token included, singly and all eight at
once, while four callers have cards computed: every request must have its one right answer, no token may be damaged, no
PIN tried twice, and never may five seconds pass without an answer.

  --runs N   cut: random runs, after the table of 405 rows [default: 2000]
             kill: runs, of which half kill the line [default: 300, which is three times at each command]
             workers: kills on each token, SoftHSM and, where `cargo xtask peers` built it, Kryoptic [default: 500]
  --seed S   the seed that an earlier torture printed, to have its moments again as far as processes allow
  --json     the last line of standard output is one object: the verdict, or {subject, runs, ok, said}
  --system   install what is missing with apt-get instead of fetching it into target/

Exit: 0 all is well, 1 a promise was broken, 9 this machine lacks something.
";

/// Compiling the tests on a slow machine.
const BUILD_LIMIT: Duration = Duration::from_secs(60 * 60);

/// How much is done, and with which moments.
#[derive(Debug, Clone, Copy)]
struct Scale {
    runs: Option<u64>,
    seed: Option<u64>,
}

/// What is tortured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Cut,
    Kill,
    Workers,
}

impl Subject {
    fn of(word: Option<&str>) -> Option<Self> {
        match word {
            Some("cut") => Some(Self::Cut),
            Some("kill") => Some(Self::Kill),
            Some("workers") => Some(Self::Workers),
            _ => None,
        }
    }

    /// What it needs besides a token.
    const fn needs(self) -> &'static [Need] {
        match self {
            Self::Cut | Self::Kill => &[Need::Postgres],
            Self::Workers => &[],
        }
    }
}

pub(crate) fn run(mut args: Args, ui: Ui) -> Result<Exit, Failure> {
    let scale = Scale { runs: args.value("--runs", "a number")?, seed: args.value("--seed", "a number")? };
    let provision = Provision::from_args(&mut args);
    let Some(subject) = Subject::of(args.word().as_deref()) else {
        return Err(Failure::usage("torture needs to know what", "cargo xtask torture cut, kill, or workers"));
    };
    args.finish()?;
    let places = Places::find()?;
    let tools = sysroot::prepare_with(&places, ui, provision, subject.needs())?;
    let runner = Runner::new(places.fuda.join(format!("torture-{}", std::process::id())), tools.variables())?;
    match subject {
        Subject::Cut => cut::CUT.go(&places, &runner, ui, scale),
        Subject::Kill => kill::KILL.go(&places, &runner, ui, scale),
        Subject::Workers => workers::run(&places, &runner, ui, scale),
    }
}

/// Cargo with these words, in the workspace.
fn cargo(places: &Places, runner: &Runner, words: &[&str]) -> Command {
    let mut cargo = runner.command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(words).current_dir(&places.root);
    cargo
}

/// Compiles by these words.
fn build(places: &Places, runner: &Runner, ui: Ui, words: &[&str]) -> Result<(), Failure> {
    let mut step = ui.step("build");
    let running = runner.start("build", cargo(places, runner, words))?;
    let ended = running.wait(BUILD_LIMIT, |running| step.progress(&cargo_progress(&running.complained())))?.well()?;
    step.done(&cargo_progress(&ended.stderr));
    Ok(())
}

/// A line without the name of the test that the harness leaves open before it.
fn told(line: &str) -> &str {
    line.rsplit_once(" ... ").map_or(line, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subject_is_in_the_help() {
        for word in ["cut", "kill", "workers"] {
            assert!(Subject::of(Some(word)).is_some() && HELP.contains(&format!("\n{word}: ")), "{word}");
        }
        assert_eq!((Subject::of(Some("line")), Subject::of(None)), (None, None));
    }
}
