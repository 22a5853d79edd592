//! BEGIN R-MAC SESSION (7A) and END R-MAC SESSION (78): Amendment D 1.2, §7.1.3 and §7.1.4.
//!
//! For channels opened without R-MAC; [`Authenticated::wrap`](crate::scp03::Authenticated::wrap) follows the level.

use super::{Exchange, done};
use crate::apdu::{Command, NE_SHORT_MAX, Response};
use crate::error::Error;

const INS_BEGIN: u8 = 0x7A;
const INS_END: u8 = 0x78;

/// BEGIN R-MAC SESSION: responses after this one are protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeginRMacSession {
    p1: u8,
    challenge: Vec<u8>,
}

impl BeginRMacSession {
    /// Responses carry an R-MAC; `challenge` is data for the card to take in, 0 to 24 bytes.
    #[must_use]
    pub fn with_r_mac(challenge: &[u8]) -> Self {
        Self { p1: 0x10, challenge: challenge.to_vec() }
    }

    /// Responses carry an R-MAC and are encrypted.
    #[must_use]
    pub fn with_r_enc(challenge: &[u8]) -> Self {
        Self { p1: 0x30, challenge: challenge.to_vec() }
    }
}

impl Exchange for BeginRMacSession {
    type Answer = ();

    fn command(&self) -> Command {
        let length = u8::try_from(self.challenge.len()).unwrap_or(u8::MAX);
        Command::new(0x80, INS_BEGIN, self.p1, 0x01).with_data([&[length], self.challenge.as_slice()].concat())
    }

    fn answer(&self, response: &Response) -> Result<(), Error> {
        done(INS_BEGIN, response)
    }
}

/// END R-MAC SESSION: the channel returns to the level of its EXTERNAL AUTHENTICATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndRMacSession;

impl Exchange for EndRMacSession {
    type Answer = ();

    fn command(&self) -> Command {
        Command::new(0x80, INS_END, 0x00, 0x03).with_ne(NE_SHORT_MAX)
    }

    fn answer(&self, response: &Response) -> Result<(), Error> {
        done(INS_END, response)
    }
}
