//! Activation over the network, tortured: contacts that are cut at every command and message, nodes, workers and databases killed, scripts
//! kept and run late, two cards for one order, two terminals for one card, holds and blocks in between. What counts is what a reader that
//! follows the rules sees on the card, against what the centre says of it.
//!
//! `cargo xtask torture cut` is the long form: it sets `FUDA_CUT_RUNS`, and `FUDA_TEST_SEED` to have a torture again.

mod between;
mod fault;
mod hand;
mod matrix;
mod run;
mod shop;
mod verdict;

use crate::activation::player::{Cut, Mode};
use fault::{Fault, KINDS, Side, Way};
use fuda_tests::random::Random;
use fuda_tests_cluster::{Engine, Programs, engine_here};
use run::Run;
use serde_json::{Map, Value, json};
use shop::{Shop, TERMINALS};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use verdict::{Verdict, judge, said};

/// Runs when `FUDA_CUT_RUNS` does not say.
const RUNS: usize = 40;
/// Runs of one shop: its order is made by the line within the time that a program of a test may take.
const RUNS_A_SHOP: usize = 400;

/// What was found once, for cards of both kinds of session: results of two terminals that raced, and a script whose job was given up.
const FOUND: [&[Fault]; 3] = [
    &[Fault::TwoTerminals(16, Cut { command: 12, mode: Mode::Torn(0) }, Way::Relayed)],
    &[Fault::TwoTerminals(1, Cut { command: 10, mode: Mode::Before }, Way::Relayed), Fault::Line(0, Side::Before)],
    &[Fault::Kept, Fault::Blocked(Cut { command: 5, mode: Mode::Reader })],
];

/// What a torture came to.
#[derive(Debug, Default)]
struct Told {
    verdict: Verdict,
    kinds: [usize; KINDS.len()],
    contacts: usize,
    contacts_max: usize,
    cards: usize,
    rows: usize,
}

/// How much is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Among all other tests.
    Short,
    /// By `cargo xtask torture cut`.
    Long,
}

#[test]
fn every_card_is_whole_whatever_happens_to_its_contacts() {
    let given = std::env::var("FUDA_CUT_RUNS").ok().map(|text| text.parse().unwrap());
    let (form, runs) = (if given.is_some() { Form::Long } else { Form::Short }, given.unwrap_or(RUNS));
    let engines = engines("torture::cut::every_card_is_whole_whatever_happens_to_its_contacts");
    let (seed, mut random) = Random::told();
    println!("again with FUDA_TEST_SEED={seed} FUDA_CUT_RUNS={runs}");
    let (rows, verdict) = matrix::through(form, &mut random);
    println!("rows of the table: {rows}, every step of an activation with each of its faults");
    let mut told = Told { verdict, rows, ..Told::default() };
    let mut found: Vec<Vec<Fault>> = FOUND.iter().flat_map(|faults| [faults.to_vec(), faults.to_vec()]).collect();
    let shops = runs.div_ceil(RUNS_A_SHOP).max(engines.len());
    for number in 0..shops {
        let here = runs * number / shops..runs * (number + 1) / shops;
        let drawn = here.map(|run| plan(seed, run));
        let plans: Vec<Vec<Fault>> = std::mem::take(&mut found).into_iter().chain(drawn).collect();
        through(engines[number % engines.len()], &plans, &mut told);
    }
    println!("{}", line(&told, (runs, seed), &engines));
    assert_eq!(told.verdict, Verdict::default(), "see above");
}

fn postgres_here() -> bool {
    Programs::find().is_ok()
}

fn engines(test: &str) -> Vec<Engine> {
    [Engine::Sqlite, Engine::Postgres].into_iter().filter_map(|engine| engine_here(engine, test)).collect()
}

/// What is done in a run: by its number and the seed, whoever else runs.
fn plan(seed: u64, run: usize) -> Vec<Fault> {
    let mut mixed = Random::of(seed);
    let salt = mixed.within(0..u64::MAX);
    Fault::draw(&mut Random::of(salt ^ (run as u64)))
}

/// Runs these plans in one shop, and judges all its cards.
fn through(engine: Engine, plans: &[Vec<Fault>], told: &mut Told) {
    let (shop, bought) = Shop::open(engine, plans.len());
    let accounts = in_turns("run", plans.len(), |number| Run::new(&shop, &bought[number]).through(&plans[number]));
    let said = said(&shop);
    for ((faults, bought), account) in plans.iter().zip(&bought).zip(&accounts) {
        told.verdict.add(judge(&shop, bought, faults, account, &said[&bought.sale.order]));
        faults.iter().for_each(|fault| told.kinds[fault.kind()] += 1);
        told.contacts += account.contacts;
        told.contacts_max = told.contacts_max.max(account.contacts);
        told.cards += 1;
    }
}

/// Works off so many pieces at some terminals.
#[expect(clippy::print_stdout, reason = "the long form counts them")]
fn in_turns<T: Send + Default>(what: &str, pieces: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    done.lock().unwrap().resize_with(pieces, T::default);
    std::thread::scope(|scope| {
        for _ in 0..TERMINALS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= pieces {
                        return;
                    }
                    let came = work(number);
                    done.lock().unwrap()[number] = came;
                    println!("{what} done");
                }
            });
        }
    });
    done.into_inner().unwrap()
}

/// The last word, the verdict first.
#[allow(clippy::cast_precision_loss, reason = "small numbers")]
fn line(told: &Told, (runs, seed): (usize, u64), engines: &[Engine]) -> String {
    let counts = told.verdict.members().map(|(name, count)| format!("\"{name}\":{count}"));
    let faults: Map<String, Value> =
        KINDS.iter().zip(told.kinds).map(|(kind, count)| ((*kind).to_owned(), count.into())).collect();
    let more = json!({
        "runs": runs,
        "seed": seed,
        "cards": told.cards + told.rows,
        "rows": told.rows,
        "faults": faults,
        "contacts_max": told.contacts_max,
        "contacts_mean": (100.0 * told.contacts as f64 / told.cards.max(1) as f64).round() / 100.0,
        "engines": engines.iter().map(|engine| format!("{engine:?}").to_lowercase()).collect::<Vec<_>>(),
    });
    format!("{{{},{}", counts.join(","), more.to_string().trim_start_matches('{'))
}
