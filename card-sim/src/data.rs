//! GET DATA and GET CHALLENGE.
//!
//! GlobalPlatform Card Specification 2.3.1 §11.3 and §H (tags); ISO/IEC 7816-4:2020 §11.4.10 and §11.5.3. Under the
//! GlobalPlatform class GET DATA answers the whole data object, under the ISO class only its value.

use crate::card::{Card, Outcome};
use crate::dispatch::Class;
use crate::make::{ChallengeSource, Make};
use fuda_card::apdu::{Command, Response};
use fuda_card::status::StatusWord;
use fuda_card::tlv::Writer;

/// Bytes that GET CHALLENGE gives when Le asks for all there are.
const CHALLENGE_BYTES: usize = 8;
/// A made-up issuer identification number, in the range that ISO/IEC 7812-1 leaves to national use (9).
const ISSUER_NUMBER: [u8; 3] = [0x93, 0x92, 0x08];
/// Object identifier 1.2.840.114283, GlobalPlatform.
const GLOBALPLATFORM: [u8; 6] = [0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B];

impl Card {
    /// `(00|80) CA tag Le`: 00E0 key information, 0066 card data, 0042 issuer, 0045 card image, 9F7F production data,
    /// 00C1 sequence counter of the current DF's first key set; before them what STORE DATA left.
    pub(crate) fn get_data(&mut self, class: Class, command: &Command) -> Outcome {
        if !command.data.is_empty() {
            return Err(StatusWord::WRONG_LENGTH);
        }
        let tag = u16::from_be_bytes([command.p1, command.p2]);
        let value = match self.memory.objects.get(&tag) {
            Some(stored) => stored.clone(),
            None => self.object(tag)?,
        };
        Ok(Response::success(match class {
            Class::Iso => value,
            Class::GlobalPlatform => Writer::new().put(tag, &value).finish(),
        }))
    }

    /// What the card says of itself.
    fn object(&self, tag: u16) -> Result<Vec<u8>, StatusWord> {
        Ok(match tag {
            0x00E0 => self.key_information(),
            0x0066 => self.card_data(),
            // A security domain tells them once its owner has stored them there.
            0x0042 | 0x0045 if self.memory.make != Make::Files => return Err(StatusWord::REFERENCED_DATA_NOT_FOUND),
            0x0042 => ISSUER_NUMBER.to_vec(),
            0x0045 => self.memory.kdd.as_bytes().to_vec(),
            0x9F7F => self.memory.cplc.to_vec(),
            0x00C1 => self.sequence_counter()?,
            _ => return Err(StatusWord::REFERENCED_DATA_NOT_FOUND),
        })
    }

    /// `00 84 00 00 Le`: random bytes.
    pub(crate) fn get_challenge(&mut self, command: &Command) -> Outcome {
        if (command.p1, command.p2) != (0, 0) {
            return Err(StatusWord::INCORRECT_P1_P2);
        }
        if !command.data.is_empty() {
            return Err(StatusWord::WRONG_LENGTH);
        }
        let count = match command.ne {
            None | Some(256 | 65_536) => CHALLENGE_BYTES,
            Some(ne) => usize::try_from(ne).unwrap_or(usize::MAX),
        };
        if count > self.response_max(command) {
            return Err(StatusWord::WRONG_LENGTH);
        }
        random(count).map(Response::success)
    }

    /// One C0 per key: KID, KVN, type AES, length.
    fn key_information(&self) -> Vec<u8> {
        let mut information = Writer::new();
        for set in self.memory.keys(self.ram.folder) {
            for (kid, key) in (1..).zip([&set.keys.enc, &set.keys.mac, &set.keys.dek]) {
                let length = u8::try_from(key.size_bytes()).unwrap_or(0);
                information = information.put(0xC0, &[kid, set.kvn.to_u8(), 0x88, length]);
            }
        }
        information.finish()
    }

    /// Card recognition data: GlobalPlatform 2.3.1, SCP03 with this card's `i`.
    fn card_data(&self) -> Vec<u8> {
        let oid = |tail: &[u8]| Writer::new().put(0x06, &[&GLOBALPLATFORM[..], tail].concat());
        let scp = [0x04, 0x03, self.memory.scp03_parameter()];
        let recognition = oid(&[0x01])
            .put_constructed(0x60, &oid(&[0x02, 0x02, 0x03, 0x01]))
            .put_constructed(0x63, &oid(&[0x03]))
            .put_constructed(0x64, &oid(&scp));
        Writer::new().put_constructed(0x73, &recognition).finish()
    }

    fn sequence_counter(&self) -> Result<Vec<u8>, StatusWord> {
        let is_told = self.memory.challenge_source() == ChallengeSource::PseudoRandom;
        let set = self
            .memory
            .keys(self.ram.folder)
            .first()
            .filter(|_| is_told)
            .ok_or(StatusWord::REFERENCED_DATA_NOT_FOUND)?;
        Ok(set.counter_bytes().to_vec())
    }
}

/// Bytes of the operating system's generator, which stands for the chip's.
pub(crate) fn random(count: usize) -> Result<Vec<u8>, StatusWord> {
    let mut bytes = vec![0; count];
    getrandom::fill(&mut bytes).map_err(|_| StatusWord::EXECUTION_ERROR)?;
    Ok(bytes)
}
