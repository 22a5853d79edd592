//! Key information template (00E0): GlobalPlatform Card Specification 2.3.1 §11.3.3.1, table 11-29.

use super::{INS, get_data, value_of};
use crate::apdu::{Command, Response};
use crate::command::Exchange;
use crate::error::Error;
use crate::id::Kvn;
use crate::tlv::Reader;

/// Key type AES.
const TYPE_AES: u8 = 0x88;

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

impl KeyInformation {
    /// The numbers of the key sets in a list, in rising order: those with keys 01, 02 and 03. A security domain lists keys for
    /// other purposes too (of SCP11, of tokens and receipts), which make no such set.
    #[must_use]
    pub fn sets(keys: &[Self]) -> Vec<Kvn> {
        let has = |kvn, kid| keys.iter().any(|key| key.kvn == kvn && key.kid == kid);
        let firsts = keys.iter().filter(|key| key.kid == 0x01).map(|key| key.kvn);
        let mut sets: Vec<Kvn> = firsts.filter(|kvn| has(*kvn, 0x02) && has(*kvn, 0x03)).collect();
        sets.sort_unstable();
        sets.dedup();
        sets
    }

    /// A list with these AES-128 sets, as a card may answer it.
    pub(crate) fn list_of_sets(kvns: &[Kvn]) -> Vec<u8> {
        let keys = kvns.iter().flat_map(|kvn| [0x01, 0x02, 0x03].map(|kid| (kid, kvn.to_u8())));
        keys.flat_map(|(kid, kvn)| [0xC0, 0x04, kid, kvn, TYPE_AES, 16]).collect()
    }
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

    #[test]
    fn a_set_has_three_keys_and_other_keys_make_none() {
        let key = |kid, kvn| KeyInformation { kid, kvn: Kvn::new(kvn), key_type: 0x88, length: 16 };
        let list = [key(1, 0x30), key(2, 0x30), key(3, 0x30), key(0x13, 0x01), key(1, 0x73), key(2, 0x30)];
        assert_eq!(KeyInformation::sets(&list), [Kvn::new(0x30)]);
        assert_eq!(KeyInformation::sets(&list[..2]), []);
    }
}
