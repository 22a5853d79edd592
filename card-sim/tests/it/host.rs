//! A host just big enough to talk to the card: plain and wrapped commands, sessions, key sets, file templates.

use fuda_card::apdu::{Command, Length, Response};
use fuda_card::id::Kdd;
use fuda_card::tlv::Writer;
use fuda_card_sim::crypto::{AesKey, Block, pad, unpad};
use fuda_card_sim::derivation::{Constant, Mode, SessionKeys};
use fuda_card_sim::kdf3::derive_set;
use fuda_card_sim::keys::StaticKeys;
use fuda_card_sim::{Blank, Card};

/// The chip maker's key-derivation key: GlobalPlatform's public test key.
pub(crate) const MAKER: [u8; 16] = *b"@ABCDEFGHIJKLMNO";
/// The identity of every chip here.
pub(crate) const KDD: Kdd = Kdd::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);

pub(crate) fn kdk(fill: u8) -> AesKey {
    AesKey::from_bytes(&[fill; 16]).unwrap()
}

/// The key set that a master key of one repeated byte gives this chip.
pub(crate) fn set(fill: u8) -> StaticKeys {
    derive_set(&kdk(fill), &KDD).unwrap()
}

pub(crate) fn maker_set() -> StaticKeys {
    derive_set(&AesKey::from_bytes(&MAKER).unwrap(), &KDD).unwrap()
}

pub(crate) fn blank() -> Blank {
    Blank::derived(KDD, &AesKey::from_bytes(&MAKER).unwrap()).unwrap()
}

/// A blank chip with power.
pub(crate) fn blank_card() -> Card {
    let mut card = Card::new(blank());
    card.power_on();
    card
}

/// Sends a command as a reader driver does: over T=0 it fetches what the card keeps back.
fn exchange(card: &mut Card, command: &[u8]) -> Vec<u8> {
    let answer = card.transmit(command);
    match *answer.as_slice() {
        [0x61, length] => card.transmit(&[0x00, 0xC0, 0x00, 0x00, length]),
        _ => answer,
    }
}

/// Sends hex; the answer as hex, `""` when none came.
pub(crate) fn plain(card: &mut Card, command: &str) -> String {
    hex::encode_upper(card.transmit(&hex::decode(command).unwrap()))
}

/// An open channel, host side.
#[derive(Debug)]
pub(crate) struct Session {
    keys: SessionKeys,
    mode: Mode,
    level: u8,
    chain: Block,
    counter: u64,
}

impl Session {
    /// Opens a channel at level 33 in the current DF, or says with which status word that failed.
    pub(crate) fn open(card: &mut Card, kvn: u8, keys: &StaticKeys) -> Result<Self, String> {
        Self::open_at(card, kvn, keys, 0x33)
    }

    pub(crate) fn open_at(card: &mut Card, kvn: u8, keys: &StaticKeys, level: u8) -> Result<Self, String> {
        Self::open_mode(card, kvn, keys, level, Mode::S8)
    }

    pub(crate) fn open_mode(
        card: &mut Card,
        kvn: u8,
        keys: &StaticKeys,
        level: u8,
        mode: Mode,
    ) -> Result<Self, String> {
        let size = mode.size_bytes();
        let host = &[0x5A; 16][..size];
        let answer = exchange(card, &Command::new(0x80, 0x50, kvn, 0).with_data(host).with_ne(256).encode().unwrap());
        let answer = Response::decode(&answer).map_err(|_| "no answer".to_owned())?;
        if !answer.sw.is_success() {
            return Err(answer.sw.to_string());
        }
        assert_eq!(answer.data.len(), 16 + 2 * size);
        assert_eq!(&answer.data[..10], KDD.as_bytes());
        assert_eq!(answer.data[11..13], [0x03, mode.parameter()]);
        let challenge = &answer.data[13..13 + size];
        let session = SessionKeys::derive(keys, host, challenge).unwrap();
        let cryptogram = session.cryptogram(Constant::HostCryptogram, mode, host, challenge);
        let header = [0x84, 0x82, level, 0x00, u8::try_from(2 * size).unwrap()];
        let chain = session.mac.cmac(&[&[0; 16], &header, &cryptogram]);
        let data = [cryptogram.as_slice(), &chain[..size]].concat();
        let answer = exchange(card, &Command::new(0x84, 0x82, level, 0).with_data(data).encode().unwrap());
        match hex::encode_upper(answer).as_str() {
            "9000" => Ok(Self { keys: session, mode, level, chain, counter: 0 }),
            sw => Err(sw.to_owned()),
        }
    }

    /// Wraps any bytes that are a short command with room for a MAC.
    pub(crate) fn try_wrap(&mut self, command: &[u8]) -> Option<Vec<u8>> {
        let command = Command::decode(command).ok()?;
        let has_room = command.data.len() < 224 && command.ne.is_none_or(|ne| ne <= 256);
        (has_room && command.cla & 0x7F == 0).then(|| self.wrap(command))
    }

    fn wrap(&mut self, mut command: Command) -> Vec<u8> {
        command.length = Length::Short;
        self.counter += 1;
        command.cla |= 0x04;
        if self.level & 0x02 != 0 && !command.data.is_empty() {
            command.data = self.keys.enc.cbc_encrypt(self.icv(0x00), &pad(&command.data));
        }
        let size = self.mode.size_bytes();
        let lc = u8::try_from(command.data.len() + size).unwrap();
        let header = [command.cla, command.ins, command.p1, command.p2, lc];
        self.chain = self.keys.mac.cmac(&[&self.chain, &header, &command.data]);
        command.data.extend_from_slice(&self.chain[..size]);
        command.encode().unwrap()
    }

    /// Sends a plain command given in hex through the channel; the plain answer as hex.
    ///
    /// Panics when the answer's MAC or padding is wrong. An error status comes without protection.
    pub(crate) fn send(&mut self, card: &mut Card, command: &str) -> String {
        let wrapped = self.wrap(Command::decode(&hex::decode(command).unwrap()).unwrap());
        let answer = exchange(card, &wrapped);
        if answer.is_empty() {
            return String::new();
        }
        let mut answer = Response::decode(&answer).unwrap();
        if self.level & 0x10 != 0 && (answer.sw.is_success() || answer.sw.is_warning()) {
            let mac = answer.data.split_off(answer.data.len() - self.mode.size_bytes());
            let expected = self.keys.rmac.cmac(&[&self.chain, &answer.data, &answer.sw.to_bytes()]);
            assert_eq!(mac, expected[..mac.len()], "R-MAC");
            if self.level & 0x20 != 0 && !answer.data.is_empty() {
                let padded = self.keys.enc.cbc_decrypt(self.icv(0x80), &answer.data);
                answer.data = unpad(&padded).expect("padding").to_vec();
            }
        }
        hex::encode_upper(answer.encode())
    }

    /// The same, and the answer must be 9000 without data.
    pub(crate) fn done(&mut self, card: &mut Card, command: &str) {
        assert_eq!(self.send(card, command), "9000", "{command}");
    }

    fn icv(&self, direction: u8) -> Block {
        let mut block = u128::from(self.counter).to_be_bytes();
        block[0] |= direction;
        self.keys.enc.encrypt_block(&block)
    }
}

/// PUT KEY: `old` 00 adds a set.
pub(crate) fn put_key(old: u8, new: u8, keys: &StaticKeys, dek: &AesKey) -> String {
    let mut data = vec![new];
    for key in [&keys.enc, &keys.mac, &keys.dek] {
        let size = u8::try_from(key.size_bytes()).unwrap();
        data.extend_from_slice(&[0x88, size + 1, size]);
        data.extend(dek.cbc_encrypt([0; 16], key.expose()));
        data.push(3);
        data.extend(key.gp_kcv());
    }
    hex::encode_upper(Command::new(0x80, 0xD8, old, 0x81).with_data(data).with_ne(256).encode().unwrap())
}

/// What PUT KEY answers: KVN and check values.
pub(crate) fn put_key_answer(new: u8, keys: &StaticKeys) -> String {
    let kcvs = [&keys.enc, &keys.mac, &keys.dek].map(|key| hex::encode_upper(key.gp_kcv()));
    format!("{new:02X}{}9000", kcvs.concat())
}

/// CREATE FILE of a template given by its objects.
pub(crate) fn create(objects: &[(u16, &str)]) -> String {
    let inner =
        objects.iter().fold(Writer::new(), |writer, (tag, value)| writer.put(*tag, &hex::decode(value).unwrap()));
    let template = Writer::new().put_constructed(0x62, &inner).finish();
    hex::encode_upper(Command::new(0x00, 0xE0, 0, 0).with_data(template).encode().unwrap())
}

/// A DF with seven conditions, DELETE SELF first.
pub(crate) fn create_df(fid: &str, name: &str, conditions: &str) -> String {
    create(&[(0x82, "38"), (0x83, fid), (0x84, name), (0x8A, "03"), (0x8C, &format!("7F{conditions}"))])
}

/// A transparent WEF with conditions for UPDATE and READ.
pub(crate) fn create_transparent(fid: &str, size: u16, conditions: &str) -> String {
    let size = format!("{size:04X}");
    create(&[(0x80, &size), (0x82, "01"), (0x83, fid), (0x8A, "05"), (0x8C, &format!("03{conditions}"))])
}

/// A linear fixed WEF of two records with conditions for UPDATE and READ.
pub(crate) fn create_records(fid: &str, record: u16, conditions: &str) -> String {
    let descriptor = format!("0221{record:04X}02");
    create(&[(0x82, &descriptor), (0x83, fid), (0x8A, "05"), (0x8C, &format!("03{conditions}"))])
}

/// The internal EF for some key sets.
pub(crate) fn create_internal(sets: u16) -> String {
    let size = format!("{:04X}", sets * 64);
    create(&[(0x80, &size), (0x82, "0C"), (0x83, "0001"), (0x8A, "05")])
}
