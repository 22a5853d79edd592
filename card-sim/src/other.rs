//! Another house's card: one application, found by its name, that says nothing else to a stranger.

use crate::card::Outcome;
use crate::dispatch::Class;
use crate::fcp;
use fuda_card::apdu::{Command, Response};
use fuda_card::status::StatusWord;
use fuda_card::tlv::Writer;

/// Its name: F0 for a proprietary one (ISO/IEC 7816-5), then letters.
const NAME: [u8; 6] = [0xF0, b'O', b'T', b'H', b'E', b'R'];
const SELECT: u8 = 0xA4;
const BY_NAME: u8 = 0x04;
const FCI: u16 = 0x6F;

/// All that it answers.
pub(crate) fn dispatch(class: Class, command: &Command) -> Outcome {
    match (class, command.ins, command.p1) {
        (Class::GlobalPlatform, ..) => Err(StatusWord::CLA_NOT_SUPPORTED),
        (Class::Iso, SELECT, BY_NAME) if NAME.starts_with(&command.data) => {
            let name = Writer::new().put(fcp::DF_NAME, &NAME);
            Ok(Response::success(Writer::new().put_constructed(FCI, &name).finish()))
        }
        (Class::Iso, SELECT, _) => Err(StatusWord::FILE_NOT_FOUND),
        (Class::Iso, ..) => Err(StatusWord::INS_NOT_SUPPORTED),
    }
}
