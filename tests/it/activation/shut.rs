//! A fee that is charged back after the card was activated: the next contact deactivates the application under the issuer's set, whatever the
//! terminal came for, and no other script leaves for it any more.

use super::{Centre, Cut, Mode, Relay, Terminal, on_both};
use fuda_tests::market::Node;
use serde_json::Value;

const DEACTIVATE: &str = "04";

/// A sale whose card is activated and whose payer took the money back.
fn charged_back(centre: &Centre, node: &Node, sale: usize) {
    let mut relay = Relay::post(&node.address);
    let mut card = centre.card(sale);
    let done = Terminal::new(&mut relay).run("activate", &centre.token(sale), &mut card);
    assert_eq!(done["outcome"], "written", "{done}");
    let order = &centre.sales[sale].order;
    let _ = node.pay(&format!("back-{sale}"), "charged-back", order, 1000).done();
    node.until_state(order, "reversed");
}

fn shown(centre: &Centre, sale: usize) -> Value {
    centre.site.issuer(&["card", "show", &centre.sales[sale].kdd]).done()["shut"][0].clone()
}

#[test]
fn the_next_contact_shuts_the_application_and_nothing_else_leaves() {
    on_both("activation::shut::the_next_contact", |engine| {
        let (centre, node) = Centre::new(engine, 2);
        let mut relay = Relay::post(&node.address);
        charged_back(&centre, &node, 0);
        assert_eq!((&shown(&centre, 0)["state"], &shown(&centre, 0)["done_at"]), (&"open".into(), &Value::Null));
        // A hold keeps cards from being activated, not from being shut.
        let serial = &centre.delivery.cards[1]["serial"];
        let _ =
            centre.site.issuer(&["stock", "hold", &format!("card:{serial}"), "--reason", "x", "--operator", "sato"]);
        let mut card = centre.card(0);
        let mut terminal = Terminal::new(&mut relay);
        let ended = terminal.run("read", &centre.token(0), &mut card);
        assert_eq!((&ended["code"], &ended["retriable"]), (&"CARD_BLOCKED".into(), &false.into()), "{ended}");
        assert!(terminal.commands.last().unwrap()[2..].starts_with(DEACTIVATE), "{:?}", terminal.commands);
        assert_eq!(terminal.scripts, 1, "the whole session was sent beforehand");
        drop(card);
        assert_eq!(centre.life_cycle(0), "deactivated");
        assert_eq!(shown(&centre, 0)["state"], "done");
        for purpose in ["activate", "read"] {
            let refused = Terminal::new(&mut relay).open(purpose, &centre.token(0));
            assert_eq!((refused.status, &refused.body["code"]), (403, &"CARD_BLOCKED".into()), "{refused:?}");
        }
        // The other card is nobody's business here.
        let mut card = centre.card(1);
        let done = Terminal::new(&mut relay).run("activate", &centre.token(1), &mut card);
        assert_eq!(done["outcome"], "written", "{done}");
    });
}

#[test]
fn a_cut_anywhere_leaves_it_open_until_the_card_has_proved_it() {
    let (centre, node) = Centre::new(fuda_tests_cluster::Engine::Sqlite, 5);
    let mut relay = Relay::post(&node.address);
    charged_back(&centre, &node, 0);
    let mut card = centre.card(0);
    let mut whole = Terminal::new(&mut relay);
    let _ = whole.run("activate", &centre.token(0), &mut card);
    let last = whole.commands.len() - 1;
    let cuts = [(1, Mode::After), (2, Mode::After), (last, Mode::Before), (last, Mode::After)];
    for (sale, (command, mode)) in (1..).zip(cuts) {
        charged_back(&centre, &node, sale);
        let mut card = centre.card(sale);
        let cut = Cut { command, mode };
        let lost = Terminal::new(&mut relay).cut(cut).run("activate", &centre.token(sale), &mut card);
        assert_eq!(lost["code"], "CONTACT_LOST", "{cut:?}: {lost}");
        assert_eq!(shown(&centre, sale)["state"], "open", "{cut:?}");
        let mut second = Terminal::new(&mut relay);
        let ended = second.run("activate", &centre.token(sale), &mut card);
        assert_eq!(ended["code"], "CARD_BLOCKED", "{cut:?}: {ended}");
        drop(card);
        assert_eq!((centre.life_cycle(sale).as_str(), &shown(&centre, sale)["state"]), ("deactivated", &"done".into()));
    }
}

#[test]
fn a_session_that_was_reading_when_the_money_went_back_gets_no_further_script() {
    let (centre, node) = Centre::new(fuda_tests_cluster::Engine::Sqlite, 1);
    let mut relay = Relay::post(&node.address);
    let mut card = centre.card(0);
    let done = Terminal::new(&mut relay).run("activate", &centre.token(0), &mut card);
    assert_eq!(done["outcome"], "written", "{done}");
    // Its count is elsewhere, so that a second script is needed.
    let _ = card.transmit(&hex::decode("00A4040006F0465544410100").unwrap());
    let _ = card.transmit(&hex::decode("8050300008010203040506070800").unwrap());
    let mut reading = Terminal::new(&mut relay);
    let script = reading.open("read", &centre.token(0)).body;
    let order = &centre.sales[0].order;
    let _ = node.pay("back-0", "charged-back", order, 1000).done();
    node.until_state(order, "reversed");
    let result = reading.play(&script, &mut card);
    let answer = reading.say(&result).body;
    assert_eq!(answer["code"], "CARD_BLOCKED", "{answer}");
    let ended = Terminal::new(&mut relay).run("read", &centre.token(0), &mut card);
    assert_eq!(ended["code"], "CARD_BLOCKED", "{ended}");
    drop(card);
    assert_eq!(centre.life_cycle(0), "deactivated");
}
