//! Nodes: any of them answers any message, one that is killed takes nothing with it, one that stops finishes what is held.

use super::{Centre, Relay, Terminal, on_both};
use fuda_tests::running::until;
use fuda_tests_cluster::{Engine, engine_here};
use rustix::process::Signal;
use serde_json::Value;

#[test]
fn two_nodes_on_one_store_answer_in_turns() {
    if engine_here(Engine::Postgres, "activation::nodes::two_nodes_on_one_store").is_none() {
        return;
    }
    let (centre, node) = Centre::new(Engine::Postgres, 2);
    let nodes = [node, centre.node()];
    for order in 0..2 {
        let mut card = centre.card(order);
        // The count is elsewhere: three messages at least.
        let _ = card.transmit(&hex::decode("00A4040006F0465544410100").unwrap());
        let _ = card.transmit(&hex::decode("8050300008010203040506070800").unwrap());
        let mut relay = Relay::post(&nodes[0].address);
        let mut terminal = Terminal::new(&mut relay);
        let opening = terminal.opening("activate", &centre.token(order));
        let mut relays = [Relay::post(&nodes[0].address), Relay::post(&nodes[1].address)];
        let mut turn = 0;
        let mut say = |message: &Value| {
            turn += 1;
            let answer = relays[turn % 2].say(message);
            // The other one knows the answer too.
            assert_eq!(relays[(turn + 1) % 2].say(message).body, answer.body);
            answer.body
        };
        let mut answer = say(&opening);
        while answer["type"] == "script" {
            let result = terminal.play(&answer, &mut card);
            answer = say(&result);
        }
        assert_eq!((&answer["outcome"], terminal.scripts), (&"written".into(), 2), "{answer}");
        assert_eq!(
            (centre.jobs(order), centre.entitlement(order)),
            (vec!["confirmed".to_owned()], "consumed".to_owned())
        );
    }
}

#[test]
fn a_node_that_is_killed_between_script_and_result_takes_nothing_with_it() {
    on_both("activation::nodes::a_node_that_is_killed", |engine| {
        let (centre, node) = Centre::new(engine, 1);
        let mut card = centre.card(0);
        let mut relay = Relay::post(&node.address);
        let mut terminal = Terminal::new(&mut relay);
        let script = terminal.open("activate", &centre.token(0)).body;
        let result = terminal.play(&script, &mut card);
        let _ = node.running.kill();
        let node = centre.node();
        let done = Relay::post(&node.address).say(&result);
        assert_eq!(done.body["outcome"], "written", "{done:?}");
        assert_eq!((centre.jobs(0), centre.entitlement(0)), (vec!["confirmed".to_owned()], "consumed".to_owned()));
    });
}

#[test]
fn a_node_that_stops_takes_no_session_and_finishes_those_with_a_card() {
    let (centre, mut node) = Centre::new(Engine::Sqlite, 1);
    let mut card = centre.card(0);
    let mut relay = Relay::websocket(&node.address);
    let mut terminal = Terminal::new(&mut relay);
    let script = terminal.open("activate", &centre.token(0)).body;
    node.running.signal(Signal::TERM);
    until("it stops listening", || std::net::TcpStream::connect(&node.address).is_err());
    assert!(!node.running.has_ended(), "a card is in a reader");
    let result = terminal.play(&script, &mut card);
    let done = terminal.say(&result).body;
    assert_eq!(done["outcome"], "written", "{done}");
    let ended = node.running.wait().exits(0);
    assert!(ended.stdout.contains("stopped: everything that was held is finished"), "{ended}");
}

#[test]
fn a_production_site_and_an_open_line_need_tls() {
    let (centre, _node) = Centre::new(Engine::Sqlite, 1);
    let serve = |more: &[&str]| {
        let arguments = [&["serve", "--json", "--no-input", "--listen"], more].concat();
        centre.site.start(&fuda_tests::program::binary("fuda-issuer"), &arguments).wait()
    };
    let _ = serve(&["127.0.0.1:0"]).fails(4, "TLS_MISSING");
    let _ = serve(&["0.0.0.0:0", "--dev"]).fails(4, "TLS_MISSING");
    let _ = serve(&["nowhere"]).fails(2, "LISTEN_ADDRESS");
    centre.site.edit("fuda.toml", "mode = \"test\"", "mode = \"production\"");
    let _ = serve(&["127.0.0.1:0", "--dev"]).fails(4, "POLICY");
}
