//! DELETE KEY (E4): GlobalPlatform Card Specification 2.3.1 §11.2, DELETE \[key\].

use super::{Exchange, data_of};
use crate::apdu::{Command, Response};
use crate::error::Error;
use crate::id::Kvn;
use crate::scp03::CardProof;

const INS: u8 = 0xE4;
/// Tag of a key version number in the command data.
const TAG_KVN: u8 = 0xD2;

/// DELETE KEY: all keys of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeleteKey {
    kvn: Kvn,
}

impl DeleteKey {
    /// The set `kvn` of the current DF.
    #[must_use]
    pub const fn set(_: &CardProof, kvn: Kvn) -> Self {
        Self { kvn }
    }
}

impl Exchange for DeleteKey {
    type Answer = ();

    fn command(&self) -> Command {
        Command::new(0x80, INS, 0x00, 0x00).with_data([TAG_KVN, 0x01, self.kvn.to_u8()])
    }

    /// A card may answer `00`, "no confirmation", or nothing (§11.2.3.1).
    ///
    /// # Errors
    /// [`Error::CardStatus`]; [`Error::UnexpectedData`] for any other data.
    fn answer(&self, response: &Response) -> Result<(), Error> {
        match data_of(INS, response)? {
            [] | [0x00] => Ok(()),
            data => Err(Error::UnexpectedData { ins: INS, len: data.len() }),
        }
    }
}
