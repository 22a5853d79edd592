//! The card's end of an open SCP03 channel: commands unwrapped, responses wrapped.
//!
//! GlobalPlatform Amendment D 1.2, §6.2.4 to §6.2.7. The MAC chain starts at 00×16 and goes on with the full 16 bytes.
//! The encryption counter advances with every command, with data or without. Only 9000, 62xx and 63xx are protected.

use crate::authenticate::Initiated;
use crate::crypto::{AesKey, Block, pad, same, unpad};
use crate::derivation::{Mode, SessionKeys};
use crate::tree::FileId;
use fuda_card::apdu::{Command, Length, Response};
use fuda_card::id::Kvn;

/// Most response data under secure messaging in a short APDU, so that both directions have the same limit.
const SHORT_MAX: usize = 255;

/// Security level of a channel, P1 of EXTERNAL AUTHENTICATE (Amendment D table 7-6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(u8);

impl Level {
    /// From P1; `None` for a combination that SCP03 does not have.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        if matches!(byte, 0x00 | 0x01 | 0x03 | 0x11 | 0x13 | 0x33) { Some(Self(byte)) } else { None }
    }

    /// P1 of EXTERNAL AUTHENTICATE.
    #[must_use]
    pub const fn to_byte(self) -> u8 {
        self.0
    }

    /// Commands carry a C-MAC.
    #[must_use]
    pub const fn has_c_mac(self) -> bool {
        self.0 & 0x01 != 0
    }

    const fn has_c_decryption(self) -> bool {
        self.0 & 0x02 != 0
    }

    /// Responses carry an R-MAC.
    #[must_use]
    pub const fn has_r_mac(self) -> bool {
        self.0 & 0x10 != 0
    }

    const fn has_r_encryption(self) -> bool {
        self.0 & 0x20 != 0
    }
}

/// An open channel; dropping it wipes its keys.
#[derive(Debug)]
pub struct Channel {
    /// The DF in which INITIALIZE UPDATE ran.
    pub(crate) folder: FileId,
    pub(crate) kvn: Kvn,
    /// The level now.
    pub(crate) level: Level,
    /// The level of EXTERNAL AUTHENTICATE.
    opened_at: Level,
    /// The level from the next command on.
    level_then: Level,
    pub(crate) dek: AesKey,
    keys: SessionKeys,
    mode: Mode,
    chain: Block,
    counter: u64,
}

impl Channel {
    /// The channel that a right EXTERNAL AUTHENTICATE opens; `chain` is that command's full C-MAC.
    pub(crate) fn open(initiated: Initiated, level: Level, chain: Block) -> Self {
        let Initiated { folder, kvn, dek, keys, mode, .. } = initiated;
        Self { folder, kvn, level, opened_at: level, level_then: level, dek, keys, mode, chain, counter: 0 }
    }

    /// The level of EXTERNAL AUTHENTICATE.
    pub(crate) const fn opened_at(&self) -> Level {
        self.opened_at
    }

    /// Whether BEGIN R-MAC SESSION is in force.
    pub(crate) fn in_r_mac_session(&self) -> bool {
        self.level != self.opened_at
    }

    /// Another level, from the next command on.
    pub(crate) const fn change_level(&mut self, level: Level) {
        self.level_then = level;
    }

    /// Checks and removes the protection of a command; `None` ends the channel.
    pub(crate) fn unwrap(&mut self, command: &Command) -> Option<Command> {
        let (chain, data) = check_mac(&self.keys.mac, self.mode, self.chain, command)?;
        self.chain = chain;
        self.counter += 1;
        let data = if self.level.has_c_decryption() && !data.is_empty() {
            if !data.len().is_multiple_of(16) {
                return None;
            }
            unpad(&self.keys.enc.cbc_decrypt(self.icv(0x00), data))?.to_vec()
        } else {
            data.to_vec()
        };
        let Command { cla, ins, p1, p2, ne, length, .. } = *command;
        Some(Command { cla: cla & 0x80, ins, p1, p2, data, ne, length })
    }

    /// Protects a response as far as the level and its status word ask for it; then a change of the level takes effect.
    pub(crate) fn wrap(&mut self, response: Response) -> Response {
        let level = std::mem::replace(&mut self.level, self.level_then);
        if !level.has_r_mac() || !(response.sw.is_success() || response.sw.is_warning()) {
            return response;
        }
        let mut data = response.data;
        if level.has_r_encryption() && !data.is_empty() {
            data = self.keys.enc.cbc_encrypt(self.icv(0x80), &pad(&data));
        }
        let mac = self.keys.rmac.cmac(&[&self.chain, &data, &response.sw.to_bytes()]);
        data.extend(mac.iter().take(self.mode.size_bytes()));
        Response { data, sw: response.sw }
    }

    /// Most plain response data that fits a short response APDU at this level.
    pub(crate) const fn response_max(&self) -> usize {
        match (self.level.has_r_mac(), self.level.has_r_encryption()) {
            (_, true) => (SHORT_MAX - self.mode.size_bytes()) / 16 * 16 - 1,
            (true, false) => SHORT_MAX - self.mode.size_bytes(),
            (false, false) => 256,
        }
    }

    /// The counter block, its first byte 80 for a response, encrypted.
    fn icv(&self, direction: u8) -> Block {
        let mut block = u128::from(self.counter).to_be_bytes();
        if let Some(first) = block.first_mut() {
            *first |= direction;
        }
        self.keys.enc.encrypt_block(&block)
    }
}

/// Checks the C-MAC at the end of a command's data: the full MAC (the next chaining value) and the data before it.
pub(crate) fn check_mac<'a>(key: &AesKey, mode: Mode, chain: Block, command: &'a Command) -> Option<(Block, &'a [u8])> {
    let split = command.data.len().checked_sub(mode.size_bytes())?;
    let (data, mac) = command.data.split_at_checked(split)?;
    let full = key.cmac(&[&chain, &mac_header(command), data]);
    same(full.get(..mode.size_bytes())?, mac).then_some((full, data))
}

/// Header and Lc as on the wire, without the logical channel; an extended Lc has three bytes.
fn mac_header(command: &Command) -> Vec<u8> {
    let mut header = vec![command.cla & !0x03, command.ins, command.p1, command.p2];
    let [.., high, low] = command.data.len().to_be_bytes();
    match command.encoded_length() {
        Length::Short => header.push(low),
        Length::Extended => header.extend_from_slice(&[0, high, low]),
    }
    header
}
