//! STORE DATA: data objects of the card, in numbered blocks.
//!
//! GlobalPlatform Card Specification 2.3.1 §11.11. Blocks are put together and nothing is stored before the last; any other command in
//! between forgets them. Left out: DGI structure and encrypted data (P1 b7 to b4), whose contents belong to applications.

use crate::card::{Card, Outcome};
use crate::keys::Role;
use crate::make::Make;
use fuda_card::apdu::{Command, Response};
use fuda_card::status::StatusWord;
use fuda_card::tlv::Reader;

/// Data objects that can be stored: issuer and card image number (ISO/IEC 7812-1), manager's URL, and two bytes of the issuer's own.
const STORABLE: [u16; 4] = [0x0042, 0x0045, 0x5F50, 0x00CF];
/// Most bytes of one data object.
const OBJECT_BYTES_MAX: usize = 127;
/// Most bytes of all blocks.
const DATA_MAX: usize = 1024;
/// P1 b8: the last block.
const LAST: u8 = 0x80;
/// P1 b5 b4: BER-TLV.
const BER_TLV: u8 = 0x10;

/// The blocks that are there.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    next: u8,
    data: Vec<u8>,
}

impl Card {
    /// `84 E2 (10|90) block Lc data`: objects under their tags, in the place of those that were there.
    pub(crate) fn store_data(&mut self, command: &Command, blocks: Option<Blocks>) -> Outcome {
        if !self.may_store() {
            return Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED);
        }
        if command.p1 & !LAST != BER_TLV {
            return Err(StatusWord::INCORRECT_P1_P2);
        }
        // Block 0 begins anew.
        let mut blocks = blocks.filter(|_| command.p2 != 0).unwrap_or_default();
        if command.p2 != blocks.next {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        blocks.data.extend_from_slice(&command.data);
        if blocks.data.len() > DATA_MAX {
            return Err(StatusWord::NOT_ENOUGH_MEMORY);
        }
        if command.p1 & LAST == 0 {
            blocks.next = blocks.next.wrapping_add(1);
            self.ram.blocks = Some(blocks);
            return Ok(Response::success(Vec::new()));
        }
        let objects = parse(&blocks.data)?;
        let mut edit = self.memory.edit();
        for (tag, value) in objects {
            edit.objects.insert(tag, value);
        }
        Ok(Response::success(Vec::new()))
    }

    /// On a card with files the maker's, carrier's and owner's sets of the MF; in a security domain any.
    fn may_store(&self) -> bool {
        match self.memory.make {
            Make::Domain(_) => self.ram.session.channel().is_some_and(|channel| channel.level.has_c_mac()),
            _ => self.ram.folder.is_root() && self.proves_in_mf(&[Role::Initial, Role::Transport, Role::Issuer]),
        }
    }
}

/// The objects in the data; one that cannot be stored refuses them all.
fn parse(data: &[u8]) -> Result<Vec<(u16, Vec<u8>)>, StatusWord> {
    let mut objects = Vec::new();
    for object in Reader::new(data) {
        let object = object.map_err(|_| StatusWord::WRONG_DATA)?;
        if !STORABLE.contains(&object.tag) {
            return Err(StatusWord::REFERENCED_DATA_NOT_FOUND);
        }
        if object.value.len() > OBJECT_BYTES_MAX {
            return Err(StatusWord::NOT_ENOUGH_MEMORY);
        }
        objects.push((object.tag, object.value.to_vec()));
    }
    if objects.is_empty() { Err(StatusWord::WRONG_DATA) } else { Ok(objects) }
}
