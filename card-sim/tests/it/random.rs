//! Random commands: nothing panics, and a command that is refused changes nothing.
//!
//! What a refused command may change is what counts it: the sequence counter of INITIALIZE UPDATE, the wrong tries of
//! EXTERNAL AUTHENTICATE and of a PIN.

use crate::host::{Session, blank_card, plain, set};
use crate::issuance::{AP_NAME, ISSUER, as_application, issued_card};
use fuda_card::apdu::Response;
use fuda_card_sim::Card;
use fuda_card_sim::report::{FileReport, KeySetReport, Report, Secrets};
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::sample::select;

/// The card without what counts.
fn lasting(card: &Card) -> Report {
    fn forget(sets: &mut [KeySetReport]) {
        sets.iter_mut().for_each(|set| set.counter.clear());
    }
    fn forget_below(file: &mut FileReport) {
        file.pin_tries = file.pin_tries.map(|_| 0);
        forget(&mut file.key_sets);
        file.files.iter_mut().for_each(forget_below);
    }
    let mut report = card.report(Secrets::Shown);
    report.failures = 0;
    forget(&mut report.key_sets);
    report.mf.iter_mut().for_each(forget_below);
    report
}

const INSTRUCTIONS: [u8; 22] = [
    0xA4, 0xB0, 0xD6, 0xB2, 0xDC, 0xE0, 0xE4, 0x44, 0x04, 0xE6, 0xE8, 0xFE, 0x84, 0x20, 0x24, 0x2C, 0xCA, 0x50, 0x82,
    0xD8, 0xE2, 0xC0,
];

/// A header that is likely to be one of ours.
fn header() -> impl Strategy<Value = [u8; 4]> {
    let class = select(vec![0x00, 0x80, 0x04, 0x84]);
    let parameter = || prop_oneof![select(vec![0x00, 0x01, 0x02, 0x04, 0x0C, 0x81, 0x91, 0x92]), any::<u8>()];
    (class, select(INSTRUCTIONS.to_vec()), parameter(), parameter()).prop_map(|(cla, ins, p1, p2)| [cla, ins, p1, p2])
}

/// Data with pieces of what commands carry.
fn data() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        select(vec!["3F00", "DF01", "0011", "2F02", "620782013883021234", "D20130", "F04655", "31323334", "8A0105"])
            .prop_map(|piece| hex::decode(piece).unwrap()),
        vec(any::<u8>(), 0..40),
    ];
    vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

/// A command: shaped like one, or any bytes.
fn command() -> impl Strategy<Value = Vec<u8>> {
    let shaped =
        (header(), data(), prop_oneof![Just(None), any::<u8>().prop_map(Some)]).prop_map(|(header, data, le)| {
            let mut bytes = header.to_vec();
            if !data.is_empty() {
                bytes.push(u8::try_from(data.len()).unwrap_or(u8::MAX));
                bytes.extend(data);
            }
            bytes.extend(le);
            bytes
        });
    prop_oneof![8 => shaped, 1 => vec(any::<u8>(), 0..300)]
}

/// A card in one of the states of its life, and the channel that is open on it.
fn start(state: usize) -> (Card, Option<Session>) {
    match state {
        0 => (blank_card(), None),
        1 => (issued_card(), None),
        2 => {
            let mut card = issued_card();
            let session = as_application(&mut card);
            (card, Some(session))
        }
        _ => {
            let mut card = issued_card();
            let mut session = Session::open(&mut card, 0x30, &set(ISSUER)).unwrap();
            session.done(&mut card, &format!("00A4040C07{AP_NAME}"));
            (card, Some(session))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_refused_command_changes_nothing(state in 0..4usize, commands in vec((any::<bool>(), command()), 1..12)) {
        let (mut card, mut session) = start(state);
        let mut before = lasting(&card);
        for (is_wrapped, command) in commands {
            let wrapped = session.as_mut().filter(|_| is_wrapped).and_then(|session| session.try_wrap(&command));
            let answer = Response::decode(&card.transmit(wrapped.as_ref().unwrap_or(&command))).unwrap();
            let after = lasting(&card);
            if !answer.sw.is_success() && !answer.sw.is_warning() {
                assert_eq!(before, after, "{} -> {}", hex::encode_upper(&command), answer.sw);
            }
            before = after;
        }
        assert!(!plain(&mut card, "00A4040000").is_empty(), "the card still answers");
    }
}
