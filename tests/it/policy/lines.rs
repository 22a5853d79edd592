//! Several lines on one order: each takes what the others do not; one that dies is taken over.

use super::{commands, patient, second_line};
use fuda_tests::running::until;
use fuda_tests::{Site, agree};
use fuda_tests_cluster::{Engine, on_both_engines};

fn two_lines_make_one_order_together_and_no_card_too_many(engine: Engine) {
    let site = Site::on(engine);
    site.order(&patient(10));
    site.blank("stack", 9);
    site.blank("other", 9);
    let feeders = [site.feeder_at("stack", 0, &[]), site.feeder_at("other", 2, &[])];
    let (first, second) = (site.line(1, &[]), second_line(&site, 2, 1));
    let reports = [first.wait().done(), second.wait().done()];
    let made: Vec<u64> = reports.iter().map(|report| report["run"]["good"].as_u64().unwrap()).collect();
    assert_eq!(made.iter().sum::<u64>(), 10, "{made:?}");
    assert!(made.iter().all(|made| *made > 0), "one line made them all: {made:?}");
    drop(feeders);
    let counts = agree::everything(&site, "T-1", &site.deliver("T-1", "T-1"));
    assert_eq!((counts.count("fed"), counts.count("good")), (10, 10));
    let operators = site.database().column("SELECT DISTINCT operator FROM card ORDER BY operator");
    assert_eq!(operators, ["second", "tester"]);
    assert_eq!(site.database().count("SELECT COUNT(*) FROM line"), 0);
}

fn a_killed_lines_cards_are_finished_by_the_other(engine: Engine) {
    let site = Site::on(engine);
    site.order(&patient(8));
    site.blank("stack", 4);
    site.blank("other", 4);
    let feeder = site.feeder_at("stack", 0, &["--trace", "trace", "--latency", "5ms"]);
    let mut first = site.line(1, &[]);
    until("the first line is in the midst of a card", || commands(&site) > 70 || first.has_ended());
    let second = second_line(&site, 2, 2);
    until("the second line works", || site.database().count("SELECT COUNT(*) FROM line") == 2);
    let ended = first.kill();
    assert!(ended.status.code().is_none(), "{ended}");
    drop(feeder);
    // There are as many chips as cards ordered: the one that was begun must be finished too.
    let feeders = [site.feeder_at("other", 2, &[]), site.feeder_at("stack", 3, &[])];
    let report = second.wait().done();
    assert_eq!((&report["good"], &report["state"], &report["unknown"]), (&8.into(), &"complete".into(), &0.into()));
    drop(feeders);
    let counts = agree::everything(&site, "T-1", &site.deliver("T-1", "T-1"));
    assert_eq!((counts.count("fed"), counts.count("good")), (8, 8));
    let _ = site.factory(&["verify", "T-1"]).done();
}

fn a_line_that_waits_with_a_card_gets_what_an_idle_line_has_claimed(engine: Engine) {
    let site = Site::on(engine);
    site.order(&patient(2));
    site.blank("stack", 2);
    let idle = second_line(&site, 2, 1);
    until("the idle line has joined", || site.database().count("SELECT COUNT(*) FROM line") == 1);
    let feeder = site.feeder_at("stack", 0, &[]);
    assert_eq!(site.line(1, &[]).wait().done()["good"], 2);
    // The other hears of it, and ends as the order does.
    assert_eq!(idle.wait().done()["run"]["good"], 0);
    let _ = feeder.wait().done();
}

on_both_engines!(
    two_lines_make_one_order_together_and_no_card_too_many,
    a_killed_lines_cards_are_finished_by_the_other,
    a_line_that_waits_with_a_card_gets_what_an_idle_line_has_claimed,
);
