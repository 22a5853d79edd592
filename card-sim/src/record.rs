//! READ RECORD and UPDATE RECORD by absolute number: ISO/IEC 7816-4:2020 §11.4.3 and §11.4.5.

use crate::access::Operation;
use crate::card::{Card, Outcome};
use crate::fcp::Structure;
use crate::tree::FileId;
use fuda_card::apdu::{Command, NE_EXTENDED_MAX, NE_SHORT_MAX, Response};
use fuda_card::status::StatusWord;

/// Longest record that is written as a whole or not at all.
const ATOMIC_BYTES: usize = 32;

/// A record as a place in its file.
struct Record {
    file: FileId,
    offset: usize,
    length: usize,
}

impl Card {
    /// `00 B2 number SFI‖100 Le`.
    pub(crate) fn read_record(&mut self, command: &Command) -> Outcome {
        let Record { file, offset, length } = self.record(command, Operation::Read)?;
        if !command.data.is_empty() {
            return Err(StatusWord::WRONG_LENGTH);
        }
        match command.ne {
            None | Some(NE_SHORT_MAX | NE_EXTENDED_MAX) => {}
            Some(ne) if usize::try_from(ne) == Ok(length) => {}
            Some(_) => return Err(exact(length)),
        }
        if length > self.response_max(command) {
            return Err(StatusWord::WRONG_LENGTH);
        }
        let data: Vec<u8> = self.contents(file)?.iter().skip(offset).take(length).copied().collect();
        self.ram.ef = Some(file);
        Ok(Response::success(data))
    }

    /// `00 DC number SFI‖100 Lc data`: the whole record. One of up to 32 bytes is atomic, a longer one may tear.
    pub(crate) fn update_record(&mut self, command: &Command) -> Outcome {
        let Record { file, offset, length } = self.record(command, Operation::Update)?;
        if command.data.len() != length {
            return Err(StatusWord::WRONG_LENGTH);
        }
        self.ram.ef = Some(file);
        if length <= ATOMIC_BYTES {
            self.forget_tear();
        }
        self.write(file, offset, &command.data)?;
        Ok(Response::status(StatusWord::SUCCESS))
    }

    fn record(&self, command: &Command, operation: Operation) -> Result<Record, StatusWord> {
        if command.p2 & 0x07 != 0x04 {
            return Err(StatusWord::FUNCTION_NOT_SUPPORTED);
        }
        let sfi = match command.p2 >> 3 {
            0 => None,
            31 => return Err(StatusWord::INCORRECT_P1_P2),
            sfi => Some(sfi),
        };
        let (id, file) = self.working_file(sfi, operation)?;
        let Structure::LinearFixed { record, count } = file.fcp.structure else {
            return Err(StatusWord::INCOMPATIBLE_FILE);
        };
        let number = usize::from(command.p1);
        if !(1..=count).contains(&number) {
            return Err(StatusWord::RECORD_NOT_FOUND);
        }
        Ok(Record { file: id, offset: (number - 1) * record, length: record })
    }
}

/// 6Cxx: the Le that this record wants.
fn exact(length: usize) -> StatusWord {
    StatusWord::from_bytes([0x6C, u8::try_from(length).unwrap_or(0)])
}
