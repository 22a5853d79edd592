//! READ BINARY and UPDATE BINARY: ISO/IEC 7816-4:2020 §11.3.3 and §11.3.5, even instruction codes.

use crate::access::Operation;
use crate::card::{Card, Outcome};
use crate::fcp::Structure;
use crate::tree::{Body, File, FileId};
use fuda_card::apdu::{Command, Length, NE_EXTENDED_MAX, NE_SHORT_MAX, Response};
use fuda_card::status::StatusWord;

/// Fewer bytes than asked for, because the file ends there.
const END_OF_FILE: StatusWord = StatusWord::from_u16(0x6282);

impl Card {
    /// `00 B0 P1 P2 Le`: from an offset of the current EF, or of the one that P1 selects by short identifier.
    pub(crate) fn read_binary(&mut self, command: &Command) -> Outcome {
        let (id, offset) = self.transparent(command, Operation::Read)?;
        if !command.data.is_empty() {
            return Err(StatusWord::WRONG_LENGTH);
        }
        let data = self.contents(id)?;
        let rest = data.get(offset..).filter(|rest| !rest.is_empty()).ok_or(StatusWord::WRONG_OFFSET)?;
        let response_max = self.response_max(command);
        let wanted = match command.ne {
            None | Some(NE_SHORT_MAX | NE_EXTENDED_MAX) => rest.len().min(response_max),
            Some(ne) => usize::try_from(ne).unwrap_or(usize::MAX),
        };
        if wanted > response_max {
            return Err(StatusWord::WRONG_LENGTH);
        }
        let sw = if wanted > rest.len() { END_OF_FILE } else { StatusWord::SUCCESS };
        let response = Response { data: rest.iter().take(wanted).copied().collect(), sw };
        self.ram.ef = Some(id);
        Ok(response)
    }

    /// `00 D6 P1 P2 Lc data`. May tear.
    pub(crate) fn update_binary(&mut self, command: &Command) -> Outcome {
        let (id, offset) = self.transparent(command, Operation::Update)?;
        let size = self.contents(id)?.len();
        if offset >= size {
            return Err(StatusWord::WRONG_OFFSET);
        }
        if command.data.is_empty() || command.data.len() > size - offset {
            return Err(StatusWord::WRONG_LENGTH);
        }
        self.ram.ef = Some(id);
        self.write(id, offset, &command.data)?;
        Ok(Response::status(StatusWord::SUCCESS))
    }

    /// The transparent EF and the offset that P1 P2 mean, if the operation is allowed on it.
    fn transparent(&self, command: &Command, operation: Operation) -> Result<(FileId, usize), StatusWord> {
        let (sfi, offset) = match command.p1 {
            sfi @ 0x81..=0x9E => (Some(sfi & 0x1F), usize::from(command.p2)),
            0x00..=0x7F => (None, usize::from(u16::from_be_bytes([command.p1, command.p2]))),
            _ => return Err(StatusWord::INCORRECT_P1_P2),
        };
        let (id, file) = self.working_file(sfi, operation)?;
        match file.fcp.structure {
            Structure::Transparent { .. } => Ok((id, offset)),
            _ => Err(StatusWord::INCOMPATIBLE_FILE),
        }
    }

    /// The EF that a data command means, if its rules and its life cycle allow the operation.
    pub(crate) fn working_file(&self, sfi: Option<u8>, operation: Operation) -> Result<(FileId, &File), StatusWord> {
        let tree = &self.memory.tree;
        let id = match sfi {
            Some(sfi) => tree.by_sfi(self.ram.folder, sfi).ok_or(StatusWord::FILE_NOT_FOUND)?,
            None => self.ram.ef.ok_or(StatusWord::NO_CURRENT_EF)?,
        };
        let file = tree.file(id).ok_or(StatusWord::NO_CURRENT_EF)?;
        if !matches!(file.body, Body::Working(_)) {
            return Err(StatusWord::INCOMPATIBLE_FILE);
        }
        self.require_for(id, file, operation)?;
        if tree.is_usable(id) { Ok((id, file)) } else { Err(StatusWord::CONDITIONS_NOT_SATISFIED) }
    }

    pub(crate) fn contents(&self, id: FileId) -> Result<&[u8], StatusWord> {
        match self.memory.tree.file(id).map(|file| &file.body) {
            Some(Body::Working(data)) => Ok(data),
            _ => Err(StatusWord::INCOMPATIBLE_FILE),
        }
    }

    /// Writes into a working EF as far as the power lasts; the caller has checked that the data fits.
    pub(crate) fn write(&mut self, id: FileId, offset: usize, data: &[u8]) -> Result<(), StatusWord> {
        let count = self.torn_at().unwrap_or(data.len()).min(data.len());
        let mut edit = self.memory.edit();
        let Some(Body::Working(contents)) = edit.tree.file_mut(id).map(|file| &mut file.body) else {
            return Err(StatusWord::INCOMPATIBLE_FILE);
        };
        contents.iter_mut().skip(offset).zip(data).take(count).for_each(|(old, new)| *old = *new);
        Ok(())
    }

    /// Most response data that the command's form and the channel have room for.
    pub(crate) fn response_max(&self, command: &Command) -> usize {
        let short = self.ram.session.channel().map_or(256, crate::channel::Channel::response_max);
        match command.length {
            Length::Short => short,
            Length::Extended => 32_767,
        }
    }
}
