//! DELETE KEY: GlobalPlatform Card Specification 2.3.1 §11.2. Atomic.

use crate::card::{Card, Outcome};
use crate::keys::Role;
use crate::tree::FileId;
use fuda_card::apdu::{Command, Response};
use fuda_card::id::Kvn;
use fuda_card::status::StatusWord;
use fuda_card::tlv;

/// Tag of the key version number.
const KEY_VERSION_NUMBER: u16 = 0xD2;

impl Card {
    /// `80 E4 00 00 03 D2 01 KVN`: never the last set, never the set of the open channel.
    pub(crate) fn delete_key(&mut self, command: &Command) -> Outcome {
        // P2 = 01, "the last of a chain", is what some hosts send with a single command.
        if command.p1 != 0 || command.p2 > 1 {
            return Err(StatusWord::INCORRECT_P1_P2);
        }
        let kvn = parse(&command.data).ok_or(StatusWord::WRONG_DATA)?;
        let folder = self.ram.folder;
        let role = Role::of(folder, kvn).ok_or(StatusWord::REFERENCED_DATA_NOT_FOUND)?;
        if !self.may_delete(folder, role) {
            return Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED);
        }
        if self.memory.key_set(folder, kvn).is_none() {
            return Err(StatusWord::REFERENCED_DATA_NOT_FOUND);
        }
        let is_open = self.ram.session.channel().is_some_and(|open| open.folder == folder && open.kvn == kvn);
        if is_open || self.memory.keys(folder).len() == 1 || self.memory.tree.is_terminated(folder) {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        let mut edit = self.memory.edit();
        edit.keys_mut(folder).ok_or(StatusWord::NO_PRECISE_DIAGNOSIS)?.retain(|set| set.kvn != kvn);
        Ok(Response::status(StatusWord::SUCCESS))
    }

    /// In a DF: its own set or the recovery set. In the MF: the initial set by the transport or the issuer's, the others
    /// by the issuer's, any by the recovery set; the recovery set by nobody, so that a stolen issuer key cannot.
    fn may_delete(&self, folder: FileId, role: Role) -> bool {
        match role {
            Role::Ap => self.proves_own(folder) || self.proves_in_mf(&[Role::Recovery]),
            Role::Initial => self.proves_in_mf(&[Role::Transport, Role::Issuer, Role::Recovery]),
            Role::Transport | Role::Issuer => self.proves_in_mf(&[Role::Issuer, Role::Recovery]),
            Role::Recovery => false,
        }
    }
}

/// The number in `D2 01 KVN`.
pub(crate) fn parse(data: &[u8]) -> Option<Kvn> {
    let mut objects = tlv::Reader::new(data);
    let object = objects.next()?.ok()?;
    match (object.tag, object.value, objects.next()) {
        (KEY_VERSION_NUMBER, &[kvn], None) => Some(Kvn::new(kvn)),
        _ => None,
    }
}
