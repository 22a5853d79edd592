//! Command chaining: a command that comes in parts.
//!
//! ISO/IEC 7816-4:2020 §5.3.3. Parts have the same class (but for b5), instruction and parameters; each is answered with 9000 and nothing is
//! done before the last one. Another command in between ends the chain. Under secure messaging every part is a command of its own, with
//! its own MAC, and the plain data are put together.

use crate::card::Card;
use crate::dispatch::{Class, Protection};
use fuda_card::apdu::Command;
use fuda_card::status::StatusWord;

/// Most data of a chain: what the largest file and the largest key set need, and some more.
const DATA_MAX: usize = 4096;

/// What is there of a chain.
#[derive(Debug)]
pub(crate) struct Chain {
    head: Head,
    data: Vec<u8>,
}

/// What all parts have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    class: Class,
    protection: Protection,
    ins: u8,
    p1: u8,
    p2: u8,
}

/// Whether a command announces another part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    More,
    Last,
}

impl Card {
    /// Adds a part, given without its protection; the whole command when it was the last one.
    pub(crate) fn collect(
        &mut self,
        class: Class,
        protection: Protection,
        part: Part,
        command: Command,
    ) -> Result<Option<Command>, StatusWord> {
        let head = Head { class, protection, ins: command.ins, p1: command.p1, p2: command.p2 };
        let begun = self.ram.chain.take();
        let mut data = match begun {
            Some(chain) if chain.head != head => return Err(StatusWord::LAST_COMMAND_EXPECTED),
            Some(chain) => chain.data,
            None if part == Part::Last => return Ok(Some(command)),
            None => Vec::new(),
        };
        if data.len() + command.data.len() > DATA_MAX {
            return Err(StatusWord::WRONG_LENGTH);
        }
        data.extend_from_slice(&command.data);
        match part {
            Part::More => {
                self.ram.chain = Some(Chain { head, data });
                Ok(None)
            }
            Part::Last => Ok(Some(Command { data, ..command })),
        }
    }
}
