//! DELETE FILE: ISO/IEC 7816-9:2017 §7.2.2.

use crate::access::{Condition, FolderOperation, Operation};
use crate::card::{Card, Outcome};
use crate::keys::{KeySet, Role};
use crate::tree::{Body, File, FileId, LifeCycle};
use fuda_card::apdu::{Command, Response};
use fuda_card::status::StatusWord;

impl Card {
    /// `00 E4 00 00 [02 FID]`: deletes the current file or a child of the current DF, with all below it. May tear.
    ///
    /// The parent's rule for children holds only while the parent is in 03, or for a file whose creation was cut.
    pub(crate) fn delete_file(&mut self, command: &Command) -> Outcome {
        let id = self.addressed(command)?;
        let tree = &self.memory.tree;
        let file = tree.file(id).ok_or(StatusWord::FILE_NOT_FOUND)?;
        if id.is_root() {
            // Only what a cut CREATE FILE left of an MF: the chip is blank again.
            self.require(Condition::Transport, FileId::ROOT)?;
            if file.life != LifeCycle::Creation {
                return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
            }
        } else if self.require_for(id, file, Operation::DeleteSelf).is_err() {
            let parent = tree.file(file.parent).ok_or(StatusWord::FILE_NOT_FOUND)?;
            self.require_in(file.parent, parent, FolderOperation::DeleteChild)?;
            if parent.life != LifeCycle::Initialisation && file.life != LifeCycle::Creation {
                return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
            }
        }
        if self.holds_loaded_keys(file) {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        let parent = file.parent;
        let size = file.template.len() + file.fcp.structure.size_bytes();
        match self.torn_at().filter(|bytes| *bytes < size) {
            Some(bytes) => self.tear_file(id, bytes),
            None => {
                self.memory.edit().tree.remove(id);
                self.ram.ef = self.ram.ef.filter(|ef| self.memory.tree.file(*ef).is_some());
                if self.memory.tree.file(self.ram.folder).is_none() {
                    self.make_current(parent);
                }
            }
        }
        Ok(Response::status(StatusWord::SUCCESS))
    }

    /// Whether a file is an internal EF into which PUT KEY has written: it goes with its DF only, or whoever may delete
    /// files would get rid of the keys that guard the others.
    fn holds_loaded_keys(&self, file: &File) -> bool {
        let loaded = |set: &KeySet| Role::of(file.parent, set.kvn) != Some(Role::Initial);
        matches!(file.body, Body::Internal) && self.memory.keys(file.parent).iter().any(loaded)
    }

    /// What a cut DELETE FILE leaves: a file in life cycle 01 whose first bytes are erased.
    fn tear_file(&mut self, id: FileId, bytes: usize) {
        let mut edit = self.memory.edit();
        let Some(file) = edit.tree.file_mut(id) else { return };
        file.life = LifeCycle::Creation;
        if let Body::Working(data) = &mut file.body {
            data.iter_mut().take(bytes).for_each(|byte| *byte = 0xFF);
        }
    }
}
