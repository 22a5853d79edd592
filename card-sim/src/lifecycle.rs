//! ACTIVATE FILE, DEACTIVATE FILE, TERMINATE DF, TERMINATE EF, TERMINATE CARD USAGE: ISO/IEC 7816-9:2017 §7.2.3 to §7.2.7.
//!
//! 03 → 05 by ACTIVATE, 05 → 04 by DEACTIVATE, 04 → 05 by ACTIVATE, any → 0C by TERMINATE. All of them are atomic.

use crate::access::{Condition, Operation};
use crate::card::{Card, Outcome};
use crate::tree::{FileId, LifeCycle};
use fuda_card::apdu::{Command, Response};
use fuda_card::id::Fid;
use fuda_card::status::StatusWord;

impl Card {
    /// `00 44 00 00 [02 FID]`: from 03 under the file's rule; a DF from 04 needs the issuer's set whatever its rule says.
    pub(crate) fn activate_file(&mut self, command: &Command) -> Outcome {
        let id = self.addressed(command)?;
        let file = self.memory.tree.file(id).ok_or(StatusWord::FILE_NOT_FOUND)?;
        match file.life {
            LifeCycle::Deactivated if file.is_folder() => self.require(Condition::Issuer, id)?,
            _ => self.require_for(id, file, Operation::Activate)?,
        }
        match file.life {
            LifeCycle::Initialisation | LifeCycle::Deactivated => self.move_to(id, LifeCycle::Activated),
            _ => Err(StatusWord::CONDITIONS_NOT_SATISFIED),
        }
    }

    /// `00 04 00 00 [02 FID]`: under the file's rule; a DF needs the issuer's set besides.
    pub(crate) fn deactivate_file(&mut self, command: &Command) -> Outcome {
        let id = self.addressed(command)?;
        let file = self.memory.tree.file(id).ok_or(StatusWord::FILE_NOT_FOUND)?;
        self.require_for(id, file, Operation::Deactivate)?;
        if file.is_folder() {
            self.require(Condition::Issuer, id)?;
        }
        match file.life {
            LifeCycle::Activated => self.move_to(id, LifeCycle::Deactivated),
            _ => Err(StatusWord::CONDITIONS_NOT_SATISFIED),
        }
    }

    /// `00 E6 00 00 [02 FID]`: a DF, never the MF.
    pub(crate) fn terminate_df(&mut self, command: &Command) -> Outcome {
        let id = self.addressed(command)?;
        match self.memory.tree.file(id) {
            Some(file) if file.is_folder() && !id.is_root() => self.terminate(id),
            _ => Err(StatusWord::INCOMPATIBLE_FILE),
        }
    }

    /// `00 E8 00 00 [02 FID]`: an EF.
    pub(crate) fn terminate_ef(&mut self, command: &Command) -> Outcome {
        let id = self.addressed(command)?;
        match self.memory.tree.file(id) {
            Some(file) if !file.is_folder() => self.terminate(id),
            _ => Err(StatusWord::INCOMPATIBLE_FILE),
        }
    }

    /// `00 FE 00 00`: the whole card, under the MF's rule.
    pub(crate) fn terminate_card(&mut self, command: &Command) -> Outcome {
        if (command.p1, command.p2) != (0, 0) {
            return Err(StatusWord::INCORRECT_P1_P2);
        }
        if !command.data.is_empty() {
            return Err(StatusWord::WRONG_LENGTH);
        }
        self.terminate(FileId::ROOT)
    }

    fn terminate(&mut self, id: FileId) -> Outcome {
        let file = self.memory.tree.file(id).ok_or(StatusWord::FILE_NOT_FOUND)?;
        self.require_for(id, file, Operation::Terminate)?;
        match file.life {
            LifeCycle::Terminated | LifeCycle::Creation => Err(StatusWord::CONDITIONS_NOT_SATISFIED),
            _ => self.move_to(id, LifeCycle::Terminated),
        }
    }

    fn move_to(&mut self, id: FileId, life: LifeCycle) -> Outcome {
        if let Some(file) = self.memory.edit().tree.file_mut(id) {
            file.life = life;
        }
        Ok(Response::status(StatusWord::SUCCESS))
    }

    /// The file that a management command of the file kind means: the current one, or by FID a child of the current DF
    /// or that DF itself. It stays as current or not as it was.
    pub(crate) fn addressed(&self, command: &Command) -> Result<FileId, StatusWord> {
        if (command.p1, command.p2) != (0, 0) {
            return Err(StatusWord::INCORRECT_P1_P2);
        }
        if self.memory.is_blank() {
            return Err(StatusWord::FILE_NOT_FOUND);
        }
        match *command.data {
            [] => Ok(self.ram.ef.unwrap_or(self.ram.folder)),
            [high, low] => {
                let fid = Fid::new(u16::from_be_bytes([high, low]));
                let current = self.ram.folder;
                let is_current = self.memory.tree.file(current).is_some_and(|file| file.fid() == fid);
                let child = self.memory.tree.child(current, fid);
                child.or(is_current.then_some(current)).ok_or(StatusWord::FILE_NOT_FOUND)
            }
            _ => Err(StatusWord::WRONG_LENGTH),
        }
    }
}
