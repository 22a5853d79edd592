//! `fuda-terminal` activates a card in a PC/SC reader, with the real centre at the other end of TLS.

use super::pcscd::Pcsc;
use fuda_card_sim::Card;
use fuda_tests::Site;
use fuda_tests::centre::certificate;
use fuda_tests::skip::skipped;
use serde_json::json;
use std::path::PathBuf;

/// A centre with cards in stock; the first of them was audited, so that its count is not the one that is taken for granted.
fn centre() -> Site {
    let site = Site::new();
    let _ = site.stocked(2);
    site
}

#[test]
fn a_card_in_a_pcsc_reader_is_activated_over_tls() {
    let test = "peers::activated::a_card_in_a_pcsc_reader_is_activated_over_tls";
    let Some(pcsc) = Pcsc::start_in(test, centre) else { return };
    let site = &pcsc.site;
    let Some(certificate) = certificate(site, "centre", "IP:127.0.0.1") else {
        return skipped(test, "there is no `openssl`");
    };
    let shop = site.node(&["--dev"]);
    let delivery = fuda_tests::Delivery::read(&site.path("deliveries/out"));
    let row = &delivery.cards[1];
    let (order, token) = shop.sold(row);
    site.encrypt(&certificate);
    let node = site.node(&[]);

    // The card of that row, and no other.
    let is_chip = |file: &PathBuf| Card::open(file).unwrap().kdd().to_string() == row["chip_id"];
    let file = site.chips("ejected").into_iter().find(is_chip).unwrap();
    std::fs::create_dir_all(site.path("stack")).unwrap();
    std::fs::rename(&file, site.path("stack").join(file.file_name().unwrap())).unwrap();
    let card = pcsc.put_in(&[]);

    let ca = certificate.0.to_str().unwrap();
    for (purpose, outcome) in [("activate", "written"), ("read", "read")] {
        let session = [purpose, "--centre", &node.url, "--ca", ca, "--order", &token, "--no-input", "--yes"];
        let report = pcsc.terminal(&session).done();
        assert_eq!((&report["outcome"], &report["round_trips_card_held"]), (&json!(outcome), &json!(0)), "{report}");
    }
    assert_eq!(shop.state(&order), "consumed");
    drop(card);
}
