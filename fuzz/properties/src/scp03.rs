//! The host's end of SCP03 against a card that says anything: only what the keys made is accepted.
//!
//! The reference is the simulated card's cryptography, which shares nothing with the host's.
//!
//! | byte | meaning |
//! |---|---|
//! | first | two low bits: an answer to INITIALIZE UPDATE, the same with a right cryptogram, a response, a right response |
//! | second | which of the six levels; b8: S16 |
//! | third | which bit of the right answer is wrong; 00 none |
//! | rest | the answer, or the data that it holds |

use crate::bytes::Bytes;
use crate::cards::{self, KDD, KDKS};
use fuda_card::apdu::{Command, Response};
use fuda_card::id::Kvn;
use fuda_card::scp03::{Authenticated, Challenge, InitializeUpdate, Initiated, SecurityLevel, Sent};
use fuda_card::status::StatusWord;
use fuda_card_sim::crypto::{AesKey, pad};
use fuda_card_sim::derivation::{Constant, Mode, SessionKeys};
use fuda_card_sim::kdf3::derive_set;

const KVN: u8 = 0x30;
const HOST: [u8; 16] = [0x5A; 16];

/// The host accepts an answer if and only if it was made with the keys.
pub fn check(input: &[u8]) {
    let mut input = Bytes(input);
    let (what, which, flip) = (input.byte(), input.byte(), input.byte());
    let level = SecurityLevel::ALL[usize::from(which & 0x7F) % SecurityLevel::ALL.len()];
    let reference = Reference::new(if which & 0x80 == 0 { Mode::S8 } else { Mode::S16 });
    match what & 0x03 {
        0 => reference.greeting(input.rest().to_vec(), level),
        1 => reference.right_greeting(input.rest(), flip, level),
        2 => reference.response(input.rest(), level),
        _ => reference.right_response(input.rest(), flip, level),
    }
}

struct Reference {
    mode: Mode,
    keys: fuda_card_sim::keys::StaticKeys,
}

impl Reference {
    fn new(mode: Mode) -> Self {
        Self { mode, keys: derive_set(&AesKey::from_bytes(&KDKS[2]).unwrap(), &KDD).unwrap() }
    }

    fn host_challenge(&self) -> &'static [u8] {
        &HOST[..self.mode.size_bytes()]
    }

    fn update(&self) -> InitializeUpdate {
        let host_challenge = match self.mode {
            Mode::S8 => Challenge::S8([HOST[0]; 8]),
            Mode::S16 => Challenge::S16(HOST),
        };
        InitializeUpdate { kvn: Kvn::new(KVN), host_challenge }
    }

    fn session(&self, card_challenge: &[u8]) -> SessionKeys {
        SessionKeys::derive(&self.keys, self.host_challenge(), card_challenge).unwrap()
    }

    fn card_cryptogram(&self, challenge: &[u8]) -> Vec<u8> {
        self.session(challenge).cryptogram(Constant::CardCryptogram, self.mode, self.host_challenge(), challenge)
    }

    /// Any answer to INITIALIZE UPDATE.
    fn greeting(&self, data: Vec<u8>, level: SecurityLevel) {
        let Ok(initiated) = self.update().answered(&Response::success(data)) else { return };
        let challenge = initiated.answer().card_challenge.as_bytes().to_vec();
        let is_right = initiated.answer().card_cryptogram.as_bytes() == self.card_cryptogram(&challenge);
        assert_eq!(prove(initiated, level).is_some(), is_right, "proved if and only if the cryptogram is right");
    }

    /// An answer with this challenge and its cryptogram, with one bit wrong or none.
    fn right_greeting(&self, challenge: &[u8], flip: u8, level: SecurityLevel) {
        let size = self.mode.size_bytes();
        let mut challenge = challenge.to_vec();
        challenge.resize(size, 0x00);
        let mut cryptogram = self.card_cryptogram(&challenge);
        let is_wrong = wrong_bit(&mut cryptogram, flip);
        let initiated = self.update().answered(&Response::success(self.answer(&challenge, &cryptogram))).unwrap();
        assert_eq!(prove(initiated, level).is_none(), is_wrong);
    }

    fn answer(&self, challenge: &[u8], cryptogram: &[u8]) -> Vec<u8> {
        [KDD.as_bytes().as_slice(), &[KVN, 0x03, self.mode.parameter()], challenge, cryptogram, &[0, 0, 1]].concat()
    }

    /// An open channel with one command on its way, the session keys, and the chaining value behind that command.
    fn sent(&self, level: SecurityLevel) -> (Sent, SessionKeys, [u8; 16]) {
        let challenge = &[0xC4; 16][..self.mode.size_bytes()];
        let answer = self.answer(challenge, &self.card_cryptogram(challenge));
        let initiated = self.update().answered(&Response::success(answer)).unwrap();
        let (channel, authenticate) = prove(initiated, level).expect("the cryptogram is right");
        let session = self.session(challenge);
        let chain = next_chain(&session, [0; 16], &authenticate, self.mode);
        let (sent, wrapped) = channel.wrap(&Command::new(0x00, 0xB0, 0x00, 0x00).with_ne(256)).unwrap();
        let chain = if level.has_c_mac() { next_chain(&session, chain, &wrapped, self.mode) } else { chain };
        (sent, session, chain)
    }

    /// Any response: accepted with an R-MAC of the key, or as a bare error.
    fn response(&self, bytes: &[u8], level: SecurityLevel) {
        let Ok(response) = Response::decode(bytes) else { return };
        let (sent, session, chain) = self.sent(level);
        let is_done = response.sw.is_success() || response.sw.is_warning();
        let accepted = sent.response(&response).is_ok();
        if is_done && level.has_r_mac() {
            let split = response.data.len().saturating_sub(self.mode.size_bytes());
            let (data, mac) = response.data.split_at(split);
            let full = session.rmac.cmac(&[&chain, data, &response.sw.to_bytes()]);
            assert!(!accepted || mac == &full[..self.mode.size_bytes()], "accepted without the key's R-MAC");
        } else {
            assert_eq!(accepted, is_done || response.data.is_empty());
        }
    }

    /// A response with this data, made as a card makes it, with one bit wrong or none.
    fn right_response(&self, data: &[u8], flip: u8, level: SecurityLevel) {
        let (sent, session, chain) = self.sent(level);
        let sw = StatusWord::SUCCESS;
        let mut body = data.to_vec();
        if level.has_r_enc() && !body.is_empty() {
            // The counter block of the first command, its first byte 80 for the response.
            let mut counter = [0; 16];
            (counter[0], counter[15]) = (0x80, 0x01);
            body = session.enc.cbc_encrypt(session.enc.encrypt_block(&counter), &pad(&body));
        }
        if level.has_r_mac() {
            let mac = session.rmac.cmac(&[&chain, &body, &sw.to_bytes()]);
            body.extend_from_slice(&mac[..self.mode.size_bytes()]);
        }
        let is_wrong = level.has_r_mac() && wrong_bit(&mut body, flip);
        match sent.response(&Response { data: body, sw }) {
            Ok((_, plain)) => {
                assert!(!is_wrong, "a changed response was accepted");
                assert_eq!((plain.data.as_slice(), plain.sw), (data, sw));
            }
            Err(error) => assert!(is_wrong, "{error}"),
        }
    }
}

/// Host side: proves the card and opens the channel.
fn prove(initiated: Initiated, level: SecurityLevel) -> Option<(Authenticated, Command)> {
    let session_keys = cards::keys(2).session_keys(&initiated.context());
    let (proved, authenticate) = initiated.prove(session_keys, level).ok()?;
    let channel = proved.authenticated(&Response::status(StatusWord::SUCCESS)).unwrap();
    Some((channel, authenticate))
}

/// The full C-MAC of a command as the card computes it; the host must have sent its first bytes.
fn next_chain(session: &SessionKeys, chain: [u8; 16], command: &Command, mode: Mode) -> [u8; 16] {
    let bytes = command.encode().unwrap();
    let (data, mac) = command.data.split_at(command.data.len() - mode.size_bytes());
    let full = session.mac.cmac(&[&chain, &bytes[..5], data]);
    assert_eq!(mac, &full[..mode.size_bytes()], "the host's C-MAC is the card's");
    full
}

/// Flips one bit, unless `flip` is 00 or there is none.
fn wrong_bit(bytes: &mut [u8], flip: u8) -> bool {
    let bits = bytes.len() * 8;
    if flip == 0 || bits == 0 {
        return false;
    }
    let bit = usize::from(flip - 1) * 5 % bits;
    bytes[bit / 8] ^= 1 << (bit % 8);
    true
}
