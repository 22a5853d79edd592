//! Sessions that end before their time, for a reason: each has its code, and says what became of the money.

use super::{Desk, steps};
use fuda_tests::centre::{Retriable, ScriptedCentre, certificate, converse, done, error, requests, script};
use fuda_tests::running::until;
use rustix::process::Signal;
use serde_json::json;
use std::net::{Ipv4Addr, TcpListener};

#[test]
fn a_conflict_is_told_with_the_centres_code_and_not_tried_again() {
    let Some(desk) = Desk::new("online::refused::a_conflict_is_told_with_the_centres_code_and_not_tried_again") else {
        return;
    };
    let centre = ScriptedCentre::start(&desk.certificate, |_, tls, heard| {
        requests(tls, |_, body| {
            let message = heard.note(body);
            let conflict = || error(&message, "MESSAGE_CONFLICT", "terminal", Retriable::No);
            if message["seq"] == 0 {
                (200, script(&message, 1, &steps()).to_string())
            } else {
                (409, conflict().to_string())
            }
        });
    });
    let failure = desk.activate(&centre, &["--transport", "post"]).fails(4, "MESSAGE_CONFLICT");
    assert_eq!((failure.what.as_str(), failure.place.as_str()), ("It is so", "T-1"));
    assert!(failure.remedy.contains("the centre asks the card"), "{failure:?}");
    assert_eq!(centre.heard().len(), 2);
}

#[test]
fn what_the_centre_refuses_before_the_card_leaves_the_order_as_it_was() {
    let Some(desk) = Desk::new("online::refused::what_the_centre_refuses_before_the_card_leaves_the_order_as_it_was")
    else {
        return;
    };
    for (code, told, who, retriable, exit) in [
        ("ORDER_UNKNOWN", "ORDER_UNKNOWN", "member", Retriable::No, 4),
        ("ORDER_UNPAID", "ORDER_UNPAID", "member", Retriable::Yes, 3),
        ("CENTRE_BUSY", "CENTRE_BUSY", "centre", Retriable::Yes, 10),
        ("CARD_BLOCKED", "CARD_BLOCKED", "card", Retriable::No, 9),
        ("<b>no code</b>", "CENTRE_REFUSED", "member", Retriable::No, 4),
    ] {
        let centre = ScriptedCentre::start(&desk.certificate, move |_, tls, heard| {
            converse(tls, heard, |message| error(message, code, who, retriable));
        });
        let failure = desk.activate(&centre, &[]).fails(exit, told);
        assert!(failure.remedy.contains("the order is as it was"), "{failure:?}");
        assert_eq!(centre.heard().len(), 1, "{code} is not tried again by itself");
    }
}

#[test]
fn a_centre_that_cannot_prove_itself_hears_nothing() {
    let Some(desk) = Desk::new("online::refused::a_centre_that_cannot_prove_itself_hears_nothing") else { return };
    let elsewhere = certificate(&desk.site, "elsewhere", "DNS:elsewhere.example").unwrap();
    let stranger = certificate(&desk.site, "stranger", "IP:127.0.0.1").unwrap();
    for transport in ["ws", "post", "auto"] {
        // For another name, and from another root.
        for (shown, trusted) in [(&elsewhere, &elsewhere), (&stranger, &desk.certificate)] {
            let mut centre = ScriptedCentre::start(shown, |_, tls, heard| converse(tls, heard, done));
            centre.ca = trusted.0.clone();
            let failure = desk.activate(&centre, &["--transport", transport]).fails(10, "CENTRE_CERTIFICATE");
            assert!(failure.remedy.contains("do not go on"), "{failure:?}");
            assert_eq!((centre.connections(), centre.heard().len()), (1, 0), "{transport}");
        }
    }
}

#[test]
fn nobody_at_the_address_is_reported_in_time() {
    let Some(desk) = Desk::new("online::refused::nobody_at_the_address_is_reported_in_time") else { return };
    let mut centre = ScriptedCentre::start(&desk.certificate, |_, tls, heard| converse(tls, heard, done));
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    centre.url = format!("https://{free}");
    for transport in ["ws", "post"] {
        let failure =
            desk.activate(&centre, &["--transport", transport, "--patience", "1"]).fails(10, "CENTRE_UNREACHABLE");
        assert_eq!(failure.place, centre.url);
    }
}

#[test]
fn without_a_card_the_centre_learns_that_nothing_was_begun() {
    let Some(desk) = Desk::new("online::refused::without_a_card_the_centre_learns_that_nothing_was_begun") else {
        return;
    };
    let centre = ScriptedCentre::start(&desk.certificate, |_, tls, heard| {
        converse(tls, heard, |message| if message["seq"] == 0 { script(message, 1, &steps()) } else { done(message) });
    });
    let _ = desk.start(&centre, &["--wait", "1"]).wait().fails(3, "CARD_AWAITED");
    let result = &centre.heard()[1];
    assert_eq!((&result["end"], &result["n"], &result["r"]), (&json!("no_card"), &json!(0), &json!([])), "{result}");
}

#[test]
fn a_script_that_is_too_old_is_not_begun() {
    let Some(desk) = Desk::new("online::refused::a_script_that_is_too_old_is_not_begun") else { return };
    let centre = ScriptedCentre::start(&desk.certificate, |_, tls, heard| {
        converse(tls, heard, |message| {
            let mut answer = if message["seq"] == 0 { script(message, 1, &steps()) } else { done(message) };
            if answer["expires"].is_string() {
                answer["expires"] = json!("2020-01-01T00:00:00Z");
            }
            answer
        });
    });
    let _ = desk.activate(&centre, &[]).fails(3, "SCRIPT_EXPIRED");
    let result = &centre.heard()[1];
    assert_eq!((&result["end"], &result["n"]), (&json!("expired"), &json!(0)), "{result}");
}

#[test]
fn a_card_that_is_taken_out_is_a_result_like_another() {
    let Some(desk) = Desk::new("online::refused::a_card_that_is_taken_out_is_a_result_like_another") else { return };
    let centre = ScriptedCentre::start(&desk.certificate, |_, tls, heard| {
        converse(tls, heard, |message| {
            let lost = error(message, "CONTACT_LOST", "member", Retriable::Yes);
            if message["seq"] == 0 { script(message, 1, &steps()) } else { lost }
        });
    });
    let _card = desk.card(&["--fault", "2:pulled"]);
    let failure = desk.start(&centre, &[]).wait().fails(3, "CONTACT_LOST");
    assert!(failure.remedy.contains("the centre asks the card"), "{failure:?}");
    let result = &centre.heard()[1];
    assert_eq!((&result["end"], &result["n"], &result["at"]), (&json!("card_gone"), &json!(2), &json!(1)), "{result}");
    assert_eq!(result["r"].as_array().unwrap().len(), 1, "{result}");
}

#[test]
fn the_person_may_stop_while_the_card_is_waited_for() {
    let Some(desk) = Desk::new("online::refused::the_person_may_stop_while_the_card_is_waited_for") else { return };
    let centre = ScriptedCentre::start(&desk.certificate, |_, tls, heard| {
        converse(tls, heard, |message| if message["seq"] == 0 { script(message, 1, &steps()) } else { done(message) });
    });
    let terminal = desk.start(&centre, &[]);
    until("the card is asked for", || terminal.complained().contains("Put the card in"));
    terminal.signal(Signal::INT);
    let _ = terminal.wait().fails(3, "SESSION_STOPPED");
    assert_eq!(centre.heard()[1]["end"], "cancelled");
}

#[test]
fn what_cannot_work_is_refused_before_anything_is_sent() {
    let Some(desk) = Desk::new("online::refused::what_cannot_work_is_refused_before_anything_is_sent") else { return };
    let terminal = |more: &[&str]| {
        let program = fuda_tests::program::binary("fuda-terminal");
        let reader = format!("vpcd:127.0.0.1:{}", desk.site.first_port());
        let arguments = ["read", "--reader", &reader, "--json", "--no-input"];
        desk.site.start(&program, &[&arguments, more].concat()).wait()
    };
    let https = "https://127.0.0.1:9";
    let _ = terminal(&["--centre", "http://centre.example", "--order", "T", "--dev"]).exits(2);
    let _ = terminal(&["--centre", "http://127.0.0.1:9", "--order", "T"]).fails(2, "CENTRE_PLAIN");
    let _ = terminal(&["--centre", https]).fails(2, "ORDER_TOKEN");
    let _ = terminal(&["--centre", https, "--order", "-"]).fails(2, "ORDER_TOKEN");
    let _ = terminal(&["--centre", https, "--order", &"T".repeat(65)]).fails(2, "ORDER_TOKEN");
    let failure = terminal(&["--centre", https, "--order", "T", "--ca", "fuda.toml"]).fails(5, "CENTRE_CA");
    assert_eq!(failure.place, "fuda.toml");
}

#[test]
fn failures_speak_the_persons_language() {
    let Some(desk) = Desk::new("online::refused::failures_speak_the_persons_language") else { return };
    let centre = ScriptedCentre::start(&desk.certificate, |_, tls, heard| {
        converse(tls, heard, |message| error(message, "ORDER_UNPAID", "member", Retriable::Yes));
    });
    let ended = desk.activate(&centre, &["--lang", "ja"]).exits(3);
    assert!(ended.stderr.contains("エラー[ORDER_UNPAID]") && ended.stderr.contains("お支払いは安全です"), "{ended}");
    assert_eq!(centre.heard()[0]["locale"], "ja");
}
