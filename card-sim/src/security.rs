//! Whether the open channel and the PIN satisfy a security condition.
//!
//! ISO/IEC 7816-4:2020 §9.3. A channel of level 00 satisfies nothing: its commands carry no MAC, so they may be anybody's.

use crate::access::{Condition, FolderOperation, Operation};
use crate::card::Card;
use crate::keys::Role;
use crate::tree::{File, FileId};
use fuda_card::status::StatusWord;

impl Card {
    /// The DF and role of the key set that the open channel proves; `None` without one or without C-MAC.
    pub(crate) fn proven(&self) -> Option<(FileId, Role)> {
        let channel = self.ram.session.channel().filter(|channel| channel.level.has_c_mac())?;
        Some((channel.folder, Role::of(channel.folder, channel.kvn)?))
    }

    /// Whether the channel proves one of these roles in the MF.
    pub(crate) fn proves_in_mf(&self, roles: &[Role]) -> bool {
        self.proven().is_some_and(|(folder, role)| folder.is_root() && roles.contains(&role))
    }

    /// Whether the channel proves the DF's own set; the MF's own set is the issuer's.
    pub(crate) fn proves_own(&self, folder: FileId) -> bool {
        let own = if folder.is_root() { Role::Issuer } else { Role::Ap };
        self.proven() == Some((folder, own))
    }

    fn satisfies(&self, condition: Condition, folder: FileId) -> bool {
        match condition {
            Condition::Always => true,
            Condition::Never => false,
            Condition::Own => self.proves_own(folder),
            Condition::Issuer => self.proves_in_mf(&[Role::Issuer]),
            Condition::Transport => self.proves_in_mf(&[Role::Initial, Role::Transport]),
            Condition::Recovery => self.proves_in_mf(&[Role::Recovery]),
            Condition::IssuerOrTransport => self.proves_in_mf(&[Role::Issuer, Role::Initial, Role::Transport]),
            Condition::OwnAndPin => self.proves_own(folder) && self.ram.verified == Some(folder),
        }
    }

    /// Refuses with 6982 unless a condition, seen from a DF, is satisfied.
    pub(crate) fn require(&self, condition: Condition, folder: FileId) -> Result<(), StatusWord> {
        if self.satisfies(condition, folder) { Ok(()) } else { Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED) }
    }

    /// Refuses with 6982 unless the file's rule for an operation is satisfied.
    pub(crate) fn require_for(&self, id: FileId, file: &File, operation: Operation) -> Result<(), StatusWord> {
        self.require(file.access().condition(operation), self.memory.tree.folder_of(id))
    }

    /// Refuses with 6982 unless the DF's rule for an operation on its children is satisfied.
    pub(crate) fn require_in(&self, id: FileId, folder: &File, operation: FolderOperation) -> Result<(), StatusWord> {
        self.require(folder.access().folder_condition(operation), id)
    }
}
