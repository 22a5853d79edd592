//! SELECT of a security domain: GlobalPlatform Card Specification 2.3.1 §11.9, by name alone.

use crate::card::{Card, Outcome};
use crate::fcp;
use crate::make::Make;
use crate::volatile::Session;
use fuda_card::apdu::{Command, Response};
use fuda_card::status::StatusWord;
use fuda_card::tlv::Writer;

/// Template of file control information.
const FCI: u16 = 0x6F;
/// Proprietary data in it.
const PROPRIETARY: u16 = 0xA5;
/// In that: most bytes in the data field of a command.
const COMMAND_DATA_MAX: u16 = 0x9F65;

impl Card {
    /// `00 A4 04 (00 | 02)`, with the name, the first bytes of it, or none: the answer is an FCI, and any channel ends.
    pub(crate) fn select_domain(&mut self, command: &Command) -> Outcome {
        let Make::Domain(domain) = &self.memory.make else { return Err(StatusWord::FILE_NOT_FOUND) };
        if command.p1 != 0x04 || !matches!(command.p2, 0x00 | 0x02) {
            return Err(StatusWord::INCORRECT_P1_P2);
        }
        // There is one application: nothing comes next.
        if command.p2 == 0x02 || !domain.aid.as_bytes().starts_with(&command.data) {
            return Err(StatusWord::FILE_NOT_FOUND);
        }
        let proprietary = Writer::new().put(COMMAND_DATA_MAX, &[0xFF]);
        let control = Writer::new().put(fcp::DF_NAME, domain.aid.as_bytes()).put_constructed(PROPRIETARY, &proprietary);
        self.ram.session = Session::None;
        Ok(Response::success(Writer::new().put_constructed(FCI, &control).finish()))
    }
}
