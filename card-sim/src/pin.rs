//! The cardholder's PIN: one reference data per DF, VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER.
//!
//! ISO/IEC 7816-4:2020 §11.5.6, §11.5.7, §11.5.10. P2 = 81: reference data 1 of the current DF. The first PIN and every
//! unblocking come under the DF's own key set; the status of a right VERIFY survives INITIALIZE UPDATE in the same DF.

use crate::card::{Card, Outcome};
use crate::crypto::same;
use crate::tree::FileId;
use fuda_card::apdu::{Command, Response};
use fuda_card::status::StatusWord;
use zeroize::Zeroizing;

/// Tries of a fresh PIN.
pub(crate) const TRIES: u8 = 3;
/// Shortest and longest PIN, bytes.
const LENGTH: std::ops::RangeInclusive<usize> = 4..=16;
/// P2: specific reference data, number 1.
const REFERENCE: u8 = 0x81;

/// The reference data of a DF.
#[derive(Debug)]
pub(crate) struct Pin {
    pub(crate) value: Zeroizing<Vec<u8>>,
    pub(crate) tries_left: u8,
}

impl Card {
    /// `00 20 00 81 [Lc PIN]`: without data the status, with data a try.
    pub(crate) fn verify(&mut self, command: &Command) -> Outcome {
        let folder = self.reference(command, &[0x00])?;
        let tries_left = self.pin(folder)?.tries_left;
        if command.data.is_empty() {
            return match (self.ram.verified == Some(folder), tries_left) {
                (true, _) => Ok(Response::status(StatusWord::SUCCESS)),
                (false, 0) => Err(StatusWord::AUTHENTICATION_BLOCKED),
                (false, tries) => Ok(Response::status(tries_status(tries))),
            };
        }
        self.try_pin(folder, &command.data)?;
        self.ram.verified = Some(folder);
        Ok(Response::status(StatusWord::SUCCESS))
    }

    /// `00 24 01 81 Lc new` sets the first PIN under the DF's own set; `00 24 00 81 Lc old ‖ new` changes it.
    pub(crate) fn change_reference_data(&mut self, command: &Command) -> Outcome {
        let folder = self.reference(command, &[0x00, 0x01])?;
        if command.p1 == 0x01 {
            self.require_own(folder)?;
            if self.pin(folder).is_ok() {
                return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
            }
            return self.set_pin(folder, &command.data);
        }
        let length = self.pin(folder)?.value.len();
        let (old, new) = command.data.split_at_checked(length).ok_or(StatusWord::WRONG_LENGTH)?;
        if !LENGTH.contains(&new.len()) {
            return Err(StatusWord::WRONG_LENGTH);
        }
        self.try_pin(folder, old)?;
        self.set_pin(folder, new)
    }

    /// `00 2C 02 81 Lc new` or `00 2C 03 81`: fresh tries, with a new PIN or the old one, under the DF's own set.
    pub(crate) fn reset_retry_counter(&mut self, command: &Command) -> Outcome {
        let folder = self.reference(command, &[0x02, 0x03])?;
        self.require_own(folder)?;
        self.pin(folder)?;
        if command.p1 == 0x02 {
            return self.set_pin(folder, &command.data);
        }
        if !command.data.is_empty() {
            return Err(StatusWord::WRONG_LENGTH);
        }
        self.set_tries(folder, TRIES);
        Ok(Response::status(StatusWord::SUCCESS))
    }

    /// The current DF, if P1 P2 fit and the DF is in use.
    fn reference(&self, command: &Command, p1: &[u8]) -> Result<FileId, StatusWord> {
        if !p1.contains(&command.p1) {
            return Err(StatusWord::INCORRECT_P1_P2);
        }
        if command.p2 != REFERENCE || self.memory.is_blank() {
            return Err(StatusWord::REFERENCED_DATA_NOT_FOUND);
        }
        let folder = self.ram.folder;
        if self.memory.tree.is_usable(folder) { Ok(folder) } else { Err(StatusWord::CONDITIONS_NOT_SATISFIED) }
    }

    fn require_own(&self, folder: FileId) -> Result<(), StatusWord> {
        if self.proves_own(folder) { Ok(()) } else { Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED) }
    }

    fn pin(&self, folder: FileId) -> Result<&Pin, StatusWord> {
        let folder = self.memory.tree.folder(folder);
        folder.and_then(|folder| folder.pin.as_ref()).ok_or(StatusWord::REFERENCED_DATA_NOT_FOUND)
    }

    /// One try: counted before it is compared, so that pulling the card out does not give it back.
    fn try_pin(&mut self, folder: FileId, value: &[u8]) -> Result<(), StatusWord> {
        let tries = self.pin(folder)?.tries_left;
        let left = tries.checked_sub(1).ok_or(StatusWord::AUTHENTICATION_BLOCKED)?;
        self.ram.verified = None;
        self.set_tries(folder, left);
        if same(&self.pin(folder)?.value, value) {
            self.set_tries(folder, TRIES);
            return Ok(());
        }
        Err(tries_status(left))
    }

    fn set_tries(&mut self, folder: FileId, tries: u8) {
        if let Some(pin) = self.memory.edit().tree.folder_mut(folder).and_then(|folder| folder.pin.as_mut()) {
            pin.tries_left = tries;
        }
    }

    fn set_pin(&mut self, folder: FileId, value: &[u8]) -> Outcome {
        if !LENGTH.contains(&value.len()) {
            return Err(StatusWord::WRONG_LENGTH);
        }
        let mut edit = self.memory.edit();
        let folder = edit.tree.folder_mut(folder).ok_or(StatusWord::NO_PRECISE_DIAGNOSIS)?;
        folder.pin = Some(Pin { value: Zeroizing::new(value.to_vec()), tries_left: TRIES });
        Ok(Response::status(StatusWord::SUCCESS))
    }
}

/// 63Cx.
const fn tries_status(left: u8) -> StatusWord {
    StatusWord::from_bytes([0x63, 0xC0 | (left & 0x0F)])
}
