//! What is done to a member's contacts with the centre: one thing after the other, drawn from a seed or written down.

use crate::activation::player::{Cut, Mode};
use fuda_tests::random::Random;

/// Commands of a whole activation, and some more for a contact that asks the card first.
const COMMANDS: u64 = 34;
/// A write is torn before its first byte, in its midst, or near its end.
const TORN_PERCENT: [usize; 3] = [0, 50, 97];
/// A message is answered within this time on a quiet machine; what is killed within falls anywhere in it.
const ANSWER_US: u64 = 60_000;
/// Faults of one run.
pub(super) const FAULTS_MAX: u64 = 4;

/// One thing that is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The card or its reader goes at a command; the terminal says so.
    Card(Cut),
    /// The line to the centre is cut at a message of the contact, and the terminal gives up.
    Line(usize, Side),
    /// A message comes twice.
    Twice(usize),
    /// Something of the centre's is killed at a message.
    Killed(Victim, usize, Moment),
    /// The terminal keeps the script, and says nothing.
    Kept,
    /// Whoever has kept scripts runs them now.
    Late(Manner),
    /// Another card is put in for the order, and this one at another terminal at the same time.
    TwoCards(Cut),
    /// Two terminals have a session for the card: the second one gets the card at this command of the first, and one of them is cut.
    TwoTerminals(usize, Cut, Way),
    /// A hold is placed while the script is at the terminal, and lifted after another contact was refused for it.
    Held(Cut),
    /// The card is blocked while the script is at the terminal.
    Blocked(Cut),
    /// The payment provider says again that the order is paid.
    Notice,
}

/// Of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The centre does not get it.
    Before,
    /// Its answer is lost.
    After,
}

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Victim {
    /// The node; another one is started.
    Node,
    /// Its HSM workers.
    Worker,
    /// The database is not there for a while.
    Database,
}

/// When it is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// Before the message comes.
    Before,
    /// So many microseconds after it was sent.
    Within(u64),
}

/// How the card comes from one terminal to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It is taken out of the reader and put into the other one.
    Carried,
    /// Somebody passes commands of both on to the card, and the first one goes on when the second one is done.
    Relayed,
}

/// How a script is run late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// As the protocol says, and the centre hears of it.
    Told,
    /// The same, and it does not.
    Untold,
    /// Every command is sent whatever the card answers, and the centre does not hear of it.
    Heedless,
}

/// Kinds, in the order of the columns of a histogram.
pub(super) const KINDS: [&str; 15] = [
    "card out before",
    "card out after",
    "torn",
    "reader gone",
    "line cut",
    "message twice",
    "node killed",
    "worker killed",
    "database gone",
    "script kept",
    "script late",
    "two cards",
    "two terminals",
    "hold or block",
    "webhook twice",
];

impl Fault {
    /// Its place in [`KINDS`].
    pub(super) const fn kind(self) -> usize {
        match self {
            Self::Card(Cut { mode: Mode::Before, .. }) => 0,
            Self::Card(Cut { mode: Mode::After, .. }) => 1,
            Self::Card(Cut { mode: Mode::Torn(_), .. }) => 2,
            Self::Card(Cut { mode: Mode::Reader, .. }) => 3,
            Self::Line(..) => 4,
            Self::Twice(_) => 5,
            Self::Killed(Victim::Node, ..) => 6,
            Self::Killed(Victim::Worker, ..) => 7,
            Self::Killed(Victim::Database, ..) => 8,
            Self::Kept => 9,
            Self::Late(_) => 10,
            Self::TwoCards(_) => 11,
            Self::TwoTerminals(..) => 12,
            Self::Held(_) | Self::Blocked(_) => 13,
            Self::Notice => 14,
        }
    }

    /// Between one and [`FAULTS_MAX`] of them.
    pub(super) fn draw(random: &mut Random) -> Vec<Self> {
        (0..random.within(1..FAULTS_MAX + 1)).map(|_| Self::one(random)).collect()
    }

    /// One of a thousand: what stops the whole centre for a second is rare, so that most of the time is spent on the rest.
    fn one(random: &mut Random) -> Self {
        let message = |random: &mut Random| usize::try_from(random.within(0..3)).unwrap();
        match random.within(0..1000) {
            0..400 => Self::Card(cut(random)),
            400..520 => Self::Line(message(random), if random.within(0..2) == 0 { Side::Before } else { Side::After }),
            520..600 => Self::Twice(message(random)),
            600..720 => Self::Kept,
            720..790 => {
                let manner = [Manner::Told, Manner::Untold, Manner::Heedless];
                Self::Late(manner[usize::try_from(random.within(0..3)).unwrap()])
            }
            790..850 => Self::TwoCards(cut(random)),
            850..930 => {
                let way = if random.within(0..2) == 0 { Way::Carried } else { Way::Relayed };
                Self::TwoTerminals(usize::try_from(random.within(0..COMMANDS)).unwrap(), cut(random), way)
            }
            930..950 => Self::Held(cut(random)),
            950..960 => Self::Blocked(cut(random)),
            960..988 => Self::Notice,
            rest => {
                let victim = [Victim::Node, Victim::Worker, Victim::Database][usize::try_from(rest % 3).unwrap()];
                let moment = match random.within(0..3) {
                    0 => Moment::Before,
                    _ => Moment::Within(random.within(0..ANSWER_US)),
                };
                Self::Killed(victim, message(random), moment)
            }
        }
    }
}

/// A cut at any command, in any way.
fn cut(random: &mut Random) -> Cut {
    let command = usize::try_from(random.within(0..COMMANDS)).unwrap();
    let mode = match random.within(0..6) {
        0 => Mode::Before,
        1 => Mode::After,
        2 => Mode::Reader,
        torn => Mode::Torn(TORN_PERCENT[usize::try_from(torn).unwrap() - 3]),
    };
    Cut { command, mode }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_drawn_and_a_seed_draws_the_same_again() {
        let of = |seed| Fault::draw(&mut Random::of(seed));
        let mut kinds = [0; KINDS.len()];
        for seed in 0..2000 {
            assert_eq!(of(seed), of(seed));
            assert!((1..=4).contains(&of(seed).len()));
            of(seed).iter().for_each(|fault| kinds[fault.kind()] += 1);
        }
        assert!(kinds.iter().all(|count| *count > 0), "{kinds:?}");
    }
}
