//! GET DATA (CA): GlobalPlatform Card Specification 2.3.1 §11.3 and annex H.
//!
//! Cards wrap an answer in its tag or leave the tag out; both are read.

mod card_data;
mod cplc;
mod key_information;

pub use card_data::{CardCapability, CardData, CardDataAnswer};
pub use cplc::{Cplc, GetCplc};
pub use key_information::{GetKeyInformation, KeyInformation};

use super::{Exchange, data_of};
use crate::apdu::{Command, NE_SHORT_MAX, Response};
use crate::error::Error;
use crate::scp03::SequenceCounter;
use crate::tlv::Reader;

const INS: u8 = 0xCA;

/// `80 CA tag 00`.
fn get_data(tag: u16) -> Command {
    let [p1, p2] = tag.to_be_bytes();
    Command::new(0x80, INS, p1, p2).with_ne(NE_SHORT_MAX)
}

/// The value of the one object `tag` that is the whole answer, else the answer as it stands.
fn value_of(tag: u16, response: &Response) -> Result<&[u8], Error> {
    let data = data_of(INS, response)?;
    let mut objects = Reader::new(data);
    match (objects.next(), objects.next()) {
        (Some(Ok(object)), None) if object.tag == tag => Ok(object.value),
        _ => Ok(data),
    }
}

/// Declares GET DATA for an object that is a plain byte string.
macro_rules! bytes_object {
    ($(#[$doc:meta])* $name:ident, $tag:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name;

        impl Exchange for $name {
            type Answer = Vec<u8>;

            fn command(&self) -> Command {
                get_data($tag)
            }

            fn answer(&self, response: &Response) -> Result<Vec<u8>, Error> {
                value_of($tag, response).map(<[u8]>::to_vec)
            }
        }
    };
}

bytes_object! {
    /// Issuer identification number (0042).
    GetIssuerIdentification, 0x0042
}
bytes_object! {
    /// Card image number (0045).
    GetCardImageNumber, 0x0045
}

/// Sequence counter of the default key set (00C1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetSequenceCounter;

impl Exchange for GetSequenceCounter {
    type Answer = SequenceCounter;

    fn command(&self) -> Command {
        get_data(0x00C1)
    }

    /// # Errors
    /// [`Error::CardStatus`]; [`Error::Answer`] unless the counter has two or three bytes.
    fn answer(&self, response: &Response) -> Result<SequenceCounter, Error> {
        match *value_of(0xC1, response)? {
            [a, b, c] => Ok(SequenceCounter::from_bytes([a, b, c])),
            [b, c] => Ok(SequenceCounter::from_bytes([0, b, c])),
            _ => Err(Error::Answer { ins: INS, offset: 0, expected: "a counter of two or three bytes" }),
        }
    }
}
