//! A card that offers T=0: 61xx, 6Cxx, GET RESPONSE.

use crate::host::{KDD, MAKER, plain};
use crate::issuance::{first, issued_card, zeroth};
use fuda_card_sim::crypto::AesKey;
use fuda_card_sim::report::Secrets;
use fuda_card_sim::state::Protocol;
use fuda_card_sim::{Blank, Card};

fn t0_card() -> Card {
    let derived = Blank::derived(KDD, &AesKey::from_bytes(&MAKER).unwrap()).unwrap();
    let mut card = Card::new(Blank { protocol: Protocol::T0, ..derived });
    assert_eq!(hex::encode_upper(card.power_on()), "3B058073F62180");
    card
}

#[test]
fn answers_to_data_wait_for_get_response() {
    let mut card = t0_card();
    let name = "A000000151000000";
    for select in [format!("00A4040008{name}"), format!("00A4040008{name}00")] {
        assert_eq!(plain(&mut card, &select), "610C", "with and without Le");
        assert_eq!(plain(&mut card, "00C000000C"), format!("6F0A8408{name}9000"));
        assert_eq!(plain(&mut card, "00C000000C"), "6985", "once");
    }
    plain(&mut card, &format!("00A4040008{name}"));
    assert_eq!(plain(&mut card, "00C0000005"), "6F0A8408A06107", "in pieces");
    assert_eq!(plain(&mut card, "00C0000008"), "6C07");
    assert_eq!(plain(&mut card, "00C0000007"), "000001510000009000");
    plain(&mut card, &format!("00A4040008{name}"));
    plain(&mut card, "00A4040C");
    assert_eq!(plain(&mut card, "00C000000C"), "6985", "another command takes its place");
}

#[test]
fn initialize_update_goes_the_same_way() {
    let mut card = t0_card();
    assert_eq!(plain(&mut card, "8050FF00085A5A5A5A5A5A5A5A"), "6120");
    let answer = plain(&mut card, "00C0000020");
    assert!(answer.starts_with("00010203040506070809FF0370") && answer.ends_with("0000019000"), "{answer}");
}

#[test]
fn it_is_issued_like_any_other() {
    let mut card = t0_card();
    zeroth(&mut card);
    first(&mut card);
    let (t0, t1) = (card.report(Secrets::Shown), issued_card().report(Secrets::Shown));
    assert_eq!((t0.key_sets, t0.mf), (t1.key_sets, t1.mf));
}

#[test]
fn case_2_needs_its_exact_length() {
    let mut card = t0_card();
    assert_eq!(plain(&mut card, "80CA9F7F00"), "6C2D");
    assert_eq!(plain(&mut card, "80CA9F7F2D").len(), 2 * 0x2D + 4);
    assert_eq!(plain(&mut card, "0084000008").len(), 2 * 8 + 4);
    assert_eq!(plain(&mut card, "80CA9F7F000000"), "6700", "no extended length over T=0");
}

#[test]
fn the_t1_atr_has_a_check_byte() {
    let derived = Blank::derived(KDD, &AesKey::from_bytes(&MAKER).unwrap()).unwrap();
    let atr = Card::new(derived).power_on();
    assert_eq!(atr[..9], [0x3B, 0x85, 0x81, 0x01, 0x80, 0x73, 0xF6, 0x21, 0xC0]);
    assert_eq!(atr[1..].iter().fold(0, |check, byte| check ^ byte), 0);
}
