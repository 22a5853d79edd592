//! `cargo xtask demo`: a whole factory in a throw-away folder, cut off in the middle, and counted by somebody else.

mod count;
mod csv;
mod http;
mod line;
mod online;
mod proof;
mod report;
mod site;
mod steps;

use crate::args::Args;
use crate::fail::{Exit, Failure};
use crate::places::Places;
use crate::ports::Row;
use crate::process::Runner;
use crate::sysroot::{self, Provision};
use crate::ui::Ui;
use site::Site;
use steps::Demo;

pub(crate) const HELP: &str = "\
Issues cards as a factory would, on simulated encoders, with keys in SoftHSM: makes a token and keys, runs an order of
`membership-4ap` cards on 8 encoders, kills the line with SIGKILL in the middle, goes on, delivers, has ten cards opened
again by another process and checks the delivery with sha256sum, with openssl and by counting. Then a service centre takes the
delivery into stock, somebody joins and pays, and one of the cards is activated and read over the network.

Usage: cargo xtask demo [--cards N] [--json] [--system] [--keep]

  --cards N   how many cards to order, 20 to 1000000 (default 1000)
  --json      the last line of standard output is one object: {ordered, fed, good, rejected, samples, unknown, unfilled,
              kills, cards_per_second, hsm_bound_cards_per_second, out_dir,
              online: {activated, round_trips_card_held, held_ms}}
  --system    install what is missing with apt-get instead of fetching it into target/
  --keep      keep the demo's folder for good; without it a demo removes the folders of those before the day

Everything is in target/fuda/demo-<number>; two demos may run at once; nothing is left running.
Exit: 0 done, 6 something does not agree, 9 this machine lacks something; else what the failing program said.
";

/// What was asked for.
#[derive(Debug, Clone, Copy)]
struct Plan {
    cards: u64,
    spares: u64,
    keep: bool,
}

/// Fewer cards leave no middle to kill the line in while eight encoders hold one each.
const CARDS_MIN: u64 = 20;
/// The serial counter of the order has room for more; a day does not.
const CARDS_MAX: u64 = 1_000_000;

impl Plan {
    fn from_args(args: &mut Args) -> Result<Plan, Failure> {
        let cards = args.value("--cards", "a number of cards")?.unwrap_or(1000);
        if !(CARDS_MIN..=CARDS_MAX).contains(&cards) {
            let remedy = format!("give {CARDS_MIN} to {CARDS_MAX}");
            return Err(Failure::usage(format!("--cards {cards} is out of range"), remedy));
        }
        // Three in a hundred, as a real order would have: chips that turn out bad are replaced from them.
        Ok(Plan { cards, spares: cards.div_ceil(100) * 3, keep: args.flag("--keep") })
    }
}

pub(crate) fn run(mut args: Args, ui: Ui) -> Result<Exit, Failure> {
    let plan = Plan::from_args(&mut args)?;
    let provision = Provision::from_args(&mut args);
    args.finish()?;

    let places = Places::find()?;
    let tools = sysroot::prepare(&places, ui, provision)?;
    let site = Site::create(&places, &plan, &tools)?;
    let row = Row::find(&places, line::ENCODERS)?;
    let mut variables = tools.variables();
    variables.push(("SOFTHSM2_CONF".into(), site.path("softhsm2.conf").into()));
    variables.push(("FUDA_CONFIG".into(), site.path("fuda.toml").into()));
    let runner = Runner::new(site.path("log"), variables)?;

    let demo = Demo { ui, places: &places, tools: &tools, site: &site, row: &row, runner: &runner, plan };
    ui.say(&format!(
        "{} membership-4ap cards on {} simulated encoders, in {}",
        plan.cards,
        line::ENCODERS,
        places.short(&site.dir)
    ));
    demo.build()?;
    demo.keys()?;
    demo.chips()?;
    demo.check_order()?;
    let produced = demo.line()?;
    let delivered = demo.deliver(&produced)?;
    demo.reopen(&delivered)?;
    demo.prove(&delivered)?;
    let counts = demo.count(&produced, &delivered)?;
    let online = demo.online(&delivered)?;
    report::tell(&demo, &produced, &delivered, &counts, &online);
    Ok(Exit::Done)
}
