//! `fuda-terminal` over PC/SC: what a card is at each stage of its life, and what a card that fails looks like.

use super::pcscd::Pcsc;
use fuda_tests::Order;
use fuda_tests::running::until;

#[test]
fn a_blank_chip_is_recognised_at_both_protocols() {
    let test = "peers::recognised::a_blank_chip_is_recognised_at_both_protocols";
    for (protocol, number) in [("t0", 0), ("t1", 1)] {
        let Some(pcsc) = Pcsc::start(test) else { return };
        let _ = pcsc.terminal(&["probe"]).fails(9, "CARD_ABSENT");
        let _ = pcsc.terminal(&["probe", "--reader", "ACS*"]).fails(9, "READER_NONE");
        let card = pcsc.blank_card(protocol, &[]);
        let found = pcsc.terminal(&["probe", "--reader", "fuda*00"]).done();
        assert_eq!((&found["card"], &found["protocol"]), (&"blank".into(), &number.into()), "{found}");
        assert_eq!(found["key_sets"].to_string(), r#"["FF"]"#);
        assert_eq!(found["chip"].as_str().unwrap().len(), 20, "{found}");
        drop(card);
        until("the card is out", || pcsc.slot() == "empty");
    }
}

#[test]
fn a_card_is_recognised_after_each_stage() {
    let test = "peers::recognised::a_card_is_recognised_after_each_stage";
    let Some(pcsc) = Pcsc::start(test) else { return };
    let made = |id: &str, stages: &str, first| Order {
        id: id.to_owned(),
        stages: stages.to_owned(),
        first,
        ..Order::small(1)
    };
    let zeroth = Order { keys: vec!["transport".to_owned()], ..made("zeroth", "[0]", 100) };
    for (order, key_set) in [(zeroth, "3D"), (made("first", "[0, 1]", 200), "30")] {
        let kind = order.id.as_str();
        // The line is a vpcd reader itself: it takes the ports behind the service's.
        pcsc.site.order(&order);
        pcsc.site.blank(kind, 1);
        let port = (pcsc.site.first_port() + 2).to_string();
        let spec = format!("vpcd:127.0.0.1:{port}");
        let feeder = pcsc.site.feeder_at(kind, 2, &[]);
        let run = pcsc.site.factory(&["run", "order.toml", "--encoders", &spec, "--no-progress", "--idle", "20s"]);
        assert_eq!(run.done()["good"], 1);
        let _ = feeder.wait().done();
        std::fs::rename(pcsc.site.path("ejected"), pcsc.site.path("stack")).unwrap();

        let card = pcsc.put_in(&[]);
        let found = pcsc.terminal(&["probe"]).done();
        assert_eq!((&found["card"], &found["key_sets"][0]), (&kind.into(), &key_set.into()), "{found}");
        drop(card);
        until("the card is out", || pcsc.slot() == "empty");
        std::fs::remove_dir_all(pcsc.site.path("stack")).unwrap();
    }
}

#[test]
fn a_card_pulled_out_in_the_middle_of_a_command_is_no_success() {
    let test = "peers::recognised::a_card_pulled_out_in_the_middle_of_a_command_is_no_success";
    let Some(pcsc) = Pcsc::start(test) else { return };
    let _card = pcsc.blank_card("t1", &["--fault", "3:pulled"]);
    let failure = pcsc.terminal(&["probe"]).fails(9, "CARD_GONE");
    assert_eq!(failure.remedy, "put the card in again and leave it there");
}

#[test]
fn a_card_that_hangs_is_given_up() {
    let test = "peers::recognised::a_card_that_hangs_is_given_up";
    let Some(pcsc) = Pcsc::start(test) else { return };
    let _card = pcsc.blank_card("t1", &["--fault", "2:hang"]);
    let _ = pcsc.terminal(&["probe"]).fails(9, "CARD_SILENT");
}
