//! PUT KEY and DELETE KEY: who may, what is refused, what it leaves.

use crate::host::{
    Session, blank, blank_card, create_df, create_internal, create_transparent, maker_set, plain, put_key,
    put_key_answer, set,
};
use crate::issuance::{AP, AP_NAME, ISSUER, MF_CONDITIONS, TRANSPORT, as_application, as_issuer, issued_card, zeroth};
use fuda_card_sim::crypto::AesKey;
use fuda_card_sim::derivation::Mode;
use fuda_card_sim::keys::StaticKeys;
use fuda_card_sim::report::Secrets;
use fuda_card_sim::{Blank, Card};

fn application_sets(card: &Card) -> Vec<String> {
    let report = card.report(Secrets::Hidden);
    report.file("DF01").unwrap().key_sets.iter().map(|set| format!("{}:{}", set.kvn, set.counter)).collect()
}

#[test]
fn an_application_rotates_its_keys() {
    let mut card = issued_card();
    let mut old = as_application(&mut card);
    assert_eq!(old.send(&mut card, &put_key(0, 0x31, &set(0xA2), &set(AP).dek)), put_key_answer(0x31, &set(0xA2)));
    assert_eq!(old.send(&mut card, &put_key(0, 0x32, &set(0xA3), &set(AP).dek)), "6A84", "two sets and no more");
    assert_eq!(old.send(&mut card, "80E4000003D20130"), "6985", "never the set of the open channel");
    assert_eq!(application_sets(&card), ["30:000002", "31:000000"]);

    let mut new = Session::open(&mut card, 0x31, &set(0xA2)).unwrap();
    new.done(&mut card, "80E4000003D20130");
    assert_eq!(new.send(&mut card, "80E4000003D20130"), "6A88");
    assert_eq!(application_sets(&card), ["31:000001"]);
    assert_eq!(Session::open(&mut card, 0x30, &set(AP)).unwrap_err(), "6A88");
}

#[test]
fn a_wrong_check_value_changes_nothing() {
    let mut card = issued_card();
    let mut channel = as_application(&mut card);
    assert_eq!(channel.send(&mut card, &put_key(0, 0x31, &set(0xA2), &set(0x77).dek)), "6A80", "another DEK");
    assert_eq!(channel.send(&mut card, &put_key(0, 0x2F, &set(0xA2), &set(AP).dek)), "6A80", "no such number in a DF");
    assert_eq!(channel.send(&mut card, &put_key(0, 0x30, &set(0xA2), &set(AP).dek)), "6985", "the number is taken");
    assert_eq!(channel.send(&mut card, &put_key(0x35, 0x31, &set(0xA2), &set(AP).dek)), "6A88", "nothing to replace");
    let whole = put_key(0, 0x31, &set(0xA2), &set(AP).dek);
    let two_keys = format!("80D80081{:02X}{}", 0x46 - 23, &whole[10..whole.len() - 2 - 46]);
    assert_eq!(channel.send(&mut card, &two_keys), "6A80", "two keys are not a set");
    assert_eq!(application_sets(&card), ["30:000002"]);
    assert_eq!(
        channel.send(&mut card, &put_key(0x30, 0x31, &set(0xA2), &set(AP).dek)),
        put_key_answer(0x31, &set(0xA2))
    );
    assert_eq!(application_sets(&card), ["31:000000"], "replaced, and its counter starts again");
}

#[test]
fn both_forms_of_key_components() {
    let mut card = issued_card();
    let mut channel = as_application(&mut card);
    let bare = put_key(0, 0x31, &set(0xA2), &set(AP).dek).replace("881110", "8810");
    let bare = format!("{}{:02X}{}", &bare[..8], 0x46 - 3, &bare[10..]);
    assert_eq!(channel.send(&mut card, &bare), put_key_answer(0x31, &set(0xA2)));
    Session::open(&mut card, 0x31, &set(0xA2)).unwrap();
}

#[test]
fn an_aes_256_set_opens_a_channel() {
    let mut card = issued_card();
    let mut channel = as_application(&mut card);
    let key = |fill: u8| AesKey::from_bytes(&[fill; 32]).unwrap();
    let long = StaticKeys { enc: key(1), mac: key(2), dek: key(3) };
    assert_eq!(channel.send(&mut card, &put_key(0, 0x31, &long, &set(AP).dek)), put_key_answer(0x31, &long));
    let mut channel = Session::open(&mut card, 0x31, &long).unwrap();
    assert_eq!(channel.send(&mut card, "00B0910004"), "CAFEBABE9000");
    assert!(channel.send(&mut card, "80CA00E000").contains("C00401318820"));
}

#[test]
fn who_may_put_and_delete_in_the_mf() {
    let mut card = blank_card();
    zeroth(&mut card);
    let (transport, issuer, recovery) = (set(TRANSPORT), set(ISSUER), set(0x3F));
    let mut channel = Session::open(&mut card, 0x3D, &transport).unwrap();
    assert_eq!(channel.send(&mut card, &put_key(0, 0x3F, &recovery, &transport.dek)), "6982");
    assert_eq!(channel.send(&mut card, "80E4000003D2013D"), "6982", "nor its own set");
    channel.send(&mut card, &put_key(0, 0x30, &issuer, &transport.dek));
    let mut channel = Session::open(&mut card, 0x30, &issuer).unwrap();
    assert_eq!(channel.send(&mut card, &put_key(0, 0x3F, &recovery, &issuer.dek)), put_key_answer(0x3F, &recovery));
    channel.done(&mut card, "80E4000003D2013D");
    assert_eq!(channel.send(&mut card, "80E4000003D2013F"), "6982", "the recovery set stays");
    assert_eq!(channel.send(&mut card, "80E4000003D2013D"), "6A88");
    let mut channel = Session::open(&mut card, 0x3F, &recovery).unwrap();
    assert_eq!(channel.send(&mut card, &put_key(0, 0x31, &set(0x31), &recovery.dek)), put_key_answer(0x31, &set(0x31)));
    channel.done(&mut card, "80E4000003D20130");
}

#[test]
fn the_issuer_gives_a_df_its_first_set_only() {
    let mut card = issued_card();
    let mut issuer = as_issuer(&mut card);
    issuer.done(&mut card, "00A4000C02DF01");
    assert_eq!(issuer.send(&mut card, &put_key(0, 0x31, &set(0xA2), &set(ISSUER).dek)), "6982");
    assert_eq!(issuer.send(&mut card, "80E4000003D20130"), "6982");
}

#[test]
fn a_set_opens_in_its_own_df_only() {
    let mut card = issued_card();
    assert_eq!(plain(&mut card, &format!("00A4040C07{AP_NAME}")), "9000");
    assert_eq!(
        Session::open(&mut card, 0x30, &set(ISSUER)).unwrap_err(),
        "6300",
        "the number is the same, the keys are not"
    );
    assert_eq!(Session::open(&mut card, 0x00, &set(AP)).map(drop), Ok(()), "00: the first one");
    assert_eq!(card.report(Secrets::Hidden).failures, 0);
}

#[test]
fn s16_doubles_challenges_and_macs() {
    // Level, and most plain data in a short answer.
    for (level, response_max) in [(0x01, 256), (0x03, 256), (0x11, 239), (0x13, 239), (0x33, 223)] {
        let mut card = Card::new(Blank { mode: Mode::S16, ..blank() });
        card.power_on();
        assert_eq!(plain(&mut card, "8050FF00085A5A5A5A5A5A5A5A00"), "6700", "a short challenge");
        let mut channel = Session::open_mode(&mut card, 0xFF, &maker_set(), level, Mode::S16).unwrap();
        channel.done(&mut card, &create_df("3F00", "A000000151000000", MF_CONDITIONS));
        channel.done(&mut card, &create_internal(4));
        assert_eq!(
            channel.send(&mut card, &put_key(0, 0x3D, &set(TRANSPORT), &maker_set().dek)),
            put_key_answer(0x3D, &set(TRANSPORT))
        );
        channel.done(&mut card, &create_transparent("2F01", 300, "E500"));
        let answer = channel.send(&mut card, "00B0000000");
        assert_eq!(answer.len(), 2 * response_max + 4, "level {level:02X}");
    }
}
