//! The line is killed or asked to stop: it goes on from what the cards and the journal say.

use fuda_tests::random::Random;
use fuda_tests::running::until;
use fuda_tests::{Order, Running, Site, agree};
use fuda_tests_cluster::{Engine, on_both_engines};
use rustix::process::Signal;

/// Commands that the chips have met so far, by the feeder's own record.
fn commands(site: &Site) -> usize {
    std::fs::read_to_string(site.path("trace")).map_or(0, |text| text.lines().count())
}

/// Waits until the chips have met so many commands more, or the line ends by itself.
fn until_commands(site: &Site, line: &mut Running, more: u64) {
    let wanted = commands(site) + usize::try_from(more).unwrap();
    until("commands at the chips", || commands(site) >= wanted || line.has_ended());
}

fn killed_at_random_moments_it_goes_on_and_everything_agrees(engine: Engine) {
    let site = Site::on(engine);
    let mut random = Random::seeded();
    site.order(&Order::of(14));
    site.blank("stack", 14);
    let feeder = site.feeder("stack", 3, &["--trace", "trace"]);
    let mut killed = 0;
    for _ in 0..4 {
        let mut line = site.line(3, &[]);
        until_commands(&site, &mut line, random.within(20..330));
        let ended = line.kill();
        killed += u32::from(ended.status.code().is_none());
    }
    assert!(killed >= 3, "only {killed} of 4 lines died of the kill");
    let report = site.line(3, &[]).wait().done();
    assert_eq!(report["state"], "complete");
    let _ = feeder.wait().done();

    let counts = agree::everything(&site, "T-1", &site.deliver("T-1", "T-1"));
    assert_eq!((counts.count("good"), counts.count("fed"), counts.count("rejected")), (14, 14, 0));
    assert!(site.database().count("SELECT COUNT(*) FROM card WHERE attempt > 1") > 0, "no card was interrupted");
    let _ = site.factory(&["verify", "T-1"]).done();
}

fn asked_to_stop_it_finishes_the_cards_in_hand_and_the_same_command_continues(engine: Engine) {
    let site = Site::on(engine);
    site.order(&Order::small(8));
    site.blank("stack", 8);
    let feeder = site.feeder("stack", 2, &["--trace", "trace", "--latency", "2ms"]);
    let mut line = site.line(2, &[]);
    until_commands(&site, &mut line, 60);
    line.signal(Signal::TERM);
    let stopped = line.wait().exits(3).json();
    assert_eq!((&stopped["state"], &stopped["unknown"]), (&"open".into(), &0.into()), "{stopped}");
    let good = stopped["good"].as_u64().unwrap();
    assert!((1..8).contains(&good), "{stopped}");
    assert_eq!(agree::accounts(&site, "T-1").count("fed"), good, "a chip was begun and not finished");

    let report = site.line(2, &[]).wait().done();
    assert_eq!((&report["good"], &report["run"]["good"]), (&8.into(), &(8 - good).into()));
    let _ = feeder.wait().done();
    let _ = agree::everything(&site, "T-1", &site.deliver("T-1", "T-1"));
    assert_eq!(site.database().count("SELECT COUNT(*) FROM card WHERE attempt > 1"), 0, "no card was interrupted");
}

fn a_second_signal_ends_at_once_and_the_card_in_hand_is_finished_later(engine: Engine) {
    let site = Site::on(engine);
    site.order(&Order::small(2));
    site.blank("stack", 2);
    let feeder = site.feeder("stack", 1, &["--trace", "trace", "--latency", "40ms"]);
    let mut line = site.line(1, &[]);
    until_commands(&site, &mut line, 12);
    line.signal(Signal::TERM);
    // The line answers the first signal: cards in hand are being finished. Then it gets the second.
    until("the line to notice", || line.complained().contains("stopping"));
    line.signal(Signal::INT);
    let ended = line.wait();
    assert_eq!(ended.status.code(), Some(130), "{ended}");
    assert_eq!(agree::accounts(&site, "T-1").count("unknown"), 1);

    let report = site.line(1, &[]).wait().done();
    assert_eq!((&report["good"], &report["rejected"]), (&2.into(), &0.into()));
    let _ = feeder.wait().done();
    let _ = agree::everything(&site, "T-1", &site.deliver("T-1", "T-1"));
}

fn a_limit_stops_with_exit_3_and_the_rest_follows(engine: Engine) {
    let site = Site::on(engine);
    site.order(&Order::small(5));
    site.blank("stack", 5);
    let feeder = site.feeder("stack", 2, &[]);
    let report = site.line(2, &["--limit", "2"]).wait().exits(3).json();
    assert_eq!((&report["good"], &report["unfilled"], &report["unknown"]), (&2.into(), &3.into(), &0.into()));
    let report = site.line(2, &["--limit", "3"]).wait().done();
    assert_eq!((&report["good"], &report["state"]), (&5.into(), &"complete".into()));
    let _ = feeder.wait().done();
    // Nothing is left to do, and nobody needs to put in a card to be told so.
    assert_eq!(site.line(2, &[]).wait().done()["run"]["good"], 0);
}

on_both_engines!(
    killed_at_random_moments_it_goes_on_and_everything_agrees,
    asked_to_stop_it_finishes_the_cards_in_hand_and_the_same_command_continues,
    a_second_signal_ends_at_once_and_the_card_in_hand_is_finished_later,
    a_limit_stops_with_exit_3_and_the_rest_follows,
);
