//! Card data (0066): card recognition data of GlobalPlatform Card Specification 2.3.1, annex H.2.

use super::{INS, get_data, value_of};
use crate::apdu::{Command, Response};
use crate::command::Exchange;
use crate::error::Error;
use crate::tlv::{Reader, Tlv};

/// `{globalPlatform 4 scp i}` = 1.2.840.114283.4.scp.i without its last two arcs.
const OID_SCP: [u8; 7] = [0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B, 0x04];
/// `{globalPlatform 2 …}` = 1.2.840.114283.2, then the version.
const OID_VERSION: [u8; 7] = [0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B, 0x02];

/// A secure channel protocol that the card says it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardCapability {
    /// Protocol identifier, 03 for SCP03.
    pub scp: u8,
    /// Its options, the parameter i.
    pub i: u8,
}

/// Card recognition data.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CardDataAnswer {
    /// GlobalPlatform version, for example 2.3.1 as `[2, 3, 1]`; empty where the card names none.
    pub version: Vec<u8>,
    /// Secure channel protocols.
    pub channels: Vec<CardCapability>,
}

/// GET DATA for card data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardData;

impl Exchange for CardData {
    type Answer = CardDataAnswer;

    fn command(&self) -> Command {
        get_data(0x0066)
    }

    /// Reads `66 { 73 { 06 …, 60 { 06 version }, 63 …, 64 { 06 scp }, … } }`; unknown objects are skipped.
    ///
    /// # Errors
    /// [`Error::CardStatus`]; [`Error::Tlv`] for broken objects; [`Error::Answer`] without a template 73.
    fn answer(&self, response: &Response) -> Result<CardDataAnswer, Error> {
        let mut objects = Reader::new(value_of(0x66, response)?);
        let recognition = objects
            .find_map(|object| object.map(|found| (found.tag == 0x73).then_some(found)).transpose())
            .ok_or(Error::Answer { ins: INS, offset: 0, expected: "card recognition data 73" })??;
        let mut answer = CardDataAnswer::default();
        for object in recognition.children()? {
            let object = object?;
            if let (0x60, Some(version)) = (object.tag, oid_after(&object, OID_VERSION)?) {
                answer.version = version.to_vec();
            }
            if let (0x64, Some(&[scp, i])) = (object.tag, oid_after(&object, OID_SCP)?) {
                answer.channels.push(CardCapability { scp, i });
            }
        }
        Ok(answer)
    }
}

/// What follows `prefix` in the object identifier inside a constructed object.
fn oid_after<'a>(object: &Tlv<'a>, prefix: [u8; 7]) -> Result<Option<&'a [u8]>, Error> {
    if !object.is_constructed() {
        return Ok(None);
    }
    match object.children()?.next().transpose()? {
        Some(oid) if oid.tag == 0x06 => Ok(oid.value.strip_prefix(&prefix)),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tlv::Writer;

    #[test]
    fn version_and_channel_are_read() {
        let recognition = Writer::new()
            .put(0x06, &[&OID_VERSION[..6], &[0x01]].concat())
            .put_constructed(0x60, &Writer::new().put(0x06, &[&OID_VERSION[..], &[2, 3, 1]].concat()))
            .put(0x65, &[])
            .put_constructed(0x64, &Writer::new().put(0x06, &[&OID_SCP[..], &[0x03, 0x70]].concat()));
        let data = Writer::new().put_constructed(0x66, &Writer::new().put_constructed(0x73, &recognition)).finish();
        let answer = CardData.answer(&Response::success(data)).unwrap();
        assert_eq!(answer.version, [2, 3, 1]);
        assert_eq!(answer.channels, [CardCapability { scp: 3, i: 0x70 }]);
    }
}
