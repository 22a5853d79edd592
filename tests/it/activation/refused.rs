//! What is refused, by its stable code, before a script leaves or before anything is written.

use super::centre::DF;
use super::relay::http;
use super::{Centre, Relay, Terminal};
use fuda_card_sim::Card;
use fuda_tests::program::binary;
use fuda_tests_cluster::Engine;
use serde_json::json;

#[test]
fn orders_that_may_not_be_served_get_no_script() {
    let (centre, node) = Centre::new(Engine::Sqlite, 6);
    let mut relay = Relay::post(&node.address);
    let database = centre.site.database();
    let order = |sale: usize| centre.sales[sale].order.clone();
    let kdd = |order: usize| centre.sales[order].kdd.clone();
    let changes = [
        format!("UPDATE entitlement SET state = 'pending' WHERE order_id = '{}'", order(0)),
        format!("UPDATE entitlement SET state = 'reversed' WHERE order_id = '{}'", order(1)),
        format!("UPDATE service_order SET card = NULL, df = NULL WHERE id = '{}'", order(2)),
        format!(
            "INSERT INTO stock_hold (id, scope, first, last, reason, placed_by, placed_at) \
             SELECT 'H1', 'card', serial, serial, 'recall', 'sato', 'now' FROM stock_card WHERE kdd = '{}'",
            kdd(3)
        ),
        format!("INSERT INTO online_block (card, reason, who, at) VALUES ('{}', 'stolen', 'sato', 'now')", kdd(4)),
        format!("UPDATE card_key SET state = 'deleted' WHERE card = '{}' AND df = '{DF}'", kdd(5)),
    ];
    changes.iter().for_each(|sql| assert_eq!(database.change(sql), 1, "{sql}"));
    let expected = [
        (402, "ORDER_UNPAID"),
        (410, "ORDER_CLOSED"),
        (409, "ORDER_NOT_CLAIMED"),
        (403, "CARD_ON_HOLD"),
        (403, "CARD_BLOCKED"),
        (409, "CARD_KEYLESS"),
    ];
    for (order, (status, code)) in expected.into_iter().enumerate() {
        let refused = Terminal::new(&mut relay).open("activate", &centre.token(order));
        assert_eq!((refused.status, refused.body["code"].as_str().unwrap()), (status, code), "{order}");
        let text = refused.body["text"].as_str().unwrap();
        assert!(!text.is_empty() && !refused.body["trace"].as_str().unwrap().is_empty());
    }
    // An order that nobody has, and purposes that come later.
    assert_eq!(Terminal::new(&mut relay).open("activate", &centre.token(77)).body["code"], "ORDER_NOT_FOUND");
    for purpose in ["renew", "update", "reissue"] {
        assert_eq!(Terminal::new(&mut relay).open(purpose, &centre.token(0)).body["code"], "PURPOSE_NOT_SERVED");
    }
    assert_eq!(database.count("SELECT COUNT(*) FROM online_session"), 0, "a refused order costs no row");
    assert_eq!(database.count("SELECT COUNT(*) FROM online_script"), 0);
}

#[test]
fn a_hold_that_comes_while_the_terminal_works_lets_no_further_script_out() {
    let (centre, node) = Centre::new(Engine::Sqlite, 1);
    let mut relay = Relay::post(&node.address);
    let mut card = centre.card(0);
    // The count is elsewhere, so that a second script is needed.
    let _ = card.transmit(&hex::decode("00A4040006F0465544410100").unwrap());
    let _ = card.transmit(&hex::decode("8050300008010203040506070800").unwrap());
    let mut terminal = Terminal::new(&mut relay);
    let script = terminal.open("activate", &centre.token(0)).body;
    // Whoever places it is told what it comes too late for: the script that is at the terminal.
    let serial = &centre.delivery.cards[1]["serial"];
    let hold = ["stock", "hold", &format!("card:{serial}"), "--reason", "stolen", "--operator", "sato"];
    let placed = centre.site.issuer(&hold).done();
    let job = centre.site.database().column("SELECT id FROM online_job").remove(0);
    let out = placed["out"].as_array().unwrap();
    assert_eq!((out.len(), &out[0]["job"], &out[0]["expires_at"]), (1, &job.into(), &script["expires"]), "{placed}");
    assert!(
        serial.ends_with(out[0]["serial_end"].as_str().unwrap()) && out[0]["serial_end"].as_str().unwrap().len() == 4
    );
    let result = terminal.play(&script, &mut card);
    let answer = terminal.say(&result).body;
    assert_eq!(answer["code"], "CARD_ON_HOLD", "{answer}");
    assert_eq!(centre.site.database().count("SELECT COUNT(*) FROM online_script"), 1);
    // Another one finds the same script out: only the card can say that it did not run. Its number goes into no text whole.
    let told = centre.site.start(
        &binary("fuda-issuer"),
        &["card", "block", serial, "--reason", "stolen", "--operator", "sato", "--lang", "en"],
    );
    let told = told.wait().exits(0);
    let said = format!("{}{}", told.stdout, told.stderr);
    assert!(
        said.contains("1 scripts are at terminals already") && said.contains(&serial[serial.len() - 4..]),
        "{said}"
    );
    assert!(!said.contains(serial.as_str()), "{said}");
    assert_eq!(Terminal::new(&mut relay).open("activate", &centre.token(0)).body["code"], "CARD_BLOCKED");
}

#[test]
fn another_card_in_the_reader_is_told_before_its_keys_are_tried() {
    let (centre, node) = Centre::new(Engine::Sqlite, 2);
    let mut relay = Relay::post(&node.address);
    let mut other = centre.card(1);
    let mut terminal = Terminal::new(&mut relay);
    let answer = terminal.run("activate", &centre.token(0), &mut other);
    assert_eq!((&answer["code"], &answer["retriable"]), (&"CARD_OTHER".into(), &true.into()), "{answer}");
    assert_eq!(terminal.commands.len(), 2, "SELECT and INITIALIZE UPDATE");
    let mut right = centre.card(0);
    let done = Terminal::new(&mut relay).run("activate", &centre.token(0), &mut right);
    assert_eq!(done["outcome"], "written", "{done}");
    // A terminal that knows the chip from before is told without a script.
    let mut opening = Terminal::new(&mut relay).opening("activate", &centre.token(1));
    opening["card"] = json!({ "kdd": centre.sales[0].kdd });
    assert_eq!(relay.say(&opening).body["code"], "CARD_OTHER");
}

#[test]
fn a_copy_of_a_card_that_went_on_is_blocked() {
    let (centre, node) = Centre::new(Engine::Sqlite, 1);
    let mut relay = Relay::post(&node.address);
    let copy = centre.site.path("copy.card");
    std::fs::copy(&centre.sales[0].file, &copy).unwrap();
    let mut card = centre.card(0);
    let done = Terminal::new(&mut relay).run("activate", &centre.token(0), &mut card);
    assert_eq!(done["outcome"], "written", "{done}");
    let mut copy = Card::open(&copy).unwrap();
    copy.power_on();
    let mut terminal = Terminal::new(&mut relay);
    let answer = terminal.run("read", &centre.token(0), &mut copy);
    assert_eq!(answer["code"], "CARD_COPIED", "{answer}");
    assert_eq!(terminal.commands.len(), 2, "it was told from INITIALIZE UPDATE");
    let again = Terminal::new(&mut relay).open("read", &centre.token(0)).body;
    assert_eq!(again["code"], "CARD_BLOCKED", "{again}");
}

#[test]
fn a_card_with_other_keys_is_not_believed_and_not_tried_again() {
    let (centre, node) = Centre::new(Engine::Sqlite, 1);
    let mut relay = Relay::post(&node.address);
    let mut card = centre.card(0);
    let mut terminal = Terminal::new(&mut relay);
    let script = terminal.open("activate", &centre.token(0)).body;
    let mut result = terminal.play(&script, &mut card);
    // The chip's name and count are right and the cryptogram is made up.
    let update = result["r"][1].as_str().unwrap().to_owned();
    let forged = format!("{}{}{}", &update[..42], "0".repeat(16), &update[58..]);
    result["r"] = json!([result["r"][0], forged]);
    (result["n"], result["t"], result["end"], result["at"]) = (2.into(), json!([1, 1]), "match".into(), 1.into());
    let answer = terminal.say(&result).body;
    assert_eq!((&answer["code"], &answer["retriable"]), (&"CARD_UNPROVED".into(), &false.into()), "{answer}");
    assert_eq!((centre.jobs(0), centre.entitlement(0)), (vec!["unknown".to_owned()], "reserved".to_owned()));
}

#[test]
fn health_metrics_and_description_are_there() {
    let (centre, node) = Centre::new(Engine::Sqlite, 1);
    assert_eq!(http(&node.address, "GET", "/healthz", "").status, 200);
    let ready = http(&node.address, "GET", "/readyz", "");
    assert_eq!(
        (ready.status, &ready.body["hsm"], &ready.body["store"]),
        (200, &"ok".into(), &"ok".into()),
        "{ready:?}"
    );
    let openapi = http(&node.address, "GET", "/v1/openapi.json", "").body;
    assert_eq!(openapi["openapi"], "3.1.0");
    assert!(openapi["components"]["schemas"]["TerminalMessage"].is_object());
    let mut relay = Relay::post(&node.address);
    assert_eq!(Terminal::new(&mut relay).open("activate", &centre.token(77)).status, 404);
    let metrics = http(&node.address, "GET", "/metrics", "").body;
    let text = metrics.as_str().unwrap();
    assert!(text.contains("fuda_issuer_refusals_total{code=\"ORDER_NOT_FOUND\"} 1"), "{text}");
    assert!(text.contains("# TYPE fuda_issuer_answer_ms histogram"), "{text}");
}
