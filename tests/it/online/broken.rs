//! Centres that do not speak as they must: the terminal gives up in time, says so, and nothing unmeant reaches the card.

use super::{Desk, steps};
use fuda_tests::centre::{Heard, ScriptedCentre, Tls, converse, done, receive, requests, script, upgrade};
use serde_json::{Value, json};
use std::io::Write;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tungstenite::Message;

/// What a terminal says of a centre that begins every session like this; the card must come out untouched.
fn before_the_card(test: &str, exit: i32, code: &str, serve: fn(usize, Tls, &Heard), more: &[&str]) -> Option<usize> {
    let desk = Desk::new(test)?;
    let trace = desk.site.path("trace");
    let centre = ScriptedCentre::start(&desk.certificate, serve);
    let card = desk.card(&["--trace", trace.to_str().unwrap()]);
    let failure = desk.start(&centre, more).wait().fails(exit, code);
    assert!(failure.remedy.contains("the order is as it was") && failure.place.starts_with("https://"), "{failure:?}");
    drop(card);
    assert!(std::fs::read_to_string(trace).unwrap_or_default().is_empty(), "the card was sent something");
    Some(centre.connections())
}

/// What it says of a centre that breaks when a card's answers come.
fn after_the_card(test: &str, exit: i32, code: &str, answer: impl Fn(&Value) -> String + Send + Sync + 'static) {
    let Some(desk) = Desk::new(test) else { return };
    let centre = ScriptedCentre::start(&desk.certificate, move |_, tls, heard| {
        let Some(mut socket) = upgrade(tls) else { return };
        while let Some(text) = receive(&mut socket) {
            let message = heard.note(&text);
            let is_open = message["type"] == "open";
            let answer = if is_open { script(&message, 1, &steps()).to_string() } else { answer(&message) };
            if answer.is_empty() || socket.send(Message::text(answer)).is_err() {
                return;
            }
        }
    });
    let failure = desk.activate(&centre, &["--patience", "2"]).fails(exit, code);
    assert!(failure.remedy.contains("Your payment is safe: the centre asks the card"), "{failure:?}");
    let heard = centre.heard();
    assert!(heard[1..].iter().all(|message| *message == heard[1]), "not sent again as it was: {heard:?}");
}

#[test]
fn garbage_is_no_answer() {
    let garbage = |_, tls, heard: &Heard| {
        let Some(mut socket) = upgrade(tls) else { return };
        if receive(&mut socket).is_some_and(|text| heard.note(&text).is_object()) {
            let _ = socket.send(Message::text("{\"type\":\"script\",\"sid\":42"));
        }
    };
    let name = "online::broken::garbage_is_no_answer";
    let connections = before_the_card(name, 10, "CENTRE_PROTOCOL", garbage, &["--transport", "ws"]);
    assert!(connections.is_none_or(|connections| connections == 3), "{connections:?}");
}

#[test]
fn an_answer_to_another_session_or_message_is_none() {
    let other = |_, tls: Tls, heard: &Heard| {
        converse(tls, heard, |message| {
            let mut answer = script(message, 1, &steps());
            answer["sid"] = json!("11".repeat(16));
            answer
        });
    };
    let name = "online::broken::an_answer_to_another_session_or_message_is_none";
    let _ = before_the_card(name, 10, "CENTRE_PROTOCOL", other, &["--transport", "ws"]);
    let later = |_, tls: Tls, heard: &Heard| {
        converse(tls, heard, |message| {
            let mut answer = script(message, 1, &steps());
            answer["seq"] = json!(7);
            answer
        });
    };
    let _ = before_the_card(name, 10, "CENTRE_PROTOCOL", later, &["--transport", "ws"]);
}

#[test]
fn an_answer_beyond_the_limits_is_none() {
    let endless = |_, tls: Tls, heard: &Heard| {
        converse(tls, heard, |message| {
            let mut answer = done(message);
            answer["text"] = json!("x".repeat(70_000));
            answer
        });
    };
    let name = "online::broken::an_answer_beyond_the_limits_is_none";
    let _ = before_the_card(name, 10, "CENTRE_PROTOCOL", endless, &["--transport", "ws"]);
    let posted = |_, tls: Tls, _: &Heard| requests(tls, |_, _| (200, "x".repeat(70_000)));
    let _ = before_the_card(name, 10, "CENTRE_PROTOCOL", posted, &["--transport", "post"]);
}

#[test]
fn bytes_that_come_one_by_one_do_not_keep_the_terminal() {
    let slow = |_, tls: Tls, _: &Heard| {
        let Some(mut socket) = upgrade(tls) else { return };
        let _ = receive(&mut socket);
        for byte in [0x81, 0x7E, 0x01, 0x00].into_iter().chain([b' '; 64]) {
            sleep(Duration::from_millis(150));
            if socket.get_mut().write_all(&[byte]).and_then(|()| socket.get_mut().flush()).is_err() {
                return;
            }
        }
    };
    let began = Instant::now();
    let name = "online::broken::bytes_that_come_one_by_one_do_not_keep_the_terminal";
    let _ = before_the_card(name, 10, "CENTRE_UNREACHABLE", slow, &["--patience", "2"]);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}

#[test]
fn another_page_than_a_centre_is_not_followed() {
    let page = |_, tls: Tls, _: &Heard| requests(tls, |_, _| (302, String::new()));
    let name = "online::broken::another_page_than_a_centre_is_not_followed";
    let connections = before_the_card(name, 10, "CENTRE_FOREIGN", page, &[]);
    assert!(connections.is_none_or(|connections| connections == 4), "{connections:?}");
}

#[test]
fn a_connection_that_closes_at_once_is_tried_for_a_while() {
    let closes = |_, tls: Tls, _: &Heard| drop(tls);
    let name = "online::broken::a_connection_that_closes_at_once_is_tried_for_a_while";
    let connections = before_the_card(name, 10, "CENTRE_UNREACHABLE", closes, &["--patience", "2"]);
    assert!(connections.is_none_or(|connections| connections > 3), "{connections:?}");
}

#[test]
fn a_result_that_nobody_answers_is_reported_as_unconfirmed() {
    after_the_card(
        "online::broken::a_result_that_nobody_answers_is_reported_as_unconfirmed",
        10,
        "RESULT_UNCONFIRMED",
        |_| String::new(),
    );
}

#[test]
fn a_result_that_is_answered_with_garbage_is_reported_as_unconfirmed() {
    after_the_card(
        "online::broken::a_result_that_is_answered_with_garbage_is_reported_as_unconfirmed",
        10,
        "RESULT_UNCONFIRMED",
        |_| "garbage".to_owned(),
    );
}

#[test]
fn a_script_is_never_run_twice() {
    after_the_card("online::broken::a_script_is_never_run_twice", 10, "CENTRE_PROTOCOL", |message| {
        script(message, 1, &steps()).to_string()
    });
}
