//! `fuda-factory` issues a card in a PC/SC reader, over both transmission protocols, and audits it there.

use super::pcscd::Pcsc;
use fuda_tests::Order;

#[test]
fn a_card_is_issued_over_pcsc_at_t0() {
    issues("peers::issued::a_card_is_issued_over_pcsc_at_t0", "t0");
}

#[test]
fn a_card_is_issued_over_pcsc_at_t1() {
    issues("peers::issued::a_card_is_issued_over_pcsc_at_t1", "t1");
}

fn issues(test: &str, protocol: &str) {
    let Some(pcsc) = Pcsc::start(test) else { return };
    pcsc.site.order(&Order::small(1));
    let card = pcsc.blank_card(protocol, &[]);
    let blank = pcsc.terminal(&["probe"]).done();
    let line = ["run", "order.toml", "--encoders", "pcsc:Fuda 00 00", "--no-progress", "--idle", "20s"];
    assert_eq!(pcsc.factory(&line).done()["good"], 1);

    let read = pcsc.factory(&["card", "read", "--encoders", "pcsc:*00"]).done();
    assert_eq!((&read["card"], &read["chip"]), (&"first".into(), &blank["chip"]), "{read}");
    assert_eq!(read["key_sets"].to_string(), r#"["30"]"#);
    assert_eq!(read["applications"][0]["df_name"], "F04655444101");

    // Everything read back under the card's own keys.
    let delivery = pcsc.site.path("deliveries/1");
    let delivery = delivery.to_str().unwrap();
    let _ = pcsc.factory(&["deliver", "T-1", "--out", delivery]).done();
    let audited = pcsc.factory(&["verify", delivery, "--cards", "1", "--encoders", "pcsc:*00"]).done();
    assert_eq!(audited["cards_audited"], 1);
    drop(card);
}

#[test]
fn a_card_that_was_done_with_is_not_taken_again() {
    let test = "peers::issued::a_card_that_was_done_with_is_not_taken_again";
    let Some(pcsc) = Pcsc::start(test) else { return };
    pcsc.site.order(&Order::small(2));
    let _card = pcsc.blank_card("t1", &[]);
    let line = ["run", "order.toml", "--encoders", "pcsc:*", "--no-progress", "--idle", "2s"];
    let ended = pcsc.factory(&line).exits(3).json();
    assert_eq!((&ended["good"], &ended["rejected"]), (&1.into(), &0.into()), "{ended}");
}
