//! GET CHALLENGE (84): ISO/IEC 7816-4:2020 §11.5.3.

use super::{Exchange, data_of};
use crate::apdu::{Command, Response};
use crate::error::Error;

const INS: u8 = 0x84;

/// GET CHALLENGE: random bytes from the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetChallenge {
    /// How many bytes, 1 to 256.
    pub bytes: u16,
}

impl Exchange for GetChallenge {
    /// The challenge.
    type Answer = Vec<u8>;

    fn command(&self) -> Command {
        Command::new(0x00, INS, 0x00, 0x00).with_ne(self.bytes.into())
    }

    /// # Errors
    /// [`Error::CardStatus`]; [`Error::Answer`] for another number of bytes than asked for.
    fn answer(&self, response: &Response) -> Result<Vec<u8>, Error> {
        let data = data_of(INS, response)?;
        if data.len() == usize::from(self.bytes) {
            Ok(data.to_vec())
        } else {
            Err(Error::Answer { ins: INS, offset: data.len(), expected: "as many bytes as asked for" })
        }
    }
}
