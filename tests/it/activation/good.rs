//! Good contacts: how many round trips while the card is held, what is on the card, what the store and the receipt say.

use super::relay::http;
use super::{Centre, Relay, Terminal, on_both};
use fuda_card_sim::Card;
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::pkcs8::DecodePublicKey;
use serde_json::Value;

const ACTIVATE: &str = "44";
const EXTERNAL_AUTHENTICATE: &str = "8482";

/// Everything that must be so after an activation.
fn is_activated(centre: &Centre, order: usize, done: &Value) {
    assert_eq!((&done["type"], &done["outcome"]), (&"done".into(), &"written".into()), "{done}");
    assert_eq!(centre.jobs(order), ["confirmed"]);
    assert_eq!(centre.entitlement(order), "consumed");
    assert_eq!(centre.life_cycle(order), "activated");
    let database = centre.site.database();
    assert_eq!(database.count("SELECT COUNT(*) FROM online_script WHERE state IN ('offered', 'unknown')"), 0);
    // What was sent is deleted; its hash stays.
    let scripts = "SELECT COUNT(*) FROM online_message WHERE answer LIKE '%\"steps\"%'";
    assert_eq!(database.count(scripts), 0);
    receipt_is_signed(centre, order, &done["receipt"]);
}

fn receipt_is_signed(centre: &Centre, order: usize, receipt: &Value) {
    let body = receipt["body"].as_str().unwrap();
    let fields: Value = serde_json::from_str(body).unwrap();
    assert_eq!((&fields["card"], &fields["purpose"]), (&centre.sales[order].kdd.clone().into(), &"activate".into()));
    let pem = std::fs::read_to_string(centre.delivery.folder.join("receipt.pem")).unwrap();
    let key = VerifyingKey::from_public_key_pem(&pem).unwrap();
    let signature = hex::decode(receipt["signature"].as_str().unwrap()).unwrap();
    key.verify(body.as_bytes(), &Signature::from_slice(&signature).unwrap()).unwrap();
}

#[test]
fn the_whole_session_is_sent_beforehand_and_the_card_waits_for_nobody() {
    on_both("activation::good::the_whole_session", |engine| {
        let (centre, node) = Centre::new(engine, 2);
        for (order, mut relay) in [(0, Relay::post(&node.address)), (1, Relay::websocket(&node.address))] {
            let mut card = centre.card(order);
            let mut terminal = Terminal::new(&mut relay);
            let done = terminal.run("activate", &centre.token(order), &mut card);
            assert_eq!(terminal.scripts, 1, "no round trip while the card is held");
            assert!(terminal.commands.last().unwrap()[2..].starts_with(ACTIVATE), "activation is the commit");
            drop(card);
            if order == 0 {
                is_activated(&centre, order, &done);
            } else {
                assert_eq!(
                    (centre.entitlement(order), centre.life_cycle(order)),
                    ("consumed".into(), "activated".into()),
                    "{done}"
                );
            }
        }
    });
}

/// Requests that a node has made to its HSM.
fn hsm_requests(address: &str) -> u64 {
    let metrics = http(address, "GET", "/metrics", "").body;
    let line = metrics.as_str().unwrap().lines().find_map(|line| line.strip_prefix("fuda_hsm_requests_total "));
    line.unwrap().parse().unwrap()
}

#[test]
fn answers_as_foretold_need_no_keys_and_where_nothing_was_foretold_they_are_verified() {
    on_both("activation::good::answers_as_foretold", |engine| {
        let (centre, node) = Centre::new(engine, 2);
        let mut relay = Relay::post(&node.address);
        let signature = 1;
        for (order, requests) in [(0, signature), (1, signature + 1)] {
            let mut card = centre.card(order);
            let mut terminal = Terminal::new(&mut relay);
            let script = terminal.open("activate", &centre.token(order)).body;
            if order == 1 {
                let forget = "UPDATE online_script SET foretold = '' WHERE state = 'offered' AND foretold <> ''";
                assert_eq!(centre.site.database().change(forget), 1);
            }
            let result = terminal.play(&script, &mut card);
            let before = hsm_requests(&node.address);
            let done = terminal.say(&result).body;
            assert_eq!(hsm_requests(&node.address) - before, requests);
            drop(card);
            is_activated(&centre, order, &done);
        }
    });
}

#[test]
fn a_card_whose_challenges_are_random_is_asked_first() {
    on_both("activation::good::a_card_whose_challenges_are_random", |engine| {
        let (centre, node) = Centre::new(engine, 1);
        let kdd = &centre.sales[0].kdd;
        let known = format!(
            "INSERT INTO key_set_counter (card, df, kvn, verified, challenge, at) VALUES ('{kdd}', 'F04655444101', 48, 0, 'random', 'now')"
        );
        assert_eq!(centre.site.database().change(&known), 1);
        let mut relay = Relay::post(&node.address);
        let mut card = centre.card(0);
        let mut terminal = Terminal::new(&mut relay);
        let done = terminal.run("activate", &centre.token(0), &mut card);
        assert_eq!(terminal.scripts, 2, "one round trip while the card is held");
        drop(card);
        is_activated(&centre, 0, &done);
    });
}

#[test]
fn a_card_that_the_line_audited_waits_for_nobody_either() {
    let (centre, node) = Centre::new(fuda_tests_cluster::Engine::Sqlite, 0);
    let row = &centre.delivery.cards[0];
    let (_, token) = node.sold(row);
    let file = centre
        .site
        .chips("ejected")
        .into_iter()
        .find(|file| Card::open(file).unwrap().kdd().to_string() == row["chip_id"]);
    let mut card = Card::open(&file.unwrap()).unwrap();
    card.power_on();
    let mut relay = Relay::post(&node.address);
    let mut terminal = Terminal::new(&mut relay);
    let done = terminal.run("activate", &token, &mut card);
    assert_eq!((&done["outcome"], terminal.scripts), (&"written".into(), 1), "{done}");
}

#[test]
fn a_card_whose_count_is_elsewhere_costs_a_round_trip_and_no_try() {
    on_both("activation::good::a_card_whose_count_is_elsewhere", |engine| {
        let (centre, node) = Centre::new(engine, 1);
        let mut relay = Relay::post(&node.address);
        let mut card = centre.card(0);
        // Somebody with a telephone asks the card who it is, twice.
        for _ in 0..2 {
            let _ = card.transmit(&hex::decode("00A4040006F0465544410100").unwrap());
            let answer = card.transmit(&hex::decode("8050300008010203040506070800").unwrap());
            assert!(answer.ends_with(&[0x90, 0x00]), "{answer:02X?}");
        }
        let mut terminal = Terminal::new(&mut relay);
        let done = terminal.run("activate", &centre.token(0), &mut card);
        assert_eq!(terminal.scripts, 2);
        let tries = terminal.commands.iter().filter(|command| command.starts_with(EXTERNAL_AUTHENTICATE)).count();
        assert_eq!(tries, 1, "the first script ended before EXTERNAL AUTHENTICATE");
        drop(card);
        is_activated(&centre, 0, &done);
    });
}

#[test]
fn what_is_done_already_is_said_with_the_receipt_and_the_card_can_be_read() {
    let (centre, node) = Centre::new(fuda_tests_cluster::Engine::Sqlite, 1);
    let mut relay = Relay::post(&node.address);
    let mut card = centre.card(0);
    let done = Terminal::new(&mut relay).run("activate", &centre.token(0), &mut card);
    let again = Terminal::new(&mut relay).run("activate", &centre.token(0), &mut card);
    assert_eq!((&again["outcome"], &again["receipt"]), (&"already_written".into(), &done["receipt"]), "{again}");
    let mut terminal = Terminal::new(&mut relay);
    let read = terminal.run("read", &centre.token(0), &mut card);
    assert_eq!((&read["outcome"], terminal.scripts), (&"read".into(), 1), "{read}");
    let shown = read["shown"].as_array().unwrap();
    let value = |name: &str| shown.iter().find(|pair| pair[0] == name).map(|pair| pair[1].as_str().unwrap().to_owned());
    assert_eq!(value("name_kana").as_deref(), Some("***"), "{read}");
    assert!(value("member_number").is_some(), "{read}");
}
