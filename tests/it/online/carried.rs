//! A session gets through: over either transport, over lost connections, and never twice onto the card.

use super::{Desk, GET_CPLC, SELECT, steps};
use fuda_tests::centre::{ScriptedCentre, converse, done, receive, requests, script, upgrade};
use serde_json::{Value, json};
use std::io::Write;
use tungstenite::Message;

/// What an ordinary centre says: commands, then the end.
fn ordinary(message: &Value) -> Value {
    if message["type"] == "open" { script(message, 1, &steps()) } else { done(message) }
}

#[test]
fn a_script_is_run_and_its_answers_are_the_result() {
    let Some(desk) = Desk::new("online::carried::a_script_is_run_and_its_answers_are_the_result") else { return };
    let centre = ScriptedCentre::start(&desk.certificate, |_, tls, heard| converse(tls, heard, ordinary));
    let card = desk.card(&[]);
    let report = desk.start(&centre, &[]).wait().done();
    assert_eq!((&report["outcome"], &report["transport"]), (&json!("written"), &json!("ws")), "{report}");
    assert_eq!((&report["round_trips_card_held"], &report["commands"]), (&json!(0), &json!(2)), "{report}");
    assert_eq!((&report["resent"], &report["receipt"]["key"]), (&json!(0), &json!("receipt@1")), "{report}");

    let [open, result] = centre.heard().try_into().unwrap();
    assert_eq!(
        (&open["purpose"], &open["order"], &open["locale"]),
        (&json!("activate"), &json!("TOKEN"), &json!("en"))
    );
    assert_eq!((&open["seq"], &result["seq"], &result["sid"]), (&json!(0), &json!(1), &open["sid"]));
    let rest = (&result["id"], &result["n"], &result["end"], &result["at"]);
    assert_eq!(rest, (&json!("0000000000000001"), &json!(2), &json!("done"), &json!(2)), "{result}");
    let answers = result["r"].as_array().unwrap();
    assert!(answers[1].as_str().unwrap().starts_with("9F7F") && result["t"].as_array().unwrap().len() == 2, "{result}");
    // The card came out, and there is no other.
    let _ = card.wait().done();
    assert_eq!(desk.site.chips("ejected").len(), 1);
}

#[test]
fn a_second_script_finds_the_card_under_power_and_is_counted() {
    let Some(desk) = Desk::new("online::carried::a_second_script_finds_the_card_under_power_and_is_counted") else {
        return;
    };
    let centre = ScriptedCentre::start(&desk.certificate, |_, tls, heard| {
        converse(tls, heard, |message| match message["seq"].as_u64().unwrap() {
            0 => script(message, 1, &json!([{ "c": SELECT, "ms": 2000, "percent": 10 }])),
            1 => script(message, 2, &steps()),
            _ => done(message),
        });
    });
    let report = desk.activate(&centre, &[]).done();
    assert_eq!((&report["round_trips_card_held"], &report["commands"]), (&json!(1), &json!(3)), "{report}");
}

#[test]
fn what_is_waited_for_and_asked_is_answered() {
    let Some(desk) = Desk::new("online::carried::what_is_waited_for_and_asked_is_answered") else { return };
    let centre = ScriptedCentre::start(&desk.certificate, |_, tls, heard| {
        converse(tls, heard, |message| {
            let with = |kind: &str, more: Value| {
                let mut answer =
                    json!({ "type": kind, "sid": message["sid"], "seq": message["seq"], "text": "Please." });
                answer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                answer
            };
            match message["type"].as_str().unwrap() {
                "open" => with("wait", json!({ "ms": 10 })),
                "resume" => with("ask", json!({ "what": "confirm" })),
                "answer" if message["seq"] == 1 => with("ask", json!({ "what": "put_card_in" })),
                "answer" => script(message, 1, &steps()),
                _ => done(message),
            }
        });
    });
    let report = desk.activate(&centre, &["--yes"]).done();
    assert_eq!(report["round_trips_card_held"], 0, "{report}");
    let heard = centre.heard();
    let kinds: Vec<&str> = heard.iter().map(|message| message["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["open", "resume", "answer", "answer", "result"]);
    assert_eq!((&heard[1]["seq"], &heard[2]["yes"], &heard[4]["seq"]), (&json!(0), &json!(true), &json!(3)));
}

#[test]
fn after_three_refused_upgrades_the_same_messages_are_posted() {
    let Some(desk) = Desk::new("online::carried::after_three_refused_upgrades_the_same_messages_are_posted") else {
        return;
    };
    let centre = ScriptedCentre::start(&desk.certificate, |_, tls, heard| {
        requests(tls, |line, body| match line {
            "POST /v1/cardscript HTTP/1.1" => (200, ordinary(&heard.note(body)).to_string()),
            _ => (404, String::new()),
        });
    });
    let report = desk.activate(&centre, &[]).done();
    assert_eq!((&report["transport"], &report["outcome"]), (&json!("post"), &json!("written")), "{report}");
    assert_eq!(centre.connections(), 4, "three that were refused, and one that was kept");
}

#[test]
fn a_result_whose_answer_was_lost_is_sent_again_as_it_was() {
    let Some(desk) = Desk::new("online::carried::a_result_whose_answer_was_lost_is_sent_again_as_it_was") else {
        return;
    };
    let centre = ScriptedCentre::start(&desk.certificate, |number, tls, heard| {
        let Some(mut socket) = upgrade(tls) else { return };
        while let Some(text) = receive(&mut socket) {
            let message = heard.note(&text);
            // The first two results are heard, and the connection breaks before the answer, and in the middle of it.
            match (message["type"].as_str().unwrap(), number) {
                ("result", 0) => return,
                ("result", 1) => {
                    let _ = socket.get_mut().write_all(&[0x81, 0x7E, 0x01, 0x00, b'{']);
                    return;
                }
                _ => socket.send(Message::text(ordinary(&message).to_string())).unwrap(),
            }
        }
    });
    let report = desk.activate(&centre, &[]).done();
    assert_eq!((&report["outcome"], &report["resent"]), (&json!("written"), &json!(2)), "{report}");
    let heard = centre.heard();
    assert_eq!((heard.len(), heard[1]["type"].as_str()), (4, Some("result")));
    assert!(heard[1] == heard[2] && heard[2] == heard[3], "{heard:?}");
}

#[test]
fn an_answer_that_the_card_does_not_give_ends_the_script_there() {
    let Some(desk) = Desk::new("online::carried::an_answer_that_the_card_does_not_give_ends_the_script_there") else {
        return;
    };
    let centre = ScriptedCentre::start(&desk.certificate, |_, tls, heard| {
        let steps = json!([
            { "c": GET_CPLC, "ms": 2000, "match": [{ "offset": 0, "mask": "FFFF", "value": "0000" }], "percent": 10 },
            { "c": SELECT, "ms": 2000, "percent": 100 },
        ]);
        converse(tls, heard, |message| if message["seq"] == 0 { script(message, 1, &steps) } else { done(message) });
    });
    let report = desk.activate(&centre, &[]).done();
    assert_eq!(report["commands"], 1, "{report}");
    let result = &centre.heard()[1];
    assert_eq!((&result["end"], &result["at"], &result["n"]), (&json!("match"), &json!(0), &json!(1)), "{result}");
}
