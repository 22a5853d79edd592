//! A forecast as the steps of a card script: what an honest terminal checks while the service centre is out of reach.
//!
//! What a dishonest one is told it can say without having asked a card. So two things are kept from both: the card's cryptogram, without which
//! nothing of a session is proved, and the answer to the last command, whose R-MAC holds only where all commands before it have run. An honest
//! terminal has no need of them: a right challenge comes from the card's key as the cryptogram does, and after the last command nothing is left to stop.

use super::{Answer, Forecast, ForeseenCommand};
use crate::apdu::ApduError;
use crate::atr::Atr;
use crate::cardscript::limits::BUDGET_MS_MAX;
use crate::cardscript::{HexBytes, Match, Step};
use crate::crypto::BLOCK_BYTES;
use crate::personalisation::{Action, Plan};
use crate::scp03::InitializeUpdateResponse;
use std::ops::Range;

/// Longest time for one answer, in milliseconds: ten times what a card takes for its slowest command, and less than a person's patience.
const ANSWER_MS: u32 = 5_000;
/// Longest time for a script beside what its commands take, in milliseconds: one command may use up its own.
const BUDGET_BASE_MS: u32 = 10_000;
/// Time for one command at the pace of a slow card and reader, in milliseconds.
const COMMAND_MS: u32 = 300;
/// Beginnings of status words that say "done": 9000, and a warning where the answer cannot be foreseen.
const DONE: [u8; 2] = [0x90, 0x00];
const WARNING: [u8; 1] = [0x62];
const INS_INITIALIZE_UPDATE: u8 = 0x50;
const INS_READ_BINARY: u8 = 0xB0;
const INS_EXTERNAL_AUTHENTICATE: u8 = 0x82;

/// How the card's reader carries commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// Commands as they are: T=1, or no contacts.
    Whole,
    /// T=0, where a command with data has no Le: READ BINARY answers to the end of the file, so its answer is known in part.
    T0,
}

impl Carrier {
    /// What a card's answer to reset says of its reader. Where it says nothing, and where the reader may choose, it is T=0: what is
    /// checked of an answer then holds with T=1 too.
    #[must_use]
    pub fn of_atr(bytes: &[u8]) -> Self {
        match (Atr::inspect(bytes).protocols.first(), bytes) {
            (Some(1), _) => Self::Whole,
            // The ATR that a reader makes up for a card without contacts: PC/SC part 3, §3.1.3.2.3.
            (_, [0x3B, 0x80..=0x8F, 0x80, 0x01, ..]) => Self::Whole,
            _ => Self::T0,
        }
    }
}

/// What a person is told while a command runs: the key of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Card and centre prove themselves to each other.
    Meeting,
    /// The card is read.
    Reading,
    /// The card is written: it must not be taken out.
    Writing,
    /// The last commands.
    Finishing,
}

impl Phase {
    /// The key of its text.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Meeting => "meeting",
            Self::Reading => "reading",
            Self::Writing => "writing",
            Self::Finishing => "finishing",
        }
    }

    const fn of(action: &Action) -> Self {
        match action {
            Action::ExpectFile(_)
            | Action::ExpectBinary { .. }
            | Action::ExpectRecord { .. }
            | Action::ExpectKeySets(_)
            | Action::ReadFile(_)
            | Action::ReadBinary { .. }
            | Action::ReadRecord { .. }
            | Action::ReadKeySets => Self::Reading,
            Action::SelectMf | Action::SelectDf(_) | Action::Activate | Action::Deactivate => Self::Finishing,
            Action::CreateFile(_)
            | Action::UpdateBinary { .. }
            | Action::UpdateRecord { .. }
            | Action::PutKey(_)
            | Action::DeleteKey(_)
            | Action::Terminate => Self::Writing,
        }
    }
}

impl Forecast {
    /// The steps of a card script for `plan`, which the forecast was made from. A wrong card or counter stops before EXTERNAL
    /// AUTHENTICATE, and every other answer that is not as foreseen stops there.
    ///
    /// # Errors
    /// [`ApduError`] for a command that no APDU carries, of which a forecast holds none.
    pub fn card_script(&self, plan: &Plan, carrier: Carrier) -> Result<Vec<Step>, ApduError> {
        let count = self.commands.len();
        let steps = self.commands.iter().zip(1..).map(|(foreseen, number)| {
            let phase = foreseen.phase(plan);
            let proves_all = number == count && foreseen.command.is_secured();
            let matches = if proves_all { Vec::new() } else { foreseen.rule(carrier).into_iter().collect() };
            let percent = u8::try_from(100 * number / count.max(1)).unwrap_or(100);
            let step = Step::new(foreseen.command.encode()?, ANSWER_MS);
            Ok(Step { sw: foreseen.accepted(), matches, p: phase.key().to_owned(), percent, ..step })
        });
        steps.collect()
    }

    /// Longest time for the whole script, in milliseconds.
    #[must_use]
    pub fn budget_ms(&self) -> u32 {
        let commands = u32::try_from(self.commands.len()).unwrap_or(u32::MAX);
        commands.saturating_mul(COMMAND_MS).saturating_add(BUDGET_BASE_MS).min(BUDGET_MS_MAX)
    }
}

impl ForeseenCommand {
    fn phase(&self, plan: &Plan) -> Phase {
        match plan.steps().get(self.step) {
            Some(step) if self.command.is_secured() && self.command.ins != INS_EXTERNAL_AUTHENTICATE => {
                Phase::of(&step.action)
            }
            _ => Phase::Meeting,
        }
    }

    fn accepted(&self) -> Vec<HexBytes> {
        match self.answer {
            Answer::Whole(_) => vec![HexBytes::new(DONE)],
            Answer::Begins(_) => vec![HexBytes::new(DONE), HexBytes::new(WARNING)],
        }
    }

    /// What the answer must be, as far as it is known and may be told.
    fn rule(&self, carrier: Carrier) -> Option<Match> {
        let known = self.answer.known();
        let value = match (carrier, self.command.ins) {
            (Carrier::T0, INS_READ_BINARY) => {
                // More plain bytes follow those that were asked for: the blocks that hold only these are the same.
                let asked_for = usize::try_from(self.command.ne.unwrap_or(0)).unwrap_or(usize::MAX);
                known.get(..asked_for / BLOCK_BYTES * BLOCK_BYTES).unwrap_or_default()
            }
            _ => known,
        };
        let (mut mask, mut value) = (vec![0xFF; value.len()], value.to_vec());
        for kept in [&mut mask, &mut value] {
            kept.get_mut(self.cryptogram_place()).unwrap_or_default().fill(0);
        }
        (!value.is_empty()).then(|| Match { offset: 0, mask: HexBytes::new(mask), value: HexBytes::new(value) })
    }

    /// Where the card's cryptogram stands in the answer; nowhere in any but that to INITIALIZE UPDATE.
    fn cryptogram_place(&self) -> Range<usize> {
        match &self.answer {
            Answer::Whole(data) if self.command.ins == INS_INITIALIZE_UPDATE && !self.command.is_secured() => {
                InitializeUpdateResponse::parse(data).map_or(0..0, |answer| answer.cryptogram_place())
            }
            _ => 0..0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Carrier;

    #[test]
    fn an_answer_to_reset_tells_how_commands_are_carried() {
        for (atr, carrier) in [
            ("3B86810146454153475000", Carrier::Whole),
            ("3B8F8001804F0CA000000306030001000000006A", Carrier::Whole),
            ("3B058073218080", Carrier::T0),
            ("3B9F958131FE", Carrier::Whole),
            ("3BF71100008131FE454A434F507632343178", Carrier::Whole),
            ("", Carrier::T0),
            ("00", Carrier::T0),
        ] {
            assert_eq!(Carrier::of_atr(&hex::decode(atr).unwrap()), carrier, "{atr}");
        }
    }
}
