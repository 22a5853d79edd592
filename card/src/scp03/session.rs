//! Keys, chaining value and counter of a channel, and the arithmetic of secure messaging: Amendment D 1.2, §6.2.4 to §6.2.7.

use super::keys::SessionKeys;
use super::level::{Mode, SecurityLevel, plain_data_max};
use crate::apdu::{Command, DATA_SHORT_MAX, Length, Response};
use crate::crypto::{BLOCK_BYTES, padding};
use crate::error::Error;
use crate::status::StatusWord;
use subtle::ConstantTimeEq;

/// Keys, chaining value and counter of a channel.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) keys: SessionKeys,
    pub(super) mode: Mode,
    /// The level of EXTERNAL AUTHENTICATE.
    level_base: SecurityLevel,
    /// The level now: [`Session::level_base`], and more within an R-MAC session.
    pub(super) level: SecurityLevel,
    /// The full C-MAC of the last command.
    pub(super) chaining: [u8; BLOCK_BYTES],
    /// Number of commands wrapped: "the encryption counter […] shall be incremented by 1 for each command APDU".
    pub(super) counter: u64,
}

impl Session {
    pub(super) const fn new(keys: SessionKeys, mode: Mode, level: SecurityLevel, chaining: [u8; BLOCK_BYTES]) -> Self {
        Self { keys, mode, level_base: level, level, chaining, counter: 0 }
    }

    /// The level after a successful BEGIN R-MAC SESSION (7A, P1 = 10 or 30) or END R-MAC SESSION (78, P2 = 03).
    pub(super) fn level_after(&self, command: &Command) -> Result<SecurityLevel, Error> {
        if command.cla & 0x80 == 0 || self.level_base.has_r_mac() {
            return Ok(self.level);
        }
        match (command.ins, command.p1, command.p2) {
            (0x7A, p1, _) => SecurityLevel::try_from(self.level_base.to_u8() | p1),
            (0x78, _, 0x03) => Ok(self.level_base),
            _ => Ok(self.level),
        }
    }

    pub(super) fn wrap(&mut self, command: &Command) -> Result<Command, Error> {
        self.counter += 1;
        if !self.level.has_c_mac() {
            return Ok(command.clone());
        }
        let max = plain_data_max(self.mode, self.level, command.encoded_length());
        if command.data.len() > max {
            return Err(Error::CommandTooLong { len: command.data.len(), max });
        }
        let mut command = command.clone();
        if self.level.has_c_enc() && !command.data.is_empty() {
            padding::pad(&mut command.data, BLOCK_BYTES);
            self.keys.enc().cbc_encrypt(self.icv(0x00), &mut command.data);
        }
        self.append_c_mac(command)
    }

    /// Sets the secure messaging bit, appends the C-MAC and chains it.
    ///
    /// MAC input: chaining value ‖ CLA of channel 0, INS, P1, P2 ‖ Lc as sent (one byte or three) ‖ data. Le is not in it.
    pub(super) fn append_c_mac(&mut self, mut command: Command) -> Result<Command, Error> {
        if command.cla & 0x60 != 0 {
            return Err(Error::ClassNotSupported { cla: command.cla });
        }
        command.cla = (command.cla & !0x0C) | 0x04;
        let (wire, unsigned) = (command.encoded_length(), command.data.len());
        let signed = unsigned + self.mode.bytes();
        if wire == Length::Short && signed > DATA_SHORT_MAX {
            return Err(Error::CommandTooLong { len: unsigned, max: DATA_SHORT_MAX - self.mode.bytes() });
        }
        let lc = u16::try_from(signed)
            .map_err(|_| Error::CommandTooLong { len: unsigned, max: 0xFFFF - self.mode.bytes() })?;
        let [high, low] = lc.to_be_bytes();
        let lc: &[u8] = match wire {
            Length::Short => &[low],
            Length::Extended => &[0x00, high, low],
        };
        let header = [command.cla & !0x03, command.ins, command.p1, command.p2];
        self.chaining = self.keys.mac().cmac(&[&self.chaining, &header, lc, &command.data]);
        command.data.extend(self.chaining.iter().take(self.mode.bytes()));
        Ok(command)
    }

    pub(super) fn unwrap(&self, response: &Response) -> Result<Response, Error> {
        let Response { data, sw } = response;
        if !(sw.is_success() || sw.is_warning()) {
            return if data.is_empty() {
                Ok(Response::status(*sw))
            } else {
                Err(Error::DataWithErrorStatus { sw: *sw, len: data.len() })
            };
        }
        let signed = if self.level.has_r_mac() { self.verify_r_mac(data, *sw)? } else { data };
        let mut plain = signed.to_vec();
        if self.level.has_r_enc() && !plain.is_empty() {
            self.keys.enc().cbc_decrypt(self.icv(0x80), &mut plain);
            padding::unpad_verified(&mut plain, BLOCK_BYTES).map_err(Error::ResponsePadding)?;
        }
        Ok(Response { data: plain, sw: *sw })
    }

    /// The response as the card protects it: what [`Session::unwrap`] takes back to `plain`.
    pub(super) fn protect(&self, plain: &Response) -> Response {
        let Response { mut data, sw } = plain.clone();
        if !(sw.is_success() || sw.is_warning()) {
            return Response { data, sw };
        }
        if self.level.has_r_enc() && !data.is_empty() {
            padding::pad(&mut data, BLOCK_BYTES);
            self.keys.enc().cbc_encrypt(self.icv(0x80), &mut data);
        }
        if self.level.has_r_mac() {
            let full = self.keys.rmac().cmac(&[&self.chaining, &data, &sw.to_bytes()]);
            data.extend(full.iter().take(self.mode.bytes()));
        }
        Response { data, sw }
    }

    /// The data without its R-MAC, which covers: chaining value ‖ data ‖ SW1 SW2.
    fn verify_r_mac<'a>(&self, data: &'a [u8], sw: StatusWord) -> Result<&'a [u8], Error> {
        let split = data.len().checked_sub(self.mode.bytes()).and_then(|at| data.split_at_checked(at));
        let (signed, mac) = split.ok_or(Error::ResponseMacMissing { sw })?;
        let full = self.keys.rmac().cmac(&[&self.chaining, signed, &sw.to_bytes()]);
        let expected = full.get(..self.mode.bytes()).unwrap_or(&full);
        if bool::from(expected.ct_eq(mac)) { Ok(signed) } else { Err(Error::ResponseMac { sw }) }
    }

    /// AES(S-ENC, counter block); `first` is byte 0 of the block: 00 for a command, 80 for its response.
    pub(super) fn icv(&self, first: u8) -> [u8; BLOCK_BYTES] {
        let mut block = u128::from(self.counter).to_be_bytes();
        if let Some(byte) = block.first_mut() {
            *byte = first;
        }
        self.keys.enc().encrypt_block(block)
    }
}
