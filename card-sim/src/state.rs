//! What a card keeps without power.
//!
//! Only `memory::Memory` holds a [`State`], and only its guard changes one.

use crate::derivation::Mode;
use crate::keys::KeySet;
use crate::make::{ChallengeSource, Make};
use crate::tree::{FileId, LifeCycle, Tree};
use fuda_card::id::{DfName, Kdd, Kvn};
use std::collections::BTreeMap;

/// Transmission protocol that the card's ATR offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Byte by byte: responses are fetched by GET RESPONSE.
    T0,
    /// Block by block: whole APDUs, extended length.
    T1,
}

/// b5 of `i`: pseudo-random card challenge.
const PSEUDO_RANDOM: u8 = 0x10;

/// Number of production data (CPLC) bytes: IC fabricator to personalisation equipment.
pub const CPLC_BYTES: usize = 42;

/// The persistent state of one card.
#[derive(Debug)]
pub struct State {
    pub(crate) kdd: Kdd,
    /// Card production life cycle data, GET DATA 9F7F.
    pub(crate) cplc: [u8; CPLC_BYTES],
    pub(crate) protocol: Protocol,
    pub(crate) mode: Mode,
    pub(crate) make: Make,
    /// Wrong EXTERNAL AUTHENTICATEs since the last right one: what the try delay grows with.
    pub(crate) failures: u8,
    /// The MF's or the domain's key sets, oldest first; a blank chip has them before it has an MF.
    pub(crate) root_keys: Vec<KeySet>,
    /// Data objects that STORE DATA wrote, by tag.
    pub(crate) objects: BTreeMap<u16, Vec<u8>>,
    pub(crate) tree: Tree,
}

impl State {
    /// The key sets of a DF, oldest first.
    pub(crate) fn keys(&self, folder: FileId) -> &[KeySet] {
        if folder.is_root() {
            &self.root_keys
        } else {
            self.tree.folder(folder).map_or(&[], |folder| folder.keys.as_slice())
        }
    }

    /// The same, to change them; `None` for what is not a DF.
    pub(crate) fn keys_mut(&mut self, folder: FileId) -> Option<&mut Vec<KeySet>> {
        if folder.is_root() {
            Some(&mut self.root_keys)
        } else {
            self.tree.folder_mut(folder).map(|folder| &mut folder.keys)
        }
    }

    pub(crate) fn key_set(&self, folder: FileId, kvn: Kvn) -> Option<&KeySet> {
        self.keys(folder).iter().find(|set| set.kvn == kvn)
    }

    /// The name of a DF, or of the domain that stands in the place of the MF.
    pub(crate) fn name(&self, folder: FileId) -> Option<DfName> {
        match &self.make {
            Make::Domain(domain) if folder.is_root() => Some(domain.aid.clone()),
            _ => self.tree.name(folder),
        }
    }

    /// Where card challenges come from.
    pub(crate) const fn challenge_source(&self) -> ChallengeSource {
        match &self.make {
            Make::Domain(domain) => domain.challenge,
            _ => ChallengeSource::PseudoRandom,
        }
    }

    /// The SCP03 parameter `i`.
    pub(crate) const fn scp03_parameter(&self) -> u8 {
        match self.challenge_source() {
            ChallengeSource::PseudoRandom => self.mode.parameter(),
            ChallengeSource::Random => self.mode.parameter() & !PSEUDO_RANDOM,
        }
    }

    /// Whether the chip has no MF yet.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.tree.files.is_empty()
    }

    /// Whether the card as a whole was terminated.
    #[must_use]
    pub fn is_terminated(&self) -> bool {
        self.tree.file(FileId::ROOT).is_some_and(|file| file.life == LifeCycle::Terminated)
    }
}
