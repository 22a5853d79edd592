//! 2nd issuance and updates, cut at any command: what every reader sees afterwards is the whole old card or the whole new one, and the
//! job ends at the next contacts.
//!
//! The card is the simulated one in memory, the host is the script with keys in software. What counts is read from the card's memory.

pub(crate) mod host;
pub(crate) mod job;
pub(crate) mod plan;
pub(crate) mod reader;

use fuda_tests::random::Random;
use job::{Cards, Journey};
use plan::{Cut, Mode};

/// After the last cut the job is done within so many contacts.
const UNCUT_CONTACTS_MAX: usize = 3;
/// Random plans of this many cuts at most.
const RANDOM_CUTS_MAX: u64 = 5;
const RANDOM_PLANS: usize = 400;

#[test]
fn the_plans_of_the_vectors() {
    let plans = plan::read(include_str!("../../vectors/cut_plans.txt"));
    assert_eq!(plans.len(), 60);
    for journey in Journey::ALL {
        let cards = Cards::new();
        let commands = cards.commands(journey);
        for (name, plan) in &plans {
            let cuts: Vec<Cut> = plan.iter().map(|cut| cut.of(commands)).collect();
            cards.survives(journey, &cuts).unwrap_or_else(|what| panic!("{journey:?} {name}: {what}"));
        }
    }
}

#[test]
fn one_cut_anywhere() {
    for journey in Journey::ALL {
        let cards = Cards::new();
        let mut cuts = 0;
        for command in 0..cards.commands(journey) {
            for mode in Mode::ALL {
                let cut = Cut { command, mode };
                cards.survives(journey, &[cut]).unwrap_or_else(|what| panic!("{journey:?} {cut:?}: {what}"));
                cuts += 1;
            }
        }
        println!("{journey:?}: {cuts} single cuts");
    }
}

#[test]
fn several_cuts_anywhere() {
    let mut random = Random::seeded();
    for journey in Journey::ALL {
        let cards = Cards::new();
        let commands = u64::try_from(cards.commands(journey)).unwrap();
        for _ in 0..RANDOM_PLANS {
            let count = random.within(2..RANDOM_CUTS_MAX + 1);
            let mut any = || Cut {
                command: usize::try_from(random.within(0..commands)).unwrap(),
                mode: Mode::ALL[usize::try_from(random.within(0..Mode::ALL.len() as u64)).unwrap()],
            };
            let cuts: Vec<Cut> = (0..count).map(|_| any()).collect();
            cards.survives(journey, &cuts).unwrap_or_else(|what| panic!("{journey:?} {cuts:?}: {what}"));
        }
    }
}
