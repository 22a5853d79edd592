//! The PIN of a DF.

use crate::host::{Session, plain, set};
use crate::issuance::{AP, as_application, as_issuer, issued_card};

#[test]
fn set_tried_blocked_unblocked() {
    let mut card = issued_card();
    let mut channel = as_application(&mut card);
    assert_eq!(plain(&mut card, "00200081"), "6A88", "no PIN yet");
    assert_eq!(plain(&mut card, "002401810431323334"), "6982");
    channel = {
        drop(channel);
        as_application(&mut card)
    };
    channel.done(&mut card, "002401810431323334");
    assert_eq!(channel.send(&mut card, "002401810431323334"), "6985", "only the first one");

    for (command, sw, why) in [
        ("00200081", "63C3", "the status"),
        ("002000810431313131", "63C2", "wrong"),
        ("002000810431323334", "9000", "right"),
        ("00200081", "9000", "the status again"),
        ("00240081083132333435363738", "9000", "changed"),
        ("002000810431323334", "63C2", "the old one"),
        ("00200081", "63C2", "and verified no more"),
        ("00240081083132333435363738", "63C1", "a wrong old one is a try too"),
        ("002000810430303030", "63C0", "the last"),
        ("002000810435363738", "6983", "blocked, even for the right one"),
        ("00200081", "6983", "blocked"),
        ("002C0381", "6982", "nobody unblocks it in plain"),
        ("0020008000", "6A88", "no such reference"),
    ] {
        assert_eq!(plain(&mut card, command), sw, "{command}: {why}");
    }
    let mut channel = as_application(&mut card);
    channel.done(&mut card, "002C0381");
    assert_eq!(plain(&mut card, "002000810435363738"), "9000");
    let mut channel = as_application(&mut card);
    channel.done(&mut card, "002C02810439393939");
    assert_eq!(plain(&mut card, "002000810439393939"), "9000");
}

#[test]
fn its_status_survives_initialize_update_but_not_the_way_out() {
    let mut card = issued_card();
    as_application(&mut card).done(&mut card, "002401810431323334");
    assert_eq!(plain(&mut card, "002000810431323334"), "9000");
    let mut channel = Session::open(&mut card, 0x30, &set(AP)).unwrap();
    assert_eq!(channel.send(&mut card, "00200081"), "9000", "under R-MAC the centre learns it");
    drop(as_issuer(&mut card));
    let mut channel = as_application(&mut card);
    assert_eq!(channel.send(&mut card, "00200081"), "63C3");
}
