//! CREATE FILE: ISO/IEC 7816-9:2017 §7.2.1.

use crate::access::{Condition, FolderOperation};
use crate::card::{Card, Outcome};
use crate::fcp::{Fcp, Structure};
use crate::tree::{File, FileId, LifeCycle};
use fuda_card::apdu::{Command, Response};
use fuda_card::id::Fid;
use fuda_card::status::StatusWord;
use fuda_card::tlv;

/// Memory of the chip: file data and [`HEADER_BYTES`] for each file.
pub(crate) const MEMORY_BYTES: usize = 40_960;
/// What a file takes besides its data.
const HEADER_BYTES: usize = 160;
/// Longest value of template 62: it is kept in the file's header.
const TEMPLATE_BYTES_MAX: usize = 128;

impl Card {
    /// `00 E0 00 00 Lc 62…`: creates in the current DF and makes the new file current. May tear.
    pub(crate) fn create_file(&mut self, command: &Command) -> Outcome {
        if (command.p1, command.p2) != (0, 0) {
            return Err(StatusWord::INCORRECT_P1_P2);
        }
        let fcp = Fcp::parse(&command.data).map_err(|_| StatusWord::WRONG_DATA)?;
        let template: Vec<u8> =
            tlv::Reader::new(&command.data).flatten().flat_map(|outer| outer.value).copied().collect();
        if template.len() > TEMPLATE_BYTES_MAX {
            return Err(StatusWord::WRONG_DATA);
        }
        let parent = self.ram.folder;
        if fcp.fid == Fid::MF || self.memory.is_blank() {
            self.may_create_mf(&fcp)?;
        } else {
            self.may_create(parent, &fcp)?;
        }
        let id = self.memory.tree.next_id().ok_or(StatusWord::NOT_ENOUGH_MEMORY)?;
        let taken: usize = self.memory.tree.files.values().map(room).sum();
        let mut file = File::new(parent, template, fcp);
        if taken + room(&file) > MEMORY_BYTES {
            return Err(StatusWord::NOT_ENOUGH_MEMORY);
        }
        if self.torn_at().is_some_and(|bytes| bytes < command.data.len() + file.fcp.structure.size_bytes()) {
            file.life = LifeCycle::Creation;
        }
        self.memory.edit().tree.files.insert(id, file);
        self.make_current(id);
        Ok(Response::status(StatusWord::SUCCESS))
    }

    /// The MF is created once, on a blank chip, under the initial set.
    fn may_create_mf(&self, fcp: &Fcp) -> Result<(), StatusWord> {
        if !self.memory.is_blank() {
            return Err(StatusWord::FILE_ALREADY_EXISTS);
        }
        self.require(Condition::Transport, FileId::ROOT)?;
        if fcp.fid == Fid::MF && fcp.structure == Structure::Folder { Ok(()) } else { Err(StatusWord::WRONG_DATA) }
    }

    fn may_create(&self, parent: FileId, fcp: &Fcp) -> Result<(), StatusWord> {
        let tree = &self.memory.tree;
        let folder = tree.file(parent).ok_or(StatusWord::FILE_NOT_FOUND)?;
        let operation = match fcp.structure {
            Structure::Folder => FolderOperation::CreateDf,
            _ => FolderOperation::CreateEf,
        };
        self.require_in(parent, folder, operation)?;
        if !tree.is_usable(parent) {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        let is_second_internal = matches!(fcp.structure, Structure::Internal { .. }) && tree.internal(parent).is_some();
        if folder.fid() == fcp.fid || tree.child(parent, fcp.fid).is_some() || is_second_internal {
            return Err(StatusWord::FILE_ALREADY_EXISTS);
        }
        let is_taken = |name| tree.files.keys().any(|id| tree.name(*id).as_ref() == Some(name));
        if fcp.name.as_ref().is_some_and(is_taken) {
            return Err(StatusWord::DF_NAME_ALREADY_EXISTS);
        }
        Ok(())
    }
}

const fn room(file: &File) -> usize {
    file.fcp.structure.size_bytes() + HEADER_BYTES
}
