//! Faults as data: what each leaves on the card.

use crate::host::{Session, blank, create_df, create_transparent, maker_set, plain, set};
use crate::issuance::{AP, AP_NAME, MF_CONDITIONS, TRANSPORT, first, issued_card, zeroth};
use fuda_card_sim::authenticate::TryDelay;
use fuda_card_sim::fault::{Fault, Faults};
use fuda_card_sim::report::Secrets;
use fuda_card_sim::{Card, Exchange};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

fn card_with(fault: &str) -> Card {
    let fault: Fault = fault.parse().unwrap();
    let mut card = Card::new(blank()).with_faults(Faults::of_chip(&[fault], 1));
    card.power_on();
    card
}

/// Runs a dialogue that the fault must end before its last line.
fn breaks_off(card: &mut Card, dialogue: fn(&mut Card)) {
    let result = catch_unwind(AssertUnwindSafe(|| dialogue(card)));
    assert!(result.is_err(), "the fault did not happen");
}

#[test]
fn an_update_tears_at_every_byte() {
    for bytes in 0..=4 {
        // The first UPDATE BINARY fills the ATR file, the second the application's.
        let mut card = card_with(&format!("ins=D6#3:tear={bytes}"));
        zeroth(&mut card);
        first(&mut card);
        assert_eq!(plain(&mut card, &format!("00A4040C07{AP_NAME}")), "9000");
        let mut channel = Session::open(&mut card, 0x30, &set(AP)).unwrap();
        assert_eq!(channel.send(&mut card, "00D691000400000000"), "", "no answer");
        assert_eq!(plain(&mut card, "00A4000C023F00"), "", "no power");
        let expected = format!("{}{}", "00".repeat(bytes), &"CAFEBABE"[2 * bytes..]);
        let report = card.report(Secrets::Hidden);
        assert_eq!(report.file("DF01/0011").unwrap().contents[0][..8], expected);
    }
}

#[test]
fn a_record_is_written_whole_or_not_at_all() {
    for (fault, is_written) in
        [("ins=DC:tear=0", false), ("ins=DC:tear=1", true), ("ins=DC:lost", true), ("ins=DC:pulled", false)]
    {
        let mut card = card_with(fault);
        breaks_off(&mut card, zeroth);
        let records = &card.report(Secrets::Hidden).file("2F02").unwrap().contents.clone();
        assert_eq!(records[0].starts_with("5053"), is_written, "{fault}");
        assert_eq!(records[0].ends_with("FFFF"), !is_written, "{fault}");
    }
}

#[test]
fn a_torn_creation_leaves_a_file_in_01_that_can_be_deleted() {
    let mut card = card_with("ins=E0#4:tear=7");
    breaks_off(&mut card, zeroth);
    assert_eq!(card.report(Secrets::Hidden).file("2F01").unwrap().life_cycle, "creation");
    card.power_on();
    assert!(plain(&mut card, "00A40004022F0100").contains("8A0101"));
    let mut channel = Session::open(&mut card, 0xFF, &maker_set()).unwrap();
    assert_eq!(channel.send(&mut card, &create_transparent("2F01", 12, "E500")), "6A89");
    channel.done(&mut card, "00E40000022F01");
    channel.done(&mut card, &create_transparent("2F01", 12, "E500"));
}

#[test]
fn a_torn_mf_is_deleted_and_the_chip_is_blank_again() {
    let mut card = card_with("ins=E0:tear=1");
    let create_mf = create_df("3F00", "A000000151000000", MF_CONDITIONS);
    let mut channel = Session::open(&mut card, 0xFF, &maker_set()).unwrap();
    assert_eq!(channel.send(&mut card, &create_mf), "");
    card.power_on();
    assert!(plain(&mut card, "00A40004023F0000").contains("8A0101"));
    let mut channel = Session::open(&mut card, 0xFF, &maker_set()).unwrap();
    channel.done(&mut card, "00E40000023F00");
    assert_eq!(card.report(Secrets::Hidden).state, "blank");
    channel.done(&mut card, &create_mf);
}

#[test]
fn put_key_is_atomic() {
    for (fault, sets) in [("ins=D8:tear=0", 1), ("ins=D8:tear=1", 2), ("ins=D8:lost", 2)] {
        let mut card = card_with(fault);
        breaks_off(&mut card, zeroth);
        assert_eq!(card.report(Secrets::Hidden).key_sets.len(), sets, "{fault}");
        card.power_on();
        assert_eq!(Session::open(&mut card, 0x3D, &set(TRANSPORT)).is_ok(), sets == 2, "{fault}");
    }
}

#[test]
fn hung_slow_refused_and_lying_cards() {
    let select = [0x00, 0xA4, 0x04, 0x00, 0x00];
    let mut card = card_with("1:hang");
    assert_eq!(card.exchange(&select), Exchange::Hung);
    assert_eq!(card.exchange(&select), Exchange::Hung, "until it is reset");
    card.reset();
    assert!(matches!(card.exchange(&select), Exchange::Answer { .. }));

    let mut card = card_with("1:slow=300ms");
    let Exchange::Answer { delay, .. } = card.exchange(&select) else { panic!("an answer") };
    assert_eq!(delay, Duration::from_millis(300));

    let mut card = card_with("1:sw=6581");
    assert_eq!(plain(&mut card, "00A4040000"), "6581");
    assert_eq!(plain(&mut card, "00A4040000"), "6F0A8408A0000001510000009000");

    let mut card = card_with("1:mac");
    assert_eq!(plain(&mut card, "00A4040000"), "6F0A8408A0000001510000019000");
}

#[test]
fn wrong_authentications_delay_and_never_lock() {
    let mut card = issued_card().with_try_delay(TryDelay::CARD);
    let wrong = |card: &mut Card| {
        plain(card, "80503000085A5A5A5A5A5A5A5A00");
        let command = hex::decode(format!("8482330010{}", "00".repeat(16))).unwrap();
        match card.exchange(&command) {
            Exchange::Answer { bytes, delay } => (hex::encode_upper(bytes), delay.as_millis()),
            other => panic!("{other:?}"),
        }
    };
    let delays: Vec<_> = (0..9).map(|_| wrong(&mut card)).collect();
    assert!(delays.iter().all(|(sw, _)| sw == "6300"));
    let delays: Vec<_> = delays.iter().map(|(_, delay)| *delay).collect();
    assert_eq!(delays, [0, 100, 200, 400, 800, 1600, 3200, 6400, 10_000]);
    card.power_off();
    card.power_on();
    for _ in 0..300 {
        assert_eq!(wrong(&mut card).1, 10_000, "pulling it out does not help");
    }
    assert!(Session::open(&mut card, 0x30, &set(crate::issuance::ISSUER)).is_ok());
    assert_eq!(wrong(&mut card).1, 0);
}
