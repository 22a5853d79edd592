//! `cargo xtask test`: every test, then lints, documents and format, with one summary at the end.

mod checks;
mod tally;

use std::path::Path;
use std::time::Duration;

use crate::args::Args;
use crate::fail::{Exit, Failure};
use crate::json;
use crate::peers;
use crate::places::Places;
use crate::process::Runner;
use crate::sysroot::{self, Need, Provision, Tools};
use crate::ui::{Colour, Ui};
use checks::{Check, Verdict};
use tally::Tally;

pub(crate) const HELP: &str = "\
Runs every test of the workspace, then clippy, rustdoc and rustfmt, and sums up. What the tests need and this machine
lacks is fetched without root (see `cargo xtask doctor`); a test that cannot run here is named in the summary.

Usage: cargo xtask test [--fast] [--require-peers] [--system] [--json]

  --fast            only the tests
  --require-peers   a test that was skipped for want of a program is a failure; this is what CI asks for
  --system          install what is missing with apt-get instead of fetching it into target/
  --json            the last line of standard output is one object: {passed, failed, ignored, skipped, checks, log}

Exit: 0 all is well, 1 a check failed or a required test was skipped, 9 this machine lacks something.
";

/// A test run that takes longer than this hangs.
const LIMIT: Duration = Duration::from_secs(40 * 60);

/// Whether a skipped test may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Skips {
    Allowed,
    Refused,
}

pub(crate) fn run(mut args: Args, ui: Ui) -> Result<Exit, Failure> {
    let checks: &[Check] = if args.flag("--fast") { &Check::FAST } else { &Check::ALL };
    let skips = if args.flag("--require-peers") { Skips::Refused } else { Skips::Allowed };
    let provision = Provision::from_args(&mut args);
    args.finish()?;

    let places = Places::find()?;
    let tools = prepare(&places, ui, provision, skips)?;
    let logs = places.fuda.join(format!("test-{}", std::process::id()));
    let skip_log = logs.join("skipped.txt");
    let mut variables = tools.variables();
    variables.push(("FUDA_SKIP_LOG".into(), skip_log.clone().into()));
    if let Some(python) = peers::python(&places) {
        variables.push(("FUDA_YUBIKIT_PYTHON".into(), python.into()));
    }
    let runner = Runner::new(logs.clone(), variables)?;

    let mut tally = Tally::default();
    let mut verdicts = Vec::new();
    for check in checks {
        let verdict = check.run(&places, &runner, ui, LIMIT)?;
        if *check == Check::Tests {
            tally = Tally::read(&verdict.output, &verdict.complaint, &skip_log);
        }
        verdicts.push(verdict);
    }
    Ok(sum_up(ui, &tally, &verdicts, skips, &logs))
}

/// With the peers when they are required; else with what can be had, because the tests that lack it name themselves.
fn prepare(places: &Places, ui: Ui, provision: Provision, skips: Skips) -> Result<Tools, Failure> {
    if skips == Skips::Refused {
        return peers::bring(places, ui, provision);
    }
    sysroot::prepare_with(places, ui, provision, &Need::TEST).or_else(|failure| {
        let tools = sysroot::prepare(places, ui, provision)?;
        ui.say(&format!("some tests will skip; {failure}"));
        Ok(tools)
    })
}

fn sum_up(ui: Ui, tally: &Tally, verdicts: &[Verdict], skips: Skips, logs: &Path) -> Exit {
    for verdict in verdicts.iter().filter(|verdict| !verdict.well) {
        ui.say(&format!(
            "\n{}\n{}",
            ui.paint(Colour::Red, &format!("── {} ──", verdict.check.name())),
            verdict.excerpt()
        ));
    }
    ui.say("");
    for skipped in &tally.skipped {
        ui.say(&format!("{} {skipped}", ui.paint(Colour::Yellow, "skipped")));
    }
    for absent in &tally.absent {
        ui.say(absent);
    }
    let refused = skips == Skips::Refused && !(tally.skipped.is_empty() && tally.ignored.is_empty());
    let well = verdicts.iter().all(|verdict| verdict.well) && !refused;
    let words = verdicts.iter().map(|v| format!("{} {}", v.check.name(), if v.well { "ok" } else { "FAILED" }));
    ui.say(&format!(
        "{} {}",
        ui.paint(if well { Colour::Green } else { Colour::Red }, if well { "ok" } else { "FAILED" }),
        words.collect::<Vec<_>>().join(", ")
    ));
    // A line of its own, in the words that other test runners use.
    let (ignored, skipped) = (tally.ignored.len(), tally.skipped.len());
    ui.say(&format!("tests: {} passed, {} failed, {} skipped", tally.passed, tally.failed, skipped + ignored));
    if refused {
        ui.say("--require-peers: a skipped or ignored test is not a pass");
    }
    ui.result(&object(tally, verdicts, logs));
    if well { Exit::Done } else { Exit::Incomplete }
}

fn object(tally: &Tally, verdicts: &[Verdict], logs: &Path) -> String {
    let list = |names: &[String]| names.iter().map(|name| json::quote(name)).collect::<Vec<_>>().join(",");
    let checks: Vec<String> = verdicts.iter().map(|v| format!("{}:{}", json::quote(v.check.name()), v.well)).collect();
    format!(
        r#"{{"passed":{},"failed":{},"ignored":[{}],"skipped":[{}],"checks":{{{}}},"log":{}}}"#,
        tally.passed,
        tally.failed,
        list(&tally.ignored),
        list(&tally.skipped),
        checks.join(","),
        json::quote(&logs.display().to_string())
    )
}
