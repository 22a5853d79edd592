//! A card without files: an issuer security domain, as JCOP cards and YubiKeys have one.
//!
//! GlobalPlatform Card Specification 2.3.1: SELECT (§11.9), GET DATA (§11.3), PUT KEY (§11.8), DELETE \[key\] (§11.2),
//! STORE DATA (§11.11); Amendment D 1.2 for the channel. The domain is selected by default and by its name. No applet can be loaded, so the
//! commands for that (INSTALL, LOAD, GET STATUS, SET STATUS) are not there, and no ISO command but SELECT and GET DATA: 6D00.
//!
//! What the standard leaves to the card is as Yubico documents it for the security domain of a YubiKey: three key sets, the
//! first of which takes the place of the initial set FF (docs.yubico.com, "Security Domain key management": the default keys
//! are removed when the first key set of one's own is added). The FCI is that of a JCOP 4.

mod keys;
mod select;

use crate::card::{Card, Outcome};
use crate::dispatch::Class;
use fuda_card::apdu::Command;
use fuda_card::status::StatusWord;

impl Card {
    /// The table of a security domain's commands.
    pub(crate) fn dispatch_domain(&mut self, class: Class, command: &Command) -> Outcome {
        // Any other command ends a sequence of blocks.
        let blocks = self.ram.blocks.take();
        match (class, command.ins) {
            (Class::Iso, 0xA4) => self.select_domain(command),
            (_, 0xCA) => self.get_data(class, command),
            (Class::GlobalPlatform, 0x50) => self.initialize_update(command),
            (Class::GlobalPlatform, 0x7A) => self.begin_r_mac_session(command),
            (Class::GlobalPlatform, 0x78) => self.end_r_mac_session(command),
            (Class::GlobalPlatform, 0xD8) => self.put_domain_key(command),
            (Class::GlobalPlatform, 0xE2) => self.store_data(command, blocks),
            (Class::GlobalPlatform, 0xE4) => self.delete_domain_key(command),
            _ => Err(StatusWord::INS_NOT_SUPPORTED),
        }
    }
}
