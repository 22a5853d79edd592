//! A whole card under arbitrary commands, plain and through channels that the harness opens with the right keys.
//!
//! | byte | meaning |
//! |---|---|
//! | first | b1 T=0, b2 S16, b3 a blank chip instead of an issued one, b4 a security domain (b5: its initial set stays) |
//! | then | operations, each an opcode (its three low bits) and its operands |
//!
//! | opcode | operands | operation |
//! |---|---|---|
//! | 0, 1 | length, bytes | a command as it is |
//! | 2 | length, bytes | the same through the channel |
//! | 3 | size, length, bytes | the same in parts of this size |
//! | 4 | KVN, key, level | opens a channel in the current DF |
//! | 5 | old KVN, new KVN, key, DEK | PUT KEY through the channel |
//! | 6 | place | a plain SELECT |
//! | 7 | b1 | reset, or power off and on |

use crate::bytes::Bytes;
use crate::cards::{self, AP_NAME};
use crate::lasting::{Counters, is_written, lasting, static_keys};
use fuda_card::apdu::{Command, Length, Response};
use fuda_card::scp03::{Authenticated, SecurityLevel};
use fuda_card_sim::Card;
use fuda_card_sim::report::Report;

const INITIALIZE_UPDATE: u8 = 0x50;
const EXTERNAL_AUTHENTICATE: u8 = 0x82;
/// Operations that one input may hold.
const OPERATIONS_MAX: usize = 64;

/// The card answers every command with a response APDU, a refused command changes nothing that lasts, no answer holds a
/// static key, and what comes back through a channel is what the host's end of it accepts.
pub fn check(input: &[u8]) {
    let mut input = Bytes(input);
    let form = input.byte();
    let card = if form & 12 == 0 { cards::issued(form) } else { cards::blank(form) };
    let mut scene = Scene { before: lasting(&card, Counters::Kept), card, form, channel: None };
    for _ in 0..OPERATIONS_MAX {
        if input.is_empty() {
            break;
        }
        scene.operation(&mut input);
    }
    let answer = scene.card.transmit(&[0x00, 0xA4, 0x04, 0x00, 0x00]);
    assert!(answer.len() >= 2, "it still answers");
}

struct Scene {
    card: Card,
    form: u8,
    /// The host's end; the card may have closed its own.
    channel: Option<Authenticated>,
    before: Report,
}

impl Scene {
    fn operation(&mut self, input: &mut Bytes<'_>) {
        match input.byte() & 0x07 {
            0 | 1 => {
                let length = usize::from(input.byte());
                self.exchange(input.take(length));
            }
            2 => self.protected_parts(input, usize::MAX),
            3 => {
                let size = 1 + usize::from(input.byte());
                self.protected_parts(input, size);
            }
            4 => {
                let (kvn, key, level) = (input.byte(), usize::from(input.byte()), usize::from(input.byte()));
                let level = SecurityLevel::ALL[level % SecurityLevel::ALL.len()];
                self.channel = cards::open(&mut self.card, self.form, kvn, key, level);
                let changed = lasting(&self.card, Counters::Free);
                assert_eq!(changed, free(&self.before), "opening a channel counts and does nothing else");
                self.before = lasting(&self.card, Counters::Kept);
            }
            5 => {
                let (old, new) = (input.byte(), input.byte());
                let command = cards::put_key(old, new, usize::from(input.byte()), usize::from(input.byte()));
                self.protected(&command);
            }
            6 => {
                let place = match input.byte() & 0x03 {
                    0 => "00A4000C023F00".to_owned(),
                    1 => format!("00A4040C07{AP_NAME}"),
                    2 => "00A4080C04DF010011".to_owned(),
                    _ => "00A4080C022F02".to_owned(),
                };
                self.exchange(&hex::decode(place).unwrap());
            }
            _ => {
                self.channel = None;
                if input.byte() & 1 == 0 {
                    self.card.reset();
                } else {
                    self.card.power_off();
                    self.card.power_on();
                }
                assert_eq!(lasting(&self.card, Counters::Kept), self.before, "a reset changes nothing that lasts");
            }
        }
    }

    fn protected_parts(&mut self, input: &mut Bytes<'_>, part_max: usize) {
        let length = usize::from(input.byte());
        let Ok(command) = Command::decode(input.take(length)) else { return };
        for part in command.chain(part_max).expect("parts with data") {
            self.protected(&part);
        }
    }

    /// A command through the channel, if there is one and it takes the command.
    fn protected(&mut self, command: &Command) {
        let Some(channel) = self.channel.take() else { return };
        let Ok((sent, wrapped)) = channel.wrap(command) else { return };
        let Ok(bytes) = wrapped.encode() else { return };
        let mut answer = self.exchange(&bytes);
        // T=0: the protected answer comes in pieces; the host's end takes it as a whole.
        while let Some(ne) = answer.sw.bytes_available() {
            let more = self.exchange(&Command::new(0x00, 0xC0, 0x00, 0x00).with_ne(ne).encode().unwrap());
            answer.data.extend(more.data);
            answer.sw = more.sw;
        }
        let (channel, plain) = sent.response(&answer).expect("the host accepts what the card answers");
        self.holds_no_key(&plain.data);
        self.channel = Some(channel);
    }

    fn exchange(&mut self, command: &[u8]) -> Response {
        let answer = self.card.transmit(command);
        let response = Response::decode(&answer).expect("an R-APDU");
        assert!(matches!(response.sw.to_bytes()[0], 0x61..=0x6F | 0x90), "SW1 of ISO/IEC 7816-4: {}", response.sw);
        assert!(response.data.len() <= room(command), "{} bytes do not fit", response.data.len());
        self.holds_no_key(&answer);
        let is_refused =
            !response.sw.is_success() && !response.sw.is_warning() && response.sw.bytes_available().is_none();
        if is_refused {
            assert!(response.data.is_empty(), "{} with data", response.sw);
            // An answer that does not fit Le (6Cxx) was begun all the same: INITIALIZE UPDATE has counted.
            let counts = matches!(command.get(1), Some(&(INITIALIZE_UPDATE | EXTERNAL_AUTHENTICATE)));
            let changed = lasting(&self.card, if counts { Counters::Free } else { Counters::Kept });
            let before = if counts { free(&self.before) } else { self.before.clone() };
            assert_eq!(changed, before, "{} -> {}", hex::encode_upper(command), response.sw);
        }
        self.before = lasting(&self.card, Counters::Kept);
        response
    }

    /// A key that a command wrote into a working file or an object itself may be read there: libFuzzer learns one from this comparison.
    fn holds_no_key(&self, answer: &[u8]) {
        for key in static_keys(&self.before) {
            let is_there = answer.windows(key.len()).any(|window| window == key);
            assert!(!is_there || is_written(&self.before, &key), "a static key in an answer");
        }
    }
}

/// Most response data that the form of a command has room for.
fn room(command: &[u8]) -> usize {
    match Command::decode(command) {
        Ok(command) if command.length == Length::Extended => 65_536,
        _ => 256,
    }
}

/// The same report without what counts.
fn free(report: &Report) -> Report {
    crate::lasting::without_counters(report.clone())
}
