//! SELECT in all its forms, and what it does to selection and channel.

use crate::host::plain;
use crate::issuance::{AP_NAME, as_application, as_issuer, issued_card};

#[test]
fn every_form_finds_its_file() {
    let mut card = issued_card();
    // Each line: a SELECT, its status word, why. The current DF is what the lines before left.
    let dialogue = [
        ("00A4000C", "9000", "no data: the MF"),
        ("00A4000C02DF01", "9000", "a DF in the MF"),
        ("00A4000C020011", "9000", "an EF in the DF"),
        ("00A4000C02DF01", "9000", "the current DF itself"),
        ("00A4000C022F02", "6A82", "an EF of the MF is not reachable from the DF"),
        ("00A4000C023F00", "9000", "the MF from anywhere"),
        ("00A4010C02DF01", "9000", "child DF"),
        ("00A4010C020011", "6A82", "an EF is no child DF"),
        ("00A4020C020011", "9000", "EF under the current DF"),
        ("00A4030C", "9000", "parent"),
        ("00A4030C", "6A82", "the MF has none"),
        ("00A4020C02DF01", "6A82", "a DF is no EF"),
        ("00A4080C04DF010011", "9000", "path from the MF"),
        ("00A4090C020002", "9000", "path from the current DF"),
        ("00A4090C042F012F01", "6A82", "no such path"),
        ("00A4040C08A000000151000000", "9000", "the MF by its name"),
        ("00A4040C03F04655", "9000", "a name cut on the right"),
        ("00A4040C01F1", "6A82", "no such name"),
        ("00A4040E03F04655", "6A82", "no next occurrence"),
        ("00A4040802DF01", "6A86", "no FMD on this card"),
        ("00A4050C02DF01", "6A86", "no such form"),
        ("00A4000C01DF", "6700", "half a FID"),
        ("00A4080C03DF0100", "6700", "half a path"),
        ("00A4040C11000102030405060708090A0B0C0D0E0F10", "6700", "a name of 17 bytes"),
    ];
    for (command, sw, why) in dialogue {
        assert_eq!(plain(&mut card, command), sw, "{command}: {why}");
    }
}

#[test]
fn fci_and_fcp_differ_in_their_tag() {
    let mut card = issued_card();
    let fci = plain(&mut card, "00A40000022F0200");
    let fcp = plain(&mut card, "00A40004022F0200");
    assert_eq!(fci.replacen("6F", "62", 1), fcp);
    assert!(plain(&mut card, "00A4040008A00000015100000000").contains("8408A000000151000000"));
}

#[test]
fn a_channel_lives_below_its_own_df() {
    let mut card = issued_card();
    let mut channel = as_issuer(&mut card);
    channel.done(&mut card, "00A4000C02DF01");
    channel.done(&mut card, "00A4000C020011");
    channel.done(&mut card, "00A4000C023F00");
    channel.done(&mut card, "00A4080C022F02");
    assert_eq!(channel.send(&mut card, "00A4000C021234"), "6A82", "an error ends nothing");
    channel.done(&mut card, "00A4000C022F01");

    let mut channel = as_application(&mut card);
    channel.done(&mut card, "00A4000C02DF01");
    channel.done(&mut card, "00A4000C020011");
    // The way out is answered under the channel's MAC and ends it.
    channel.done(&mut card, "00A4000C023F00");
    assert_eq!(channel.send(&mut card, "00B0810000"), "6982");
}

#[test]
fn a_plain_command_ends_the_channel() {
    let mut card = issued_card();
    let mut channel = as_application(&mut card);
    assert_eq!(plain(&mut card, "00B0910004"), "6982", "it needs a channel");
    assert_eq!(channel.send(&mut card, "00B0910004"), "6982", "and there is none any more");

    let mut channel = as_application(&mut card);
    assert_eq!(plain(&mut card, &format!("00A4040C07{AP_NAME}")), "9000", "a plain SELECT needs none");
    assert_eq!(channel.send(&mut card, "00B0910004"), "6982");
}

#[test]
fn deactivated_and_terminated_say_so() {
    let mut card = issued_card();
    as_application(&mut card).done(&mut card, "0044000000");
    let mut issuer = as_issuer(&mut card);
    issuer.done(&mut card, "0004000002DF01");
    assert_eq!(issuer.send(&mut card, "00A4000C02DF01"), "6283");
    issuer.done(&mut card, "00A4000C023F00");
    issuer.done(&mut card, "00E6000002DF01");
    assert_eq!(plain(&mut card, "00A4000C02DF01"), "6285");
}
