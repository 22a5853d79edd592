//! Simulated cards to begin with, and the host's end of a session with them.

use fuda_card::apdu::{Command, Response};
use fuda_card::crypto::{AesKey, Kcv};
use fuda_card::id::{Kdd, Kvn};
use fuda_card::scp03::{Authenticated, Challenge, InitializeUpdate, SecurityLevel, StaticKeys};
use fuda_card::status::StatusWord;
use fuda_card_sim::crypto::AesKey as CardKey;
use fuda_card_sim::derivation::Mode;
use fuda_card_sim::make::{Domain, InitialSet, Make};
use fuda_card_sim::state::Protocol;
use fuda_card_sim::{Blank, Card};

/// Identity of every chip here.
pub const KDD: Kdd = Kdd::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
/// Key-derivation keys: initial, transport, issuer, recovery, application, its next one.
pub const KDKS: [[u8; 16]; 6] = [*b"@ABCDEFGHIJKLMNO", [0x3D; 16], [0x30; 16], [0x3F; 16], [0xA1; 16], [0xA2; 16]];
/// DF name of the application.
pub const AP_NAME: &str = "F0465544410001";

const SELECT_MF: &str = "00A4000C023F00";

/// One step of an issuance: the KVN and key of a new channel, or a command through it.
enum Step {
    Select(&'static str),
    Channel(u8, usize),
    Put(u8, usize, usize),
    Send(&'static str),
}

/// 0th issuance with one EF for each security condition, then 1st issuance with one application and its PIN.
const ISSUANCE: [Step; 31] = {
    use Step::{Channel, Put, Select, Send};
    [
        Channel(0xFF, 0),
        Send("00E0000020621E82013883023F008408A0000001510000008A01038C087FFFE5E2E2E5E5E5"),
        Send("00E0000010620E8002010082010C830200018A0105"),
        Send("00E000001562138205022100200283022F028A01058C0303E500"),
        Send("00E000001562138002001082010183022F018A01058C0303E500"),
        Put(0x3D, 1, 0),
        Channel(0x3D, 1),
        Send("80E4000003D201FF"),
        Put(0x30, 2, 1),
        Channel(0x30, 2),
        Put(0x3F, 3, 2),
        Select(SELECT_MF),
        Channel(0x30, 2),
        Send("00E000001F621D8201388302DF018407F04655444100018A01038C087FE2E2E1E2E2E2E2"),
        Send("00E0000010620E8002008082010C830200018A0105"),
        Send("00E0000015621382050221002002830200028A01058C0303E1E1"),
        Send("00E0000015621380020028820101830200118A01058C0303E1E1"),
        Send("00E0000015621380020008820101830200128A01058C030300FF"),
        Send("00E0000015621380020008820101830200138A01058C0303F1E1"),
        Send("00E0000015621380020008820101830200148A01058C0303E2E2"),
        Send("00E0000015621380020008820101830200158A01058C0303E4E5"),
        Send("00E0000015621380020200820101830200168A01058C030300E1"),
        Put(0x30, 4, 2),
        Select("00A4040C07F0465544410001"),
        Channel(0x30, 4),
        Send("00D6910004CAFEBABE"),
        Send("00D6960010000102030405060708090A0B0C0D0E0F"),
        Send("002401810431323334"),
        Select(SELECT_MF),
        Channel(0x30, 2),
        Send("0044000000"),
    ]
};

/// A chip without files, with power; b1 of `form` chooses T=0, b2 S16, b4 a security domain, b5 one whose initial set stays.
#[must_use]
pub fn blank(form: u8) -> Card {
    let maker = CardKey::from_bytes(&KDKS[0]).unwrap();
    let derived = Blank::derived(KDD, &maker).unwrap();
    let mut card = Card::new(Blank {
        protocol: if form & 1 == 0 { Protocol::T1 } else { Protocol::T0 },
        mode: if form & 2 == 0 { Mode::S8 } else { Mode::S16 },
        make: make(form),
        ..derived
    });
    card.power_on();
    card
}

fn make(form: u8) -> Make {
    let initial_set = if form & 16 == 0 { InitialSet::Vanishes } else { InitialSet::Stays };
    if form & 8 == 0 { Make::Files } else { Make::Domain(Domain { initial_set, ..Domain::issuer() }) }
}

/// The same chip after both issuances, freshly powered.
#[must_use]
pub fn issued(form: u8) -> Card {
    let mut card = blank(form);
    let mut channel = None;
    for step in &ISSUANCE {
        match step {
            Step::Select(command) => {
                channel = None;
                assert_eq!(exchange(&mut card, &bytes(command)).sw, StatusWord::SUCCESS);
            }
            Step::Channel(kvn, key) => channel = open(&mut card, form, *kvn, *key, SecurityLevel::CMacCEncRMacREnc),
            Step::Put(kvn, key, dek) => {
                let command = put_key(0, *kvn, *key, *dek);
                channel = Some(done(&mut card, channel.take().expect("a channel"), &command));
            }
            Step::Send(command) => {
                let command = Command::decode(&bytes(command)).unwrap();
                channel = Some(done(&mut card, channel.take().expect("a channel"), &command));
            }
        }
    }
    card.power_on();
    card
}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text.replace(' ', "")).unwrap()
}

fn done(card: &mut Card, channel: Authenticated, command: &Command) -> Authenticated {
    let (sent, wrapped) = channel.wrap(command).unwrap();
    let answer = exchange(card, &wrapped.encode().unwrap());
    let (channel, plain) = sent.response(&answer).unwrap();
    assert_eq!(plain.sw, StatusWord::SUCCESS, "{command:?}");
    channel
}

/// The static key set number `key` of this chip, host side.
#[must_use]
pub fn keys(key: usize) -> StaticKeys {
    StaticKeys::kdf3(&AesKey::new(&KDKS[key % KDKS.len()]).unwrap(), &KDD)
}

/// Opens a channel in the current DF; `None` when the card refuses, or does not hold this key.
pub fn open(card: &mut Card, form: u8, kvn: u8, key: usize, level: SecurityLevel) -> Option<Authenticated> {
    let host_challenge = if form & 2 == 0 { Challenge::S8([0x5A; 8]) } else { Challenge::S16([0x5A; 16]) };
    let update = InitializeUpdate { kvn: Kvn::new(kvn), host_challenge };
    let answer = exchange(card, &update.command().encode().unwrap());
    let initiated = update.answered(&answer).ok()?;
    let session_keys = keys(key).session_keys(&initiated.context());
    let (proved, authenticate) = initiated.prove(session_keys, level).ok()?;
    let answer = exchange(card, &authenticate.encode().unwrap());
    Some(proved.authenticated(&answer).expect("a card that proved its keys takes the host's proof"))
}

/// PUT KEY of a set of this chip, encrypted under the DEK of another.
#[must_use]
pub fn put_key(old: u8, new: u8, key: usize, dek: usize) -> Command {
    let (set, under) = (keys(key), keys(dek));
    let mut data = vec![new];
    for key in [set.enc(), set.mac(), set.dek()] {
        data.extend([0x88, 0x11, 0x10]);
        data.extend(under.dek().wrap_key(key));
        data.push(0x03);
        data.extend(Kcv::of(key).as_bytes());
    }
    Command::new(0x80, 0xD8, old, 0x81).with_data(data).with_ne(256)
}

/// One exchange; at T=0 the waiting answer is fetched too.
pub fn exchange(card: &mut Card, command: &[u8]) -> Response {
    let mut response = Response::decode(&card.transmit(command)).expect("a response");
    while let Some(ne) = response.sw.bytes_available() {
        let get_response = Command::new(0x00, 0xC0, 0x00, 0x00).with_ne(ne).encode().unwrap();
        let more = Response::decode(&card.transmit(&get_response)).expect("a response");
        response.data.extend(more.data);
        response.sw = more.sw;
    }
    response
}
