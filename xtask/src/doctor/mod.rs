//! `cargo xtask doctor`: what this machine has, tier by tier, and what to do about the rest. It changes nothing.

mod probes;

use crate::args::Args;
use crate::fail::{Exit, Failure};
use crate::json;
use crate::places::Places;
use crate::ui::{Colour, Ui};

pub(crate) const HELP: &str = "\
Looks at this machine and changes nothing.

Usage: cargo xtask doctor [--json]

  --json   the last line of standard output is one object: {\"ready\":[TIER..],\"findings\":[{tier,name,state,detail,do}..]}

Tiers: `demo` is what `cargo xtask demo` needs; `test` is what tests use besides; `peers` are programs from elsewhere that
`cargo xtask peers` brings; `later` no test uses yet. What is missing in `test` and `peers` makes tests skip by name.
Exit: 0 when the demo can run (what it lacks can be fetched without root), 9 when it cannot.
";

/// What a tool is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tier {
    Demo,
    Test,
    Peers,
    /// For tests that are not written yet.
    Later,
}

impl Tier {
    const NOW: [Tier; 3] = [Tier::Demo, Tier::Test, Tier::Peers];

    fn name(self) -> &'static str {
        match self {
            Tier::Demo => "demo",
            Tier::Test => "test",
            Tier::Peers => "peers",
            Tier::Later => "later",
        }
    }
}

/// What was found out about one thing.
#[derive(Debug)]
enum State {
    /// It is here; the text says where or which.
    Here(String),
    /// It is not, and the first command that needs it fetches it without root.
    Fetched,
    /// It is not; the text says what to do.
    Missing(String),
}

#[derive(Debug)]
struct Finding {
    tier: Tier,
    name: &'static str,
    state: State,
}

impl Finding {
    fn is_missing(&self) -> bool {
        matches!(self.state, State::Missing(_))
    }

    fn row(&self, ui: Ui) -> String {
        let (mark, detail) = match &self.state {
            State::Here(detail) => (ui.paint(Colour::Green, "✓"), detail.as_str()),
            State::Fetched => (ui.paint(Colour::Green, "+"), "not here; fetched without root when it is needed"),
            State::Missing(_) if self.tier == Tier::Demo => (ui.paint(Colour::Red, "✗"), "missing"),
            State::Missing(_) => (ui.paint(Colour::Yellow, "-"), "not here"),
        };
        let remedy = match &self.state {
            State::Missing(remedy) => format!(": {remedy}"),
            _ => String::new(),
        };
        format!("{:<6} {mark} {:<18} {detail}{remedy}", self.tier.name(), self.name)
    }

    fn object(&self) -> String {
        let (state, detail, remedy) = match &self.state {
            State::Here(detail) => ("here", detail.as_str(), ""),
            State::Fetched => ("fetchable", "", ""),
            State::Missing(remedy) => ("missing", "", remedy.as_str()),
        };
        let [tier, name, state, detail, remedy] = [self.tier.name(), self.name, state, detail, remedy].map(json::quote);
        format!(r#"{{"tier":{tier},"name":{name},"state":{state},"detail":{detail},"do":{remedy}}}"#)
    }
}

pub(crate) fn run(args: Args, ui: Ui) -> Result<Exit, Failure> {
    args.finish()?;
    let places = Places::find()?;
    let findings = probes::all(&places);
    for finding in &findings {
        ui.say(&finding.row(ui));
    }
    let complete = |tier: &Tier| findings.iter().all(|finding| finding.tier != *tier || !finding.is_missing());
    let ready: Vec<&str> = Tier::NOW.iter().filter(|tier| complete(tier)).map(|tier| tier.name()).collect();
    let demo = complete(&Tier::Demo);
    ui.say("");
    ui.say(match (demo, ready.len()) {
        (false, _) => "The demo cannot run yet: see the lines marked ✗.",
        (true, 3) => "All is here: `cargo xtask demo` and `cargo xtask test --require-peers` can run.",
        (true, _) => "`cargo xtask demo` can run. Tests that need what is not here skip by name.",
    });
    let list = |items: Vec<String>| items.join(",");
    let names = list(ready.iter().map(|name| json::quote(name)).collect());
    ui.result(&format!(
        r#"{{"ready":[{names}],"findings":[{}]}}"#,
        list(findings.iter().map(Finding::object).collect())
    ));
    Ok(if demo { Exit::Done } else { Exit::Lacking })
}
