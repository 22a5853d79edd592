//! Two real lines on one order and real cards' processes, tortured: killed at every step and by the clock, while the other line takes over, their
//! workers and cards too; cards that are torn, pulled out, that lie, hang and change places. What counts is read from the memory of every card.
//!
//! `cargo xtask torture kill` is the long form: it sets `FUDA_TORTURE_RUNS`, and `FUDA_TEST_SEED` to have a torture again.

mod cable;
mod cut;
mod floor;
mod histogram;
mod plan;
mod verdict;

use cable::{Next, Reached};
use floor::{ENCODERS, Floor, Seated};
use fuda_tests::program::binary;
use fuda_tests::random::Random;
use fuda_tests::running::until;
use fuda_tests::{Delivery, Ended, Order, Site};
use fuda_tests_cluster::{Engine, engine_here};
use histogram::Histogram;
use plan::{Harm, Other, Plan, Victim};
use serde_json::json;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};
use verdict::Verdict;

/// Runs when `FUDA_TORTURE_RUNS` does not say.
const RUNS: usize = 12;
/// Runs on one site.
const RUNS_A_SITE: usize = 100;
/// Nothing takes a card longer, the ten seconds of a card that hangs included.
const RUN_LIMIT: Duration = Duration::from_secs(60);
/// Cards that are made undisturbed: the first one of a job is audited, the second is the example.
const EXAMPLES: usize = 2;
/// Cards that the line makes in peace when all is over.
const LAST: usize = 6;
/// A line that goes on however many chips fail.
const PATIENT: &str = "audit_every = 1000\nstop_after = 1000\nquarantine_after = 1000";
const JOB: &str = "T-1";
/// Between two looks at the cards.
const LOOK: Duration = Duration::from_millis(2);
/// A delivery of a few cards takes longer: a kill within falls anywhere in it.
const DELIVERY_MS: u64 = 300;

/// What a torture came to.
#[derive(Default)]
struct Told {
    verdict: Verdict,
    histogram: Histogram,
    commands: usize,
    starts: u32,
    cards: usize,
}

#[test]
fn a_tortured_line_has_its_cards_in_order() {
    let runs = std::env::var("FUDA_TORTURE_RUNS").map_or(RUNS, |text| text.parse().unwrap());
    let test = "torture::a_tortured_line_has_its_cards_in_order";
    let engines: Vec<Engine> =
        [Engine::Sqlite, Engine::Postgres].into_iter().filter_map(|engine| engine_here(engine, test)).collect();
    let (seed, random) = Random::told();
    println!("again with FUDA_TEST_SEED={seed} FUDA_TORTURE_RUNS={runs}");
    // At least one site on each engine; one plan goes over all.
    let sites = runs.div_ceil(RUNS_A_SITE).max(engines.len());
    let (mut told, mut plan) = (Told::default(), Plan::new(random));
    for number in 0..sites {
        let here = runs * (number + 1) / sites - runs * number / sites;
        let site = Site::on(engines[number % engines.len()]);
        Torture::begin(&site, here, &mut plan).through(here, &mut plan, &mut told);
    }
    print!("{}", told.histogram.table());
    println!("{}", line(&told, runs, seed));
    assert_eq!(told.verdict, Verdict::default(), "see above");
}

/// The last word, the verdict first.
fn line(told: &Told, runs: usize, seed: u64) -> String {
    let counts = told.verdict.members().map(|(name, count)| format!("\"{name}\":{count}"));
    let more = json!({
        "runs": runs,
        "seed": seed,
        "cards": told.cards,
        "starts": told.starts,
        "commands": told.commands,
        "kills_per_command_min": told.histogram.least(told.commands),
        "histogram": told.histogram.object(),
    });
    format!("{{{},{}", counts.join(","), more.to_string().trim_start_matches('{'))
}

/// One site under torture.
struct Torture<'s> {
    site: &'s Site,
    floor: Floor<'s>,
    blank: Vec<PathBuf>,
    /// Good cards, for one to be put in a second time.
    good: Vec<PathBuf>,
    example: String,
    liars: usize,
}

impl<'s> Torture<'s> {
    /// A site with an order, and the first cards of it made in peace.
    fn begin(site: &'s Site, runs: usize, plan: &mut Plan) -> Self {
        // A run takes the chips of all encoders, and one more where cards change places.
        let chips = u32::try_from(EXAMPLES + runs * (usize::from(ENCODERS) + 1) + LAST).unwrap();
        let quantity = u32::try_from(EXAMPLES + runs * usize::from(ENCODERS) + LAST).unwrap();
        site.order(&Order { line: PATIENT.to_owned(), ..Order::small(quantity) });
        site.blank("stack", 2 * chips);
        let mut torture = Self {
            site,
            floor: Floor::new(site),
            blank: site.chips("stack"),
            good: Vec::new(),
            example: String::new(),
            liars: 0,
        };
        for _ in 0..EXAMPLES {
            torture.floor.cable(0).set(None);
            torture.peace(0);
        }
        torture.example = torture.good[EXAMPLES - 1].file_stem().unwrap().to_str().unwrap().to_owned();
        plan.learn(torture.floor.cable(0).met());
        torture
    }

    fn seat(&mut self, encoder: u16, faults: &[String]) -> Seated {
        let file = self.blank.pop().unwrap();
        self.floor.seat(encoder, &file, faults)
    }

    /// A card that nothing happens to.
    fn peace(&mut self, encoder: u16) {
        let seated = self.seat(encoder, &[]);
        until("a card to come out", || {
            self.floor.tend();
            seated.is_out(self.site)
        });
        self.good.push(seated.taken(self.site));
    }

    /// All runs of the site, the rest of its order, and the verdict.
    #[expect(clippy::print_stdout, reason = "a failing test shows it, and the long form counts them")]
    fn through(mut self, runs: usize, plan: &mut Plan, told: &mut Told) {
        for number in 1..=runs {
            let harm = plan.next();
            self.liars += usize::from(harm.may_cost_the_chip());
            println!("run {number}: {harm:?}");
            self.run(harm, &mut told.histogram);
        }
        let feeder = self.site.feeder("stack", ENCODERS, &[]);
        for report in self.floor.end().map(Ended::done) {
            assert_eq!(report["state"], "complete", "{report}");
        }
        drop(feeder);
        told.starts += self.floor.starts;
        told.commands = plan.commands();
        let delivery = self.deliver(plan);
        told.cards += delivery.cards.len();
        told.verdict.add(verdict::judge(self.site, JOB, &delivery, &self.example, self.liars));
    }

    /// Cards in all encoders, harm to the first of them or to all, until every one is out.
    fn run(&mut self, harm: Harm, histogram: &mut Histogram) {
        let began = Instant::now();
        let faults = match harm {
            Harm::Tear { command, byte } => vec![format!("{command}:tear={byte}")],
            _ => Vec::new(),
        };
        self.floor.cable(0).set(harm.trap());
        let mut seated = vec![self.seat(0, &faults)];
        seated.extend((1..ENCODERS).map(|encoder| self.seat(encoder, &[])));
        let mut other = match harm {
            Harm::Swap(_, other) => Some(other),
            _ => None,
        };
        if let Harm::Clock(victim, after) = harm {
            // From the start of a line on.
            self.floor.kill(victim);
            self.floor.tend();
            sleep(after);
            self.floor.kill(victim);
            histogram.add(harm.kind(), &self.state(&seated[0].kdd));
        }
        let mut booked = matches!(harm, Harm::Clock(..));
        while seated.iter().any(|seated| !seated.is_out(self.site)) {
            assert!(began.elapsed() < RUN_LIMIT, "a card does not come out of an encoder: {harm:?}");
            self.floor.tend();
            if let Some(wanted) = other.filter(|_| !self.floor.cable(0).met().is_empty()) {
                let file = match wanted {
                    Other::Blank => self.blank.pop(),
                    Other::Good => self.good.pop(),
                };
                seated.push(self.floor.seat(0, &file.unwrap(), &[]));
                other = None;
            }
            if let Ok(reached) = self.floor.told.recv_timeout(LOOK) {
                self.strike(harm, reached, &mut seated[0]);
                histogram.add(harm.kind(), &self.state(&seated[0].kdd));
                booked = true;
                if let Harm::Kill(Victim::Line, trap, _) = harm {
                    histogram.add_command(trap.at);
                }
            } else if !booked && self.is_struck(harm) {
                histogram.add(harm.kind(), &self.state(&seated[0].kdd));
                booked = true;
            }
        }
        assert!(booked, "nothing came to pass: {harm:?}");
        self.good.extend(seated.into_iter().map(|seated| seated.taken(self.site)));
    }

    /// Whether a card met its fault, of which nobody is told.
    fn is_struck(&self, harm: Harm) -> bool {
        match harm {
            Harm::Tear { command, .. } => self.floor.cable(0).met().len() >= command,
            Harm::Cable(_) | Harm::Swap(..) => self.floor.cable(0).has_sprung(),
            Harm::Kill(..) | Harm::Clock(..) => false,
        }
    }

    fn strike(&mut self, harm: Harm, Reached(word): Reached, card: &mut Seated) {
        let Harm::Kill(victim, _, pause) = harm else { return };
        sleep(pause);
        let next = match victim {
            Victim::Line | Victim::Lines | Victim::Card => Next::Part,
            Victim::Worker | Victim::Workers => Next::GoOn,
        };
        match victim {
            Victim::Card => card.kill(self.site),
            _ => self.floor.kill(victim),
        }
        // The cable of a dialogue that went on does not listen.
        let _ = word.send(next);
    }

    /// What the journal holds of a chip; nothing before its intent.
    fn state(&self, kdd: &str) -> String {
        let query = format!("SELECT state FROM card WHERE job = '{JOB}' AND kdd = '{kdd}'");
        self.site.database().column(&query).pop().unwrap_or_default()
    }

    /// The delivery, begun and killed twice before it is made; then every card of it is opened with its keys.
    fn deliver(&self, plan: &mut Plan) -> Delivery {
        let folder = self.site.path("deliveries").join(JOB);
        let arguments = ["deliver", JOB, "--out", folder.to_str().unwrap(), "--no-input"];
        for _ in 0..2 {
            let running = self.site.start(&binary("fuda-factory"), &arguments);
            sleep(plan.moment(DELIVERY_MS));
            let _: Ended = running.kill();
        }
        if !folder.exists() {
            let _ = self.site.deliver(JOB, JOB);
        }
        let delivery = Delivery::read(&folder);
        self.open_all(&delivery);
        delivery
    }

    fn open_all(&self, delivery: &Delivery) {
        std::fs::create_dir(self.site.path("again")).unwrap();
        for kdd in delivery.column("chip_id") {
            let name = format!("{kdd}.card");
            std::fs::copy(self.site.path("ejected").join(&name), self.site.path("again").join(&name)).unwrap();
        }
        let address = self.site.address(ENCODERS);
        let feeder = self.site.feed("again", "opened", &address, &[]);
        let folder = delivery.folder.to_str().unwrap();
        let spec = format!("vpcd:{address}");
        let opened = self.site.factory(&["verify", folder, "--cards", "all", "--encoders", &spec]).done();
        assert_eq!(opened["cards_audited"], delivery.cards.len(), "{opened}");
        drop(feeder);
    }
}
