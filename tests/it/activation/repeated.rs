//! Messages that come twice, changed, out of turn, or into another session.

use super::relay::http;
use super::{Centre, Relay, Terminal};
use fuda_tests_cluster::Engine;
use serde_json::{Value, json};

#[test]
fn the_same_message_gets_the_same_answer_and_another_body_is_refused() {
    let (centre, node) = Centre::new(Engine::Sqlite, 1);
    let mut relay = Relay::post(&node.address);
    let mut card = centre.card(0);
    let mut terminal = Terminal::new(&mut relay);
    let opening = terminal.opening("activate", &centre.token(0));
    let script = terminal.say(&opening);
    assert_eq!((script.status, &script.body["type"]), (200, &"script".into()));
    // A terminal that lost its line says it again; a relay may write the members in another order.
    assert_eq!(terminal.say(&opening), script);
    let resumed = terminal.say(&json!({ "type": "resume", "sid": terminal.sid.clone(), "seq": 0 }));
    assert_eq!(resumed, script);
    let mut changed = opening.clone();
    changed["locale"] = "ja".into();
    let refused = terminal.say(&changed);
    assert_eq!((refused.status, &refused.body["code"]), (409, &"MESSAGE_CONFLICT".into()));

    let result = terminal.play(&script.body, &mut card);
    let done = terminal.say(&result);
    assert_eq!((done.status, &done.body["outcome"]), (200, &"written".into()), "{done:?}");
    assert_eq!(terminal.say(&result), done);
    let mut changed = result.clone();
    changed["end"] = "timeout".into();
    assert_eq!(terminal.say(&changed).status, 409);
    // The script is deleted now that its work is done.
    let gone = terminal.say(&opening);
    assert_eq!((gone.status, &gone.body["code"]), (410, &"ANSWER_DELETED".into()));
    assert_eq!((centre.jobs(0), centre.entitlement(0)), (vec!["confirmed".to_owned()], "consumed".to_owned()));
}

#[test]
fn a_terminal_that_repeats_what_the_script_expects_has_activated_nothing() {
    let (centre, node) = Centre::new(Engine::Sqlite, 2);
    let mut relay = Relay::post(&node.address);
    // There is no card; or the true one, which only tells who it is.
    for (order, asked, code) in [(0, 0, "CARD_UNPROVED"), (1, 2, "CONTACT_LOST")] {
        let mut card = centre.card(order);
        let mut terminal = Terminal::new(&mut relay);
        let mut opening = terminal.opening("activate", &centre.token(order));
        // At T=1 every answer is foreseen to the last byte.
        opening["card"] = json!({ "atr": "3B86810146454153475000" });
        let script = terminal.say(&opening).body;
        let mut steps = script["steps"].as_array().unwrap().iter().enumerate();
        let result = terminal.play_on(&script, |command, _| {
            let (number, step) = steps.next().unwrap();
            let expected = step["match"][0]["value"].as_str().unwrap_or_default();
            if number < asked { card.transmit(command) } else { hex::decode(format!("{expected}9000")).unwrap() }
        });
        assert_eq!((&result["end"], steps.len()), (&"done".into(), 0), "an honest terminal would not stop: {result}");
        let answer = terminal.say(&result).body;
        assert_eq!((&answer["type"], &answer["code"]), (&"error".into(), &code.into()), "{answer}");
        let stands = (centre.jobs(order), centre.entitlement(order));
        assert_eq!(stands, (vec!["unknown".to_owned()], "reserved".to_owned()));
        let done = Terminal::new(&mut relay).run("activate", &centre.token(order), &mut card);
        assert_eq!(done["outcome"], "written", "{done}");
    }
}

#[test]
fn answers_that_a_relay_changes_gain_nothing() {
    let (centre, node) = Centre::new(Engine::Sqlite, 3);
    let mut relay = Relay::post(&node.address);
    type Change = fn(&mut Value);
    let flip: Change = |result| {
        let last = result["r"].as_array().unwrap().len() - 1;
        let answer = result["r"][last].as_str().unwrap().to_owned();
        let first = if answer.starts_with('0') { '1' } else { '0' };
        result["r"][last] = format!("{first}{}", &answer[1..]).into();
    };
    let invent: Change = |result| {
        // "It is all done", without having asked the card.
        for answer in result["r"].as_array_mut().unwrap().iter_mut().skip(2) {
            *answer = "9000".into();
        }
    };
    let reorder: Change = |result| result["r"].as_array_mut().unwrap().swap(4, 6);
    for (order, change) in [flip, invent, reorder].into_iter().enumerate() {
        let mut card = centre.card(order);
        let mut terminal = Terminal::new(&mut relay);
        let script = terminal.open("activate", &centre.token(order)).body;
        let mut result = terminal.play(&script, &mut card);
        change(&mut result);
        let answer = terminal.say(&result).body;
        assert_eq!((&answer["type"], &answer["code"]), (&"error".into(), &"CONTACT_LOST".into()), "{order}: {answer}");
        assert_eq!(
            (centre.jobs(order), centre.entitlement(order)),
            (vec!["unknown".to_owned()], "reserved".to_owned())
        );
        let done = Terminal::new(&mut relay).run("activate", &centre.token(order), &mut card);
        assert_eq!(done["outcome"], "already_written", "{done}");
    }
}

#[test]
fn a_result_belongs_to_its_session_and_its_script() {
    let (centre, node) = Centre::new(Engine::Sqlite, 2);
    let mut relay = Relay::post(&node.address);
    let mut card = centre.card(0);
    let mut first = Terminal::new(&mut relay);
    let (first_sid, first_script) = (first.sid.clone(), first.open("activate", &centre.token(0)).body);
    let mut second = Terminal::new(&mut relay);
    let second_script = second.open("activate", &centre.token(1)).body;
    let mut result = second.play(&first_script, &mut card);
    // Of another session's script; then of its own, under the other session's name.
    let refused = second.say(&result).body;
    assert_eq!(refused["code"], "SCRIPT_FOREIGN", "{refused}");
    result["sid"] = first_sid.clone().into();
    result["id"] = second_script["id"].clone();
    let refused = second.say(&result);
    assert_eq!((refused.status, &refused.body["code"]), (409, &"SCRIPT_FOREIGN".into()));
    // Nothing of this ended a session.
    result["id"] = first_script["id"].clone();
    assert_eq!(second.say(&result).body["outcome"], "written");
    for (message, status, code) in [
        (json!({ "type": "resume", "sid": "0".repeat(32), "seq": 0 }), 404, "SESSION_UNKNOWN"),
        (json!({ "type": "cancel", "sid": first_sid, "seq": 7 }), 409, "SESSION_ENDED"),
        (json!({ "type": "answer", "sid": second.sid.clone(), "seq": 1, "yes": true }), 409, "MESSAGE_OUT_OF_TURN"),
        (json!({ "type": "cancel", "sid": second.sid.clone(), "seq": 5 }), 409, "MESSAGE_OUT_OF_TURN"),
    ] {
        let refused = second.say(&message);
        assert_eq!((refused.status, refused.body["code"].as_str().unwrap()), (status, code), "{message}");
    }
}

#[test]
fn what_is_no_message_is_refused_before_it_costs_anything() {
    let (_centre, node) = Centre::new(Engine::Sqlite, 1);
    for body in ["", "{", "[]", "{\"type\":\"open\"}", "{\"type\":\"format\"}"] {
        let refused = http(&node.address, "POST", "/v1/cardscript", body);
        assert_eq!((refused.status, &refused.body["code"]), (400, &"MESSAGE_INVALID".into()), "{body}");
    }
    let long = format!("{{\"type\":\"{}\"}}", "x".repeat(70_000));
    assert_eq!(http(&node.address, "POST", "/v1/cardscript", &long).status, 413);
    assert_eq!(http(&node.address, "GET", "/v1/cardscript", "").status, 400);
    assert_eq!(http(&node.address, "GET", "/nowhere", "").status, 404);
}
