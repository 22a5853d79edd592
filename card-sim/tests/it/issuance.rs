//! A whole 0th and 1st issuance, and the cards that the other tests begin with.

use crate::host::{
    Session, blank_card, create_df, create_internal, create_records, create_transparent, maker_set, plain, put_key,
    put_key_answer, set,
};
use fuda_card_sim::Card;
use fuda_card_sim::report::Secrets;

/// Master keys of the sets, by their repeated byte.
pub(crate) const TRANSPORT: u8 = 0x3D;
pub(crate) const ISSUER: u8 = 0x30;
pub(crate) const AP: u8 = 0xA1;

/// DELETE SELF, TERMINATE, ACTIVATE, DEACTIVATE, CREATE DF, CREATE EF, DELETE CHILD.
pub(crate) const MF_CONDITIONS: &str = "FFE5E2E2E5E5E5";
pub(crate) const DF_CONDITIONS: &str = "FFE2E1E2FFE2E2";
pub(crate) const AP_NAME: &str = "F0465544410001";

pub(crate) const ZERO: &str = "5053010100000000000000000000000000000000000000000000000000000000";
pub(crate) const FIRST: &str = "5053010200000000000000000000000000000000000000000000000000000000";

/// Stage 0: MF, internal EF, PS, ATR, the transport set instead of the initial one.
pub(crate) fn zeroth(card: &mut Card) {
    let initial = maker_set();
    let mut channel = Session::open(card, 0xFF, &initial).unwrap();
    channel.done(card, &create_df("3F00", "A000000151000000", MF_CONDITIONS));
    channel.done(card, &create_internal(4));
    channel.done(card, &create_records("2F02", 32, "E500"));
    channel.done(card, &create_transparent("2F01", 12, "E500"));
    channel.done(card, "00D60000044654444A");
    let answer = channel.send(card, &put_key(0x00, 0x3D, &set(TRANSPORT), &initial.dek));
    assert_eq!(answer, put_key_answer(0x3D, &set(TRANSPORT)));

    let mut channel = Session::open(card, 0x3D, &set(TRANSPORT)).unwrap();
    channel.done(card, "80E4000003D201FF");
    channel.done(card, "00A4000C022F02");
    channel.done(card, &format!("00DC010420{ZERO}"));
}

/// Stage 1: the issuer set instead of the transport one, an application with its set, contents, activation of the MF.
pub(crate) fn first(card: &mut Card) {
    let transport = set(TRANSPORT);
    let mut channel = Session::open(card, 0x3D, &transport).unwrap();
    let answer = channel.send(card, &put_key(0x00, 0x30, &set(ISSUER), &transport.dek));
    assert_eq!(answer, put_key_answer(0x30, &set(ISSUER)));

    let issuer = set(ISSUER);
    let mut channel = Session::open(card, 0x30, &issuer).unwrap();
    channel.done(card, "80E4000003D2013D");
    channel.done(card, "00A4000C023F00");
    channel.done(card, &create_df("DF01", AP_NAME, DF_CONDITIONS));
    channel.done(card, &create_internal(2));
    channel.done(card, &create_records("0002", 32, "E1E1"));
    channel.done(card, &create_transparent("0011", 40, "E1E1"));
    let answer = channel.send(card, &put_key(0x00, 0x30, &set(AP), &issuer.dek));
    assert_eq!(answer, put_key_answer(0x30, &set(AP)));

    assert_eq!(plain(card, &format!("00A4040C07{AP_NAME}")), "9000");
    let mut channel = Session::open(card, 0x30, &set(AP)).unwrap();
    channel.done(card, "00D6910004CAFEBABE");

    assert_eq!(plain(card, "00A4000C023F00"), "9000");
    let mut channel = Session::open(card, 0x30, &issuer).unwrap();
    channel.done(card, "0044000000");
    channel.done(card, "00A4000C022F02");
    channel.done(card, &format!("00DC020420{FIRST}"));
}

/// A card after both stages, freshly powered.
pub(crate) fn issued_card() -> Card {
    let mut card = blank_card();
    zeroth(&mut card);
    first(&mut card);
    card.power_on();
    card
}

/// A channel of the issuer in the MF.
pub(crate) fn as_issuer(card: &mut Card) -> Session {
    assert_eq!(plain(card, "00A4000C023F00"), "9000");
    Session::open(card, 0x30, &set(ISSUER)).unwrap()
}

/// A channel of the application in its DF.
pub(crate) fn as_application(card: &mut Card) -> Session {
    assert_eq!(plain(card, &format!("00A4040C07{AP_NAME}")), "9000");
    Session::open(card, 0x30, &set(AP)).unwrap()
}

#[test]
fn a_blank_chip_becomes_a_card() {
    let card = issued_card();
    let report = card.report(Secrets::Hidden);
    assert_eq!(report.state, "activated");
    let sets: Vec<_> = report.key_sets.iter().map(|set| (set.kvn.as_str(), set.role, set.counter.as_str())).collect();
    assert_eq!(sets, [("30", "issuer", "000002")]);
    assert_eq!(report.file("2F02").unwrap().contents, [ZERO, FIRST]);
    assert_eq!(report.file("2F01").unwrap().contents, ["4654444AFFFFFFFFFFFFFFFF"]);
    let application = report.file("DF01").unwrap();
    assert_eq!((application.life_cycle, application.key_sets[0].counter.as_str()), ("initialisation", "000001"));
    assert_eq!(application.key_sets[0].keys, None);
    assert!(report.file("DF01/0011").unwrap().contents[0].starts_with("CAFEBABEFFFF"));
}

#[test]
fn a_blank_chip_answers_its_name_and_nothing_else() {
    let mut card = blank_card();
    assert_eq!(plain(&mut card, "00A4040008A00000015100000000"), "6F0A8408A0000001510000009000");
    assert_eq!(plain(&mut card, "00A4040000"), "6F0A8408A0000001510000009000");
    assert_eq!(plain(&mut card, "00A40000023F0000"), "6A82");
    assert_eq!(plain(&mut card, "80CA00E000"), "E012C00401FF8810C00402FF8810C00403FF88109000");
    assert_eq!(plain(&mut card, "00CA00C100"), "0000009000");
    assert_eq!(plain(&mut card, "80503000085A5A5A5A5A5A5A5A00"), "6A88", "no such set");
}

#[test]
fn create_file_gives_back_what_it_was_given() {
    let mut card = issued_card();
    let template = |command: String| command[10..].to_owned();
    for (path, command) in [
        ("2F02", create_records("2F02", 32, "E500")),
        ("2F01", create_transparent("2F01", 12, "E500")),
        ("DF01", create_df("DF01", AP_NAME, DF_CONDITIONS)),
    ] {
        assert_eq!(plain(&mut card, &format!("00A4080402{path}00")), format!("{}9000", template(command)));
    }
    let activated = template(create_df("3F00", "A000000151000000", MF_CONDITIONS)).replace("8A0103", "8A0105");
    assert_eq!(plain(&mut card, "00A40004023F0000"), format!("{activated}9000"), "the life cycle is today's");
}
