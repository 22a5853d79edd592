//! BEGIN R-MAC SESSION and END R-MAC SESSION: responses protected for a while, in a channel that was opened without.
//!
//! GlobalPlatform Amendment D 1.2, §7.1.3 and §7.1.4. The level changes behind the command's own response: that of BEGIN carries no R-MAC
//! yet, that of END still does.

use crate::card::{Card, Outcome};
use crate::channel::Level;
use crate::volatile::Session;
use fuda_card::apdu::{Command, Response};
use fuda_card::status::StatusWord;

/// Most bytes of data that BEGIN R-MAC SESSION brings.
const CHALLENGE_BYTES_MAX: usize = 24;
/// P2 of BEGIN.
const BEGIN: u8 = 0x01;
/// P2 of END: end the session.
const END: u8 = 0x03;

impl Card {
    /// `84 7A (10|30) 01 Lc length data`: from the next command on, responses carry an R-MAC (and are encrypted).
    pub(crate) fn begin_r_mac_session(&mut self, command: &Command) -> Outcome {
        let Session::Open(channel) = &mut self.ram.session else {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
        };
        if !channel.level.has_c_mac() || channel.level.has_r_mac() {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        if !matches!(command.p1, 0x10 | 0x30) || command.p2 != BEGIN {
            return Err(StatusWord::INCORRECT_P1_P2);
        }
        match command.data.split_first() {
            Some((length, data)) if usize::from(*length) == data.len() && data.len() <= CHALLENGE_BYTES_MAX => {}
            _ => return Err(StatusWord::WRONG_DATA),
        }
        // Responses are never encrypted where commands are not.
        let level = Level::from_byte(channel.level.to_byte() | command.p1).ok_or(StatusWord::INCORRECT_P1_P2)?;
        channel.change_level(level);
        Ok(Response::success(Vec::new()))
    }

    /// `84 78 00 03`: responses are as EXTERNAL AUTHENTICATE wanted them again.
    pub(crate) fn end_r_mac_session(&mut self, command: &Command) -> Outcome {
        let Session::Open(channel) = &mut self.ram.session else {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
        };
        if !channel.in_r_mac_session() {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        if (command.p1, command.p2) != (0x00, END) {
            return Err(StatusWord::INCORRECT_P1_P2);
        }
        if !command.data.is_empty() {
            return Err(StatusWord::WRONG_LENGTH);
        }
        channel.change_level(channel.opened_at());
        Ok(Response::success(Vec::new()))
    }
}
