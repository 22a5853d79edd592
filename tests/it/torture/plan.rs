//! What is done to the line and its cards in a run, drawn from a seed.

use super::cable::{Deed, Side, Trap};
use fuda_tests::random::Random;
use std::time::Duration;

/// Instructions that write and may therefore be torn: CREATE FILE, UPDATE BINARY, UPDATE RECORD, PUT KEY, DELETE, ACTIVATE FILE.
const WRITES: [u8; 6] = [0xE0, 0xD6, 0xDC, 0xD8, 0xE4, 0x44];
/// No write of an issuance has more bytes than one short command.
const BYTES_MAX: u64 = 256;
/// A card that loses its answer hangs instead in one round of so many.
const HANG_EVERY: usize = 4;
/// A kill behind an answer falls within the work that the line does before the next command: HSM, journal, or nothing.
const BEHIND_US: u64 = 4_000;
/// A kill by the clock falls into a start of the line, or into the cards after it.
const CLOCK_MS: u64 = 700;

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Victim {
    /// The first line: the other goes on, and takes over.
    Line,
    /// Both lines.
    Lines,
    /// One of its HSM workers.
    Worker,
    /// All of them.
    Workers,
    /// The process of the card.
    Card,
}

/// What is done in one run.
#[derive(Debug, Clone, Copy)]
pub(super) enum Harm {
    /// SIGKILL when the card comes to its trap, after a pause.
    Kill(Victim, Trap, Duration),
    /// SIGKILL after a time.
    Clock(Victim, Duration),
    /// The power fails in a write, after so many bytes.
    Tear { command: usize, byte: u64 },
    /// Something else happens to the card at its trap.
    Cable(Trap),
    /// Another card takes the card's place.
    Swap(Trap, Other),
}

/// The card that takes another's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Other {
    /// As it came from its maker.
    Blank,
    /// Good already.
    Good,
}

/// Column of the histogram that a harm belongs to.
pub(super) const KINDS: [&str; 7] = ["line", "clock", "worker", "card", "torn", "cable", "swap"];

impl Harm {
    /// Its column.
    pub(super) const fn kind(self) -> usize {
        match self {
            Self::Kill(Victim::Line | Victim::Lines, ..) => 0,
            Self::Clock(Victim::Line | Victim::Lines, _) => 1,
            Self::Kill(Victim::Worker | Victim::Workers, ..) | Self::Clock(Victim::Worker | Victim::Workers, _) => 2,
            Self::Kill(Victim::Card, ..) | Self::Clock(Victim::Card, _) => 3,
            Self::Tear { .. } => 4,
            Self::Cable(_) => 5,
            Self::Swap(..) => 6,
        }
    }

    /// The trap that the cable sets.
    pub(super) const fn trap(self) -> Option<Trap> {
        match self {
            Self::Kill(_, trap, _) | Self::Cable(trap) | Self::Swap(trap, _) => Some(trap),
            Self::Clock(..) | Self::Tear { .. } => None,
        }
    }

    /// Whether the card may be rejected for it: it answered what it must not.
    pub(super) const fn may_cost_the_chip(self) -> bool {
        matches!(self, Self::Cable(Trap { deed: Deed::Lie, .. }))
    }
}

/// The harms of a torture: kills of the line go round all commands of a card, on each side of each; the others are drawn.
#[derive(Debug)]
pub(super) struct Plan {
    random: Random,
    /// INS of each command of an undisturbed card, and of the power off behind them.
    dialogue: Vec<u8>,
    /// Kills of the line so far.
    kills: usize,
    drawn: usize,
}

/// Of so many harms in a row each of these is one.
const ROUND: [Drawn; 20] = {
    use Drawn::{Card, Clock, Lie, Line, Lost, Pulled, Swap, Tear, Worker};
    [
        Line, Tear, Line, Swap, Line, Clock, Line, Worker, Line, Lie, Line, Card, Line, Lost, Line, Tear, Line, Pulled,
        Line, Line,
    ]
};

#[derive(Debug, Clone, Copy)]
enum Drawn {
    Line,
    Clock,
    Worker,
    Card,
    Tear,
    Lost,
    Pulled,
    Lie,
    Swap,
}

impl Plan {
    pub(super) const fn new(random: Random) -> Self {
        Self { random, dialogue: Vec::new(), kills: 0, drawn: 0 }
    }

    /// Takes the dialogue of an undisturbed card to plan by.
    pub(super) fn learn(&mut self, dialogue: Vec<u8>) {
        assert!(self.dialogue.is_empty() || self.dialogue == dialogue, "cards are made in two ways");
        self.dialogue = dialogue;
    }

    /// A moment within so many milliseconds.
    pub(super) fn moment(&mut self, within_ms: u64) -> Duration {
        Duration::from_millis(self.random.within(0..within_ms))
    }

    /// Commands of a card.
    pub(super) fn commands(&self) -> usize {
        self.dialogue.len()
    }

    /// The next harm.
    pub(super) fn next(&mut self) -> Harm {
        let drawn = ROUND[self.drawn % ROUND.len()];
        let hangs = self.drawn % (HANG_EVERY * ROUND.len()) >= (HANG_EVERY - 1) * ROUND.len();
        self.drawn += 1;
        match drawn {
            Drawn::Line => self.kill_of_the_line(),
            Drawn::Clock => {
                let victim = if self.random.within(0..2) == 0 { Victim::Lines } else { Victim::Line };
                Harm::Clock(victim, self.moment(CLOCK_MS))
            }
            Drawn::Worker => {
                let victim = if self.random.within(0..3) == 0 { Victim::Workers } else { Victim::Worker };
                self.kill(victim)
            }
            Drawn::Card => self.kill(Victim::Card),
            Drawn::Tear => self.tear(),
            // The line waits ten seconds for a card that hangs.
            Drawn::Lost if hangs => self.cable(Side::Answer, Deed::Hang),
            Drawn::Lost => self.cable(Side::Answer, Deed::Part),
            Drawn::Pulled => self.cable(Side::Command, Deed::Part),
            Drawn::Lie => self.cable(Side::Answer, Deed::Lie),
            Drawn::Swap => {
                let other = if self.random.within(0..2) == 0 { Other::Blank } else { Other::Good };
                Harm::Swap(self.trap(Side::Command, Deed::Swap), other)
            }
        }
    }

    fn command(&mut self) -> usize {
        let commands = u64::try_from(self.dialogue.len()).unwrap();
        usize::try_from(self.random.within(1..commands)).unwrap()
    }

    fn trap(&mut self, side: Side, deed: Deed) -> Trap {
        Trap { at: self.command(), side, deed }
    }

    fn cable(&mut self, side: Side, deed: Deed) -> Harm {
        Harm::Cable(self.trap(side, deed))
    }

    /// Three times round all commands: before it, behind it, and in what the line does then.
    fn kill_of_the_line(&mut self) -> Harm {
        let commands = self.dialogue.len();
        let round = self.kills / commands;
        let at = self.kills * stride(commands) % commands + 1;
        self.kills += 1;
        let side = [Side::Command, Side::Answer, Side::Behind][(round + at) % 3];
        // The power off at the end is not answered.
        let side = if at == commands { Side::Command } else { side };
        let pause = if side == Side::Behind { self.random.within(0..BEHIND_US) } else { 0 };
        Harm::Kill(Victim::Line, Trap { at, side, deed: Deed::Tell }, Duration::from_micros(pause))
    }

    fn kill(&mut self, victim: Victim) -> Harm {
        let side = [Side::Command, Side::Answer, Side::Behind][usize::try_from(self.random.within(0..3)).unwrap()];
        let pause = Duration::from_micros(self.random.within(0..BEHIND_US));
        Harm::Kill(victim, self.trap(side, Deed::Tell), pause)
    }

    fn tear(&mut self) -> Harm {
        let writes: Vec<usize> =
            (1..).zip(&self.dialogue).filter(|(_, ins)| WRITES.contains(ins)).map(|(at, _)| at).collect();
        let at = self.random.within(0..u64::try_from(writes.len()).unwrap());
        // Half of them in the first bytes, where most writes are.
        let longest = if self.random.within(0..2) == 0 { 24 } else { BYTES_MAX };
        Harm::Tear { command: writes[usize::try_from(at).unwrap()], byte: self.random.within(0..longest) }
    }
}

/// A step that goes round so many commands and meets each once, so that a few kills are spread over all of them.
fn stride(commands: usize) -> usize {
    let divides = |of: usize, by: usize| of.is_multiple_of(by);
    let prime = [19, 17, 13, 11, 7].into_iter().find(|prime| !divides(commands, *prime));
    prime.unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_hundred_harms_kill_the_line_three_times_at_every_command() {
        let mut plan = Plan::new(Random::seeded());
        plan.learn(vec![0xD8; 53]);
        let mut kills = vec![0; 53];
        let mut kinds = [0; KINDS.len()];
        for _ in 0..300 {
            let harm = plan.next();
            kinds[harm.kind()] += 1;
            if let Harm::Kill(Victim::Line, trap, _) = harm {
                kills[trap.at - 1] += 1;
            }
        }
        assert!(kills.iter().all(|kills| *kills >= 3), "{kills:?}");
        assert!(kinds.iter().all(|count| *count >= 15), "{kinds:?}");
    }
}
