//! What people say reaches a running line: pause, continue, cancel, an encoder released, a key withdrawn.

use super::{commands, patient};
use fuda_tests::running::until;
use fuda_tests::{Order, Running, Site, agree};
use fuda_tests_cluster::{Engine, on_both_engines};
use std::time::Duration;

/// A running line with a feeder, in the midst of its second card.
fn running(engine: Engine, order: &Order) -> (Site, Running, Running) {
    let site = Site::on(engine);
    site.order(order);
    site.blank("stack", order.quantity);
    let feeder = site.feeder("stack", 1, &["--trace", "trace", "--latency", "4ms"]);
    let mut line = site.line(1, &[]);
    until("the line works", || commands(&site) > 70 || line.has_ended());
    (site, feeder, line)
}

fn a_paused_line_takes_no_card_until_it_is_continued(engine: Engine) {
    let (site, feeder, line) = running(engine, &patient(6));
    let said = site.factory(&["job", "pause", "T-1", "--operator", "yamada"]).done();
    assert_eq!(said["control"], "paused");
    until("the line to hear it", || line.complained().contains("paused: "));
    let count = |which: &str| site.database().count(&format!("SELECT COUNT(*) FROM card WHERE state {which}"));
    let made = count("= 'sealed'");
    // Sealed is not out yet, and a card that was just put in is in no row yet.
    until("the line to rest", || {
        let before = site.chips("ejected").len();
        std::thread::sleep(Duration::from_millis(700));
        let out = site.chips("ejected").len();
        out == before && u64::try_from(out).unwrap() == count("= 'sealed'") && count("<> 'sealed'") == 0
    });
    let good = count("= 'sealed'");
    assert!(good <= made + 1 && good < 6, "it took a card: {made}, then {good}");
    assert_eq!(site.factory(&["job", "show", "T-1"]).done()["state"], "paused");
    let _ = site.factory(&["job", "pause", "T-1"]).fails(3, "JOB_PAUSED");
    let port = format!("vpcd:127.0.0.1:{}", site.first_port() + 2);
    let _ = site.factory(&["run", "order.toml", "--encoders", &port]).fails(3, "JOB_PAUSED");

    let _ = site.factory(&["job", "continue", "T-1", "--operator", "yamada"]).done();
    assert_eq!(line.wait().done()["good"], 6);
    let _ = feeder.wait().done();
    let _ = site.factory(&["job", "continue", "T-1"]).fails(4, "JOB_NOT_PAUSED");
    let said = site.database().column("SELECT detail FROM journal WHERE event IN ('pause', 'continue') ORDER BY seq");
    assert_eq!(said, ["by yamada", "by yamada"]);
    let _ = agree::everything(&site, "T-1", &site.deliver("T-1", "T-1"));
}

fn a_cancelled_job_finishes_the_cards_in_hand_and_takes_none_more(engine: Engine) {
    let (site, feeder, line) = running(engine, &patient(6));
    let said = ["job", "cancel", "T-1", "--reason", "the customer went away", "--operator", "yamada"];
    let _ = site.factory(&said).done();
    let ended = line.wait().exits(1).json();
    assert_eq!((&ended["state"], &ended["control_reason"]), (&"cancelled".into(), &"the customer went away".into()));
    assert_eq!(ended["unknown"], 0, "{ended}");
    drop(feeder);
    let failure = site.line(1, &[]).wait().fails(4, "JOB_CANCELLED");
    assert!(failure.what.contains("the customer went away"), "{failure:?}");
    let _ = site.factory(&["job", "continue", "T-1"]).fails(4, "JOB_CANCELLED");
    let _ = site.factory(&["job", "pause", "T-9"]).fails(5, "JOB_NOT_FOUND");
    // What is good is good.
    let folder = site.path("deliveries/T-1");
    let part = site.factory(&["deliver", "T-1", "--out", folder.to_str().unwrap()]).exits(1).json();
    assert_eq!(part["cards"], ended["good"]);
}

fn a_key_that_is_suspended_stops_a_line_that_waits_for_cards(engine: Engine) {
    let site = Site::on(engine);
    site.order(&patient(2));
    let line = site.line(1, &[]);
    until("the line has begun", || site.database().count("SELECT COUNT(*) FROM line") == 1);
    let suspend = "UPDATE key_version SET state = 'SUSPENDED(ACTIVE)' WHERE name = 'ap/ticket'";
    assert_eq!(site.database().change(suspend), 1);
    let failure = line.wait().fails(4, "KEY_STATE_FORBIDS");
    assert!(failure.what.contains("ap/ticket@1") && failure.what.contains("SUSPENDED"), "{failure:?}");
    assert_eq!(site.factory(&["job", "show", "T-1"]).done()["state"], "stopped");
}

fn an_encoder_in_quarantine_is_released_by_a_person(engine: Engine) {
    let site = Site::on(engine);
    site.order(&Order { line: "stop_after = 100\nquarantine_after = 2".to_owned(), ..Order::small(2) });
    let kdk = "00112233445566778899AABBCCDDEEFF";
    let _ = site.sim(&["blank", "--count", "2", "--dir", "bad", "--initial-kdk", kdk]).done();
    let bad = site.feeder_at("bad", 0, &[]);
    let line = site.line(2, &[]);
    until("the quarantine", || line.complained().contains("quarantined"));
    let _ = bad.wait().done();
    let name = format!("vpcd:{}", site.first_port());
    let state = || {
        let listed = site.factory(&["encoder", "list"]).done();
        let row = listed["encoders"].as_array().unwrap().iter().find(|row| row["encoder"] == *name).unwrap().clone();
        row["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(state(), "quarantined");
    let _ = site.factory(&["encoder", "release", "no-such"]).fails(4, "ENCODER_NOT_QUARANTINED");
    let _ = site.factory(&["encoder", "release", &name]).done();
    assert_eq!(state(), "working");
    site.blank("stack", 2);
    let feeder = site.feeder_at("stack", 0, &[]);
    assert_eq!(line.wait().done()["good"], 2);
    let _ = feeder.wait().done();
    assert_eq!(site.factory(&["encoder", "list"]).done()["encoders"], serde_json::json!([]));
}

fn only_the_chip_that_is_asked_for_is_worked_on(engine: Engine) {
    let site = Site::on(engine);
    site.order(&patient(3));
    site.blank("stack", 3);
    let wanted = site.chips("stack")[1].file_stem().unwrap().to_str().unwrap().to_owned();
    let feeder = site.feeder("stack", 1, &[]);
    let ended = site.line(1, &["--only", &wanted]).wait();
    assert!(ended.stderr.contains("CARD_NOT_ASKED"), "{ended}");
    let report = ended.exits(3).json();
    assert_eq!((&report["good"], &report["fed"]), (&1.into(), &1.into()));
    drop(feeder);
    assert_eq!(site.database().column("SELECT kdd FROM card"), [wanted]);
    assert!(site.chips("ejected").len() >= 2, "the other came out as it was");
    let _ = site.line(1, &["--only", "no-such"]).wait().fails(5, "CARD_NOT_FOUND");
}

fn test_and_production_never_share_a_store(engine: Engine) {
    let site = Site::on(engine);
    site.make(&Order::small(1), 1);
    let _ = site.deliver("T-1", "T-1");
    site.edit("fuda.toml", "mode = \"test\"", "mode = \"production\"");
    for arguments in [&["job", "list"][..], &["deliver", "T-1"], &["check", "order.toml"], &["run", "order.toml"]] {
        let failure = site.factory(arguments).fails(4, "MODE_MIXED");
        assert!(failure.what.contains("T-1") && failure.what.contains("production"), "{failure:?}");
    }
    // A production site with a store of its own refuses cards that were delivered as tests.
    site.edit("fuda.toml", "[factory]", "[factory] # \n");
    let text = std::fs::read_to_string(site.path("fuda.toml")).unwrap();
    let url = text.lines().find(|line| line.starts_with("url")).unwrap().to_owned();
    site.edit("fuda.toml", &url, "url = \"sqlite:other.db\"");
    let folder = site.path("deliveries/T-1");
    let spec = format!("vpcd:{}", site.address(1));
    let arguments = ["verify", folder.to_str().unwrap(), "--cards", "1", "--encoders", &spec];
    let _ = site.factory(&arguments).fails(4, "MODE_MIXED");
}

on_both_engines!(
    a_paused_line_takes_no_card_until_it_is_continued,
    a_cancelled_job_finishes_the_cards_in_hand_and_takes_none_more,
    a_key_that_is_suspended_stops_a_line_that_waits_for_cards,
    an_encoder_in_quarantine_is_released_by_a_person,
    only_the_chip_that_is_asked_for_is_worked_on,
    test_and_production_never_share_a_store,
);
