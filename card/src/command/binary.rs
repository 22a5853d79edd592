//! READ BINARY (B0) and UPDATE BINARY (D6): ISO/IEC 7816-4:2020 §11.3.

use super::{Exchange, done};
use crate::apdu::{Command, Response};
use crate::error::Error;
use crate::id::Sfi;
use crate::scp03::CardProof;

const INS_READ: u8 = 0xB0;
const INS_UPDATE: u8 = 0xD6;

/// Which EF a command is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EfTarget {
    /// The current EF.
    Current,
    /// An EF of the current DF by its short identifier, which becomes current.
    Sfi(Sfi),
}

/// P1 P2: 15 bits of offset, or 1 0 0 and the short identifier, then 8 bits of offset.
fn p1_p2(target: EfTarget, offset: u16) -> Result<[u8; 2], Error> {
    let [high, low] = offset.to_be_bytes();
    match target {
        EfTarget::Current if high < 0x80 => Ok([high, low]),
        EfTarget::Sfi(sfi) if high == 0 => Ok([0x80 | sfi.to_u8(), low]),
        EfTarget::Current => Err(offset_error(offset, "at most 32767 in the current EF")),
        EfTarget::Sfi(_) => Err(offset_error(offset, "at most 255 with a short identifier")),
    }
}

fn offset_error(offset: u16, allowed: &'static str) -> Error {
    Error::Parameter { what: "the offset in the EF", value: offset.into(), allowed }
}

/// READ BINARY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadBinary {
    p1_p2: [u8; 2],
    ne: u32,
}

impl ReadBinary {
    /// Up to `ne` bytes from `offset` on (1 to 65,536; above 256 in extended length).
    ///
    /// # Errors
    /// [`Error::Parameter`] for an offset above 32,767, or above 255 with a short identifier.
    pub fn new(target: EfTarget, offset: u16, ne: u32) -> Result<Self, Error> {
        Ok(Self { p1_p2: p1_p2(target, offset)?, ne })
    }
}

impl Exchange for ReadBinary {
    /// The bytes read; fewer than asked for when the EF ends before (6282), never more.
    ///
    /// At T=0 a command with data carries no Le, and under secure messaging every command has data: the card reads as much
    /// as an answer holds.
    type Answer = Vec<u8>;

    fn command(&self) -> Command {
        let [p1, p2] = self.p1_p2;
        Command::new(0x00, INS_READ, p1, p2).with_ne(self.ne)
    }

    fn answer(&self, response: &Response) -> Result<Vec<u8>, Error> {
        if response.sw.is_success() || response.sw.to_u16() == 0x6282 {
            let asked_for = usize::try_from(self.ne).unwrap_or(usize::MAX);
            Ok(response.data.iter().take(asked_for).copied().collect())
        } else {
            Err(Error::CardStatus { ins: INS_READ, sw: response.sw })
        }
    }
}

/// UPDATE BINARY.
#[derive(Clone, PartialEq, Eq)]
pub struct UpdateBinary {
    p1_p2: [u8; 2],
    data: Vec<u8>,
}

impl UpdateBinary {
    /// Writes `data` from `offset` on.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an offset above 32,767, or above 255 with a short identifier.
    pub fn new(_: &CardProof, target: EfTarget, offset: u16, data: &[u8]) -> Result<Self, Error> {
        Ok(Self { p1_p2: p1_p2(target, offset)?, data: data.to_vec() })
    }
}

/// Never the data, which may be personal.
impl std::fmt::Debug for UpdateBinary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "UpdateBinary({} bytes)", self.data.len())
    }
}

impl Exchange for UpdateBinary {
    type Answer = ();

    fn command(&self) -> Command {
        let [p1, p2] = self.p1_p2;
        Command::new(0x00, INS_UPDATE, p1, p2).with_data(self.data.clone())
    }

    fn answer(&self, response: &Response) -> Result<(), Error> {
        done(INS_UPDATE, response)
    }
}
