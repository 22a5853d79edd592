//! Security conditions: who may do what, in which life cycle.

use crate::host::{
    Session, blank_card, create, create_df, create_internal, create_records, create_transparent, maker_set, plain,
    put_key, set,
};
use crate::issuance::{
    AP, DF_CONDITIONS, ISSUER, MF_CONDITIONS, TRANSPORT, as_application, as_issuer, issued_card, zeroth,
};
use fuda_card_sim::Card;
use fuda_card_sim::report::Secrets;

/// What one channel may do to the EFs of a DF, one EF per condition byte: `r` read, `u` update, `-` refused.
fn may(card: &mut Card, channel: &mut Session) -> String {
    (1..=CONDITIONS.len())
        .map(|sfi| {
            let read = channel.send(card, &format!("00B0{:02X}0001", 0x80 + sfi));
            let update = channel.send(card, &format!("00D6{:02X}000155", 0x80 + sfi));
            match (read.ends_with("9000"), update.ends_with("9000")) {
                (true, true) => 'x',
                (false, false) => '-',
                (true, false) => 'r',
                (false, true) => 'u',
            }
        })
        .collect()
}

const CONDITIONS: [&str; 8] = ["00", "FF", "E1", "E2", "E3", "E4", "E5", "F1"];

/// In the MF and in a DF: one EF with SFI 1, 2, … per condition.
fn card_with_every_condition() -> Card {
    let mut card = blank_card();
    zeroth(&mut card);
    let mut channel = Session::open(&mut card, 0x3D, &set(TRANSPORT)).unwrap();
    let files = |card: &mut Card, channel: &mut Session| {
        for (sfi, condition) in (1..).zip(CONDITIONS) {
            let fid = format!("10{sfi:02X}");
            channel.done(card, &create_transparent(&fid, 4, &condition.repeat(2)));
        }
    };
    // MF: SFI 1 and 2 are taken by the ATR and PS files' low FID bits, so these files say theirs.
    for (sfi, condition) in (1u8..).zip(CONDITIONS) {
        let (fid, short) = (format!("20{sfi:02X}"), format!("{:02X}", sfi << 3));
        let rules = format!("03{condition}{condition}");
        channel.done(
            &mut card,
            &create(&[(0x80, "0004"), (0x82, "01"), (0x83, &fid), (0x88, &short), (0x8A, "05"), (0x8C, &rules)]),
        );
    }
    let transport = set(TRANSPORT);
    channel.send(&mut card, &put_key(0, 0x30, &set(ISSUER), &transport.dek));
    let mut channel = Session::open(&mut card, 0x30, &set(ISSUER)).unwrap();
    channel.send(&mut card, &put_key(0, 0x3F, &set(0x3F), &set(ISSUER).dek));
    channel.done(&mut card, &create_df("DF01", "F0465544410001", DF_CONDITIONS));
    files(&mut card, &mut channel);
    channel.done(&mut card, &create(&[(0x80, "0080"), (0x82, "0C"), (0x83, "0100")]));
    channel.send(&mut card, &put_key(0, 0x30, &set(AP), &set(ISSUER).dek));
    card.power_on();
    card
}

#[test]
fn each_set_opens_what_its_conditions_say() {
    let mut card = card_with_every_condition();
    //                        00 FF E1 E2 E3 E4 E5 F1
    for (kvn, fill, in_mf, in_df) in [
        (0x3D, TRANSPORT, "x---x-x-", "x---x-x-"),
        (0x30, ISSUER, "x-xx--x-", "x--x--x-"),
        (0x3F, 0x3F, "x----x--", "x----x--"),
    ] {
        plain(&mut card, "00A4000C023F00");
        let mut channel = Session::open(&mut card, kvn, &set(fill)).unwrap();
        assert_eq!(may(&mut card, &mut channel), in_mf, "{kvn:02X} in the MF");
        channel.done(&mut card, "00A4000C02DF01");
        assert_eq!(may(&mut card, &mut channel), in_df, "{kvn:02X} in the DF");
    }
    let mut channel = as_application(&mut card);
    assert_eq!(may(&mut card, &mut channel), "x-x-----", "the application in its DF");
    channel.done(&mut card, "002401810431323334");
    assert_eq!(plain(&mut card, "002000810431323334"), "9000");
    let mut channel = Session::open(&mut card, 0x30, &set(AP)).unwrap();
    assert_eq!(may(&mut card, &mut channel), "x-x----x", "with the PIN");
}

#[test]
fn a_channel_without_macs_proves_nothing() {
    let mut card = issued_card();
    let name = "00A4040C07F0465544410001";
    assert_eq!(plain(&mut card, name), "9000");
    Session::open_at(&mut card, 0x30, &set(AP), 0x00).unwrap();
    assert_eq!(plain(&mut card, "00B0910004"), "6982");
    for level in [0x01, 0x03, 0x11, 0x13, 0x33] {
        assert_eq!(plain(&mut card, name), "9000");
        let mut channel = Session::open_at(&mut card, 0x30, &set(AP), level).unwrap();
        assert_eq!(channel.send(&mut card, "00B0910004"), "CAFEBABE9000", "level {level:02X}");
        channel.done(&mut card, "00D6910004CAFEBABE");
        assert_eq!(channel.send(&mut card, "00B0810004"), "6A82", "no SFI 1 here: the internal EF is not readable");
    }
    assert_eq!(Session::open_at(&mut card, 0x30, &set(AP), 0x21).unwrap_err(), "6A86", "no such level");
}

#[test]
fn the_mf_is_made_once_and_by_the_initial_set() {
    let mut card = blank_card();
    let create_mf = create_df("3F00", "A000000151000000", MF_CONDITIONS);
    assert_eq!(plain(&mut card, &create_mf), "6982");
    let mut channel = Session::open(&mut card, 0xFF, &maker_set()).unwrap();
    assert_eq!(channel.send(&mut card, &create_df("DF01", "F001", DF_CONDITIONS)), "6A80", "first of all the MF");
    assert_eq!(channel.send(&mut card, &put_key(0, 0x3D, &set(TRANSPORT), &maker_set().dek)), "6A88", "no room");
    channel.done(&mut card, &create_mf);
    assert_eq!(channel.send(&mut card, &create_mf), "6A89");
    assert_eq!(channel.send(&mut card, &put_key(0, 0x3D, &set(TRANSPORT), &maker_set().dek)), "6A88", "still none");
    channel.done(&mut card, &create_internal(4));
    assert_eq!(channel.send(&mut card, &create_internal(4)), "6A89");
    assert_eq!(channel.send(&mut card, &put_key(0, 0x30, &set(ISSUER), &maker_set().dek)), "6982", "not by this set");
}

#[test]
fn files_are_deleted_while_the_parent_is_being_filled() {
    let mut card = blank_card();
    zeroth(&mut card);
    let mut channel = Session::open(&mut card, 0x3D, &set(TRANSPORT)).unwrap();
    channel.done(&mut card, "00E40000022F01");
    assert_eq!(channel.send(&mut card, "00E40000022F01"), "6A82");
    channel.done(&mut card, &create_transparent("2F01", 12, "E500"));

    let mut card = issued_card();
    let mut issuer = as_issuer(&mut card);
    assert_eq!(issuer.send(&mut card, "00E40000022F01"), "6985", "the MF is in 05");
    assert_eq!(issuer.send(&mut card, "00E40000023F00"), "6982");
    issuer.done(&mut card, "00A4000C02DF01");
    issuer.done(&mut card, "00E40000020011");
    assert_eq!(plain(&mut card, "00E40000020002"), "6982");
}

#[test]
fn life_cycle_moves_only_where_the_table_says() {
    let mut card = issued_card();
    let mut issuer = as_issuer(&mut card);
    assert_eq!(issuer.send(&mut card, "0044000002DF01"), "6982", "from 03 the application's own set");
    assert_eq!(issuer.send(&mut card, "0004000002DF01"), "6985", "from 05 only");
    let mut application = as_application(&mut card);
    application.done(&mut card, "0044000000");
    assert_eq!(application.send(&mut card, "0044000000"), "6985", "it is in 05");
    assert_eq!(application.send(&mut card, "0004000000"), "6982");
    let mut issuer = as_issuer(&mut card);
    issuer.done(&mut card, "0004000002DF01");
    let mut application = {
        assert_eq!(plain(&mut card, "00A4040C07F0465544410001"), "6283");
        Session::open(&mut card, 0x30, &set(AP)).unwrap()
    };
    assert_eq!(application.send(&mut card, "00B0910004"), "6985", "deactivated");
    assert_eq!(application.send(&mut card, "0044000000"), "6982", "from 04 the issuer's set");
    let mut issuer = as_issuer(&mut card);
    issuer.done(&mut card, "0044000002DF01");
    assert_eq!(card.report(Secrets::Hidden).file("DF01").unwrap().life_cycle, "activated");

    let mut issuer = as_issuer(&mut card);
    assert_eq!(issuer.send(&mut card, "00E6000000"), "6981", "the MF goes by TERMINATE CARD USAGE");
    issuer.done(&mut card, "00FE0000");
    assert_eq!(plain(&mut card, "00A4000C023F00"), "6285");
    assert_eq!(plain(&mut card, "80503000085A5A5A5A5A5A5A5A00"), "6985");
    assert_eq!(plain(&mut card, "00B0810000"), "6985");
    assert!(plain(&mut card, "00CA9F7F00").ends_with("9000"));
}

#[test]
fn offsets_lengths_and_structures() {
    let mut card = issued_card();
    let mut channel = as_application(&mut card);
    let dialogue = [
        ("00B0910004", "CAFEBABE9000", "by short identifier"),
        ("00B0002702", "FF6282", "the file ends"),
        ("00B0002801", "6B00", "behind the end"),
        ("00B091FF01", "6B00", "far behind"),
        ("00D6002602AAAA", "9000", "the last two bytes"),
        ("00D6002702AAAA", "6700", "one too many"),
        ("00D6002801AA", "6B00", "behind the end"),
        ("00D60000", "6700", "nothing"),
    ];
    for (command, answer, why) in dialogue {
        assert_eq!(channel.send(&mut card, command), answer, "{command}: {why}");
    }
    assert_eq!(channel.send(&mut card, "00B2010420"), "6981", "a transparent file has no records");
    let record = "11".repeat(32);
    channel.done(&mut card, &format!("00DC021420{record}"));
    assert_eq!(channel.send(&mut card, "00B2021400"), format!("{record}9000"), "record 2 of SFI 2");
    assert_eq!(channel.send(&mut card, "00B2020420"), format!("{record}9000"), "it is current now");
    assert_eq!(channel.send(&mut card, "00B2031400"), "6A83");
    assert_eq!(channel.send(&mut card, "00B2001400"), "6A83");
    assert_eq!(channel.send(&mut card, "00B2011500"), "6A81", "absolute records only");
    assert_eq!(channel.send(&mut card, "00B2021410"), "6C20");
    assert_eq!(channel.send(&mut card, "00DC02140111"), "6700", "whole records only");
    assert_eq!(channel.send(&mut card, "00B0820001"), "6981", "records are not bytes");
    assert_eq!(channel.send(&mut card, "00B0830001"), "6A82");
}

#[test]
fn creation_is_refused_before_anything_is_written() {
    let mut card = issued_card();
    let mut issuer = as_issuer(&mut card);
    assert_eq!(issuer.send(&mut card, &create_df("DF01", "F002", DF_CONDITIONS)), "6A89");
    assert_eq!(issuer.send(&mut card, &create_df("DF02", "F0465544410001", DF_CONDITIONS)), "6A8A");
    assert_eq!(issuer.send(&mut card, &create_df("DF02", "A000000151000000", DF_CONDITIONS)), "6A8A");
    assert_eq!(issuer.send(&mut card, &create(&[(0x82, "01"), (0x83, "0021")])), "6A80", "no size");
    assert_eq!(issuer.send(&mut card, "00E0000003620100"), "6A80");
    assert_eq!(issuer.send(&mut card, "00E0000103620100"), "6A86");
    assert_eq!(issuer.send(&mut card, &create_transparent("0021", 0xFFFF, "0000")), "6A84");
    assert_eq!(issuer.send(&mut card, &create_records("0021", 32, "1122")), "6A80", "unknown conditions");
    assert_eq!(plain(&mut card, &create_transparent("0021", 4, "0000")), "6982");
}

#[test]
fn class_bytes() {
    let mut card = issued_card();
    for (command, sw) in [
        ("01A4000C023F00", "6881"),
        ("08A4000C023F00", "6882"),
        ("20A4000C023F00", "6E00"),
        ("A0A4000C023F00", "6E00"),
        ("80A4000C023F00", "6D00"),
        ("00E2000000", "6D00"),
        ("04A4000C023F00", "6982"),
        ("80820000", "6E00"),
        ("84820000", "6985"),
        ("00A4", "6700"),
        ("00A4000C033F00", "6700"),
    ] {
        assert_eq!(plain(&mut card, command), sw, "{command}");
    }
}

#[test]
fn long_files_and_short_commands() {
    let mut card = issued_card();
    let mut issuer = as_issuer(&mut card);
    issuer.done(&mut card, &create_transparent("0025", 600, "E200"));
    let long = "77".repeat(239);
    issuer.done(&mut card, &format!("00D60000EF{long}"));
    assert_eq!(issuer.send(&mut card, "00B0000000"), format!("{long}9000"), "239 fit a protected short answer");
    assert_eq!(issuer.send(&mut card, "00B00000F0"), "6700");
    assert_eq!(plain(&mut card, "00A4000C020025"), "9000");
    assert_eq!(plain(&mut card, "00B0000000").len(), 2 * 256 + 4);
    assert_eq!(plain(&mut card, "00B00000000000").len(), 2 * 600 + 4, "extended length: the whole file");
}
