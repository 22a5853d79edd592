//! Key information template (00E0): GlobalPlatform Card Specification 2.3.1 §11.3.3.1, table 11-29.

use super::{INS, get_data, value_of};
use crate::apdu::{Command, Response};
use crate::command::Exchange;
use crate::error::Error;
use crate::id::Kvn;
use crate::tlv::Reader;

/// One key on the card, as the card lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyInformation {
    /// Key identifier, 01 to 03 in an SCP03 set.
    pub kid: u8,
    /// The set it belongs to.
    pub kvn: Kvn,
    /// Key type, 88 for AES.
    pub key_type: u8,
    /// Bytes of the key.
    pub length: u8,
}

/// GET DATA for the list of keys in the current DF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetKeyInformation;

impl Exchange for GetKeyInformation {
    type Answer = Vec<KeyInformation>;

    fn command(&self) -> Command {
        get_data(0x00E0)
    }

    /// Reads objects `C0 04 KID KVN type length`, in a template E0 or without one.
    ///
    /// # Errors
    /// [`Error::CardStatus`]; [`Error::Tlv`] for broken objects; [`Error::Answer`] for another tag or a short entry.
    fn answer(&self, response: &Response) -> Result<Vec<KeyInformation>, Error> {
        let entries = Reader::new(value_of(0xE0, response)?);
        entries
            .map(|entry| {
                let entry = entry?;
                match (entry.tag, entry.value) {
                    // A key of several components lists further type and length pairs; the first one names the key.
                    (0xC0, &[kid, kvn, key_type, length, ..]) => {
                        Ok(KeyInformation { kid, kvn: Kvn::new(kvn), key_type, length })
                    }
                    _ => Err(Error::Answer { ins: INS, offset: entry.offset(), expected: "C0 04 KID KVN type length" }),
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read_with_and_without_its_wrapper() {
        let bare = hex::decode("c00401308810c00402308810c00403308810").unwrap();
        let wrapped = [&[0xE0, 0x12], bare.as_slice()].concat();
        let plain = GetKeyInformation.answer(&Response::success(bare)).unwrap();
        assert_eq!(plain, GetKeyInformation.answer(&Response::success(wrapped)).unwrap());
        assert_eq!(plain.last(), Some(&KeyInformation { kid: 3, kvn: Kvn::new(0x30), key_type: 0x88, length: 16 }));
    }
}
