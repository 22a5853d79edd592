//! Faults as data: what goes wrong at which command.
//!
//! In text `[CHIP/]STEP:KIND`, see [`GRAMMAR`]. A fault happens once; the card counts its commands since it was made or
//! opened, over resets and reconnections, so a plan of faults is a plan of cuts.

use crate::error::Error;
use fuda_card::status::StatusWord;
use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

/// The text form, for `--help`.
pub const GRAMMAR: &str = "\
[CHIP/]STEP:KIND
  CHIP  number of the chip on the stack, from 1 [default: every chip]
  STEP  N         the N-th command that the chip meets, from 1
        ins=HH    the first command with this INS; ins=HH#N the N-th
  KIND  tear=N    power fails after N bytes of the write (atomic commands: 0 before, else after)
        lost      the command is done, then the chip is out and its answer lost
        pulled    the chip is out before the command
        hang      the chip never answers
        mac       the last data byte of the answer is wrong
        slow=D    the answer comes D later (300ms, 2s)
        sw=HHHH   the command is not done and answered with this status word
Example: --fault 3/ins=D8#2:tear=1 --fault 120:pulled";

/// When a fault happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// At this command, counted from 1.
    Command(u32),
    /// At this command among those with one INS, counted from 1.
    Instruction {
        /// Instruction byte.
        ins: u8,
        /// Which of them.
        occurrence: u32,
    },
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The write stops after this many bytes and the power is gone.
    Tear(usize),
    /// The command is done, the answer never arrives, the power is gone.
    Lost,
    /// The power is gone before the command.
    Pulled,
    /// The card never answers.
    Hung,
    /// The last data byte of the answer is wrong.
    WrongMac,
    /// The answer is late.
    Slow(Duration),
    /// The command is refused.
    Refused(StatusWord),
}

/// One fault of one chip, or of every chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Number of the chip on the stack, from 1; `None` for every chip.
    pub chip: Option<usize>,
    /// When.
    pub step: Step,
    /// What.
    pub kind: Kind,
}

/// The faults that one card will meet.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    plan: Vec<(Step, Kind)>,
    commands: u32,
    instructions: BTreeMap<u8, u32>,
}

impl Faults {
    /// A card that meets these faults.
    #[must_use]
    pub fn new(plan: impl IntoIterator<Item = (Step, Kind)>) -> Self {
        Self { plan: plan.into_iter().collect(), ..Self::default() }
    }

    /// The faults among `all` that concern a chip.
    #[must_use]
    pub fn of_chip(all: &[Fault], chip: usize) -> Self {
        let concerned = all.iter().filter(|fault| fault.chip.is_none_or(|number| number == chip));
        Self::new(concerned.map(|fault| (fault.step, fault.kind)))
    }

    /// Counts a command and says what goes wrong with it.
    pub(crate) fn meet(&mut self, ins: u8) -> Option<Kind> {
        self.commands = self.commands.saturating_add(1);
        let seen = self.instructions.entry(ins).or_default();
        *seen = seen.saturating_add(1);
        let (commands, seen) = (self.commands, *seen);
        let is_now = |step: &Step| match *step {
            Step::Command(number) => number == commands,
            Step::Instruction { ins: wanted, occurrence } => wanted == ins && occurrence == seen,
        };
        self.plan.iter().find(|(step, _)| is_now(step)).map(|(_, kind)| *kind)
    }
}

impl FromStr for Fault {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text).ok_or_else(|| Error::Argument { text: text.to_owned(), expected: "a fault, [CHIP/]STEP:KIND" })
    }
}

fn parse(text: &str) -> Option<Fault> {
    let (place, kind) = text.split_once(':')?;
    let (chip, step) = match place.split_once('/') {
        Some((chip, step)) => (Some(counting(chip)?), step),
        None => (None, place),
    };
    let step = match step.strip_prefix("ins=") {
        None => Step::Command(u32::try_from(counting(step)?).ok()?),
        Some(instruction) => {
            let (ins, occurrence) = instruction.split_once('#').unwrap_or((instruction, "1"));
            let [ins] = hex_bytes(ins)?;
            Step::Instruction { ins, occurrence: u32::try_from(counting(occurrence)?).ok()? }
        }
    };
    let kind = match kind.split_once('=') {
        None => match kind {
            "lost" => Kind::Lost,
            "pulled" => Kind::Pulled,
            "hang" => Kind::Hung,
            "mac" => Kind::WrongMac,
            _ => return None,
        },
        Some(("tear", bytes)) => Kind::Tear(bytes.parse().ok()?),
        Some(("slow", delay)) => Kind::Slow(duration(delay).ok()?),
        Some(("sw", sw)) => Kind::Refused(StatusWord::from_bytes(hex_bytes(sw)?)),
        Some(_) => return None,
    };
    Some(Fault { chip, step, kind })
}

fn counting(text: &str) -> Option<usize> {
    text.parse().ok().filter(|number| *number > 0)
}

fn hex_bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

/// Reads a time such as `10ms` or `2s`.
///
/// # Errors
/// [`Error::Argument`] for anything else.
pub fn duration(text: &str) -> Result<Duration, Error> {
    let millis = text.strip_suffix("ms").map(|number| (number, 1));
    let value = millis.or_else(|| text.strip_suffix('s').map(|number| (number, 1000)));
    value
        .and_then(|(number, unit)| {
            number.parse::<u32>().ok().map(|count| Duration::from_millis(u64::from(count) * unit))
        })
        .ok_or_else(|| Error::Argument { text: text.to_owned(), expected: "a time such as 10ms or 2s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form() {
        let fault = |text: &str| text.parse::<Fault>().unwrap();
        let second_put_key = Step::Instruction { ins: 0xD8, occurrence: 2 };
        assert_eq!(fault("3/ins=D8#2:tear=1"), Fault { chip: Some(3), step: second_put_key, kind: Kind::Tear(1) });
        assert_eq!(fault("120:pulled"), Fault { chip: None, step: Step::Command(120), kind: Kind::Pulled });
        assert_eq!(fault("1:slow=2s").kind, Kind::Slow(Duration::from_secs(2)));
        assert_eq!(fault("1:sw=6581").kind, Kind::Refused(StatusWord::MEMORY_FAILURE));
        for wrong in ["", "1", "0:lost", "ins=D:lost", "1:tear", "1:slow=2", "0/1:lost", "1:sw=65", "x/1:lost"] {
            assert!(wrong.parse::<Fault>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_fault_happens_once() {
        let mut faults =
            Faults::new([(Step::Instruction { ins: 0xE0, occurrence: 2 }, Kind::Lost), (Step::Command(4), Kind::Hung)]);
        let met: Vec<_> = [0xE0, 0xA4, 0xE0, 0xE0, 0xE0].into_iter().map(|ins| faults.meet(ins)).collect();
        assert_eq!(met, [None, None, Some(Kind::Lost), Some(Kind::Hung), None]);
    }
}
