//! The clock is put back in the middle of an order: the line says so and goes on, and the journal tells the step.

use fuda_cli::{Source, config};
use fuda_issuance::{JobState, Journal};
use fuda_store::{Options, SetClock, Store};
use fuda_tests::{Order, Site, agree};
use fuda_tests_cluster::{Engine, on_both_engines};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// How far the clock was wrong.
const WRONG: SignedDuration = SignedDuration::from_hours(2);

/// An entry of the job by somebody whose clock is wrong.
fn with_the_wrong_clock(site: &Site) {
    let config = config::parse(&Source::read(&site.path("fuda.toml")).unwrap(), &site.path("")).unwrap();
    let clock = Arc::new(SetClock::new(Timestamp::now() + WRONG, TimeZone::UTC));
    let store = Store::open_with(&config.store.url, &Options { clock, ..Options::default() }).unwrap();
    Journal::open(&store, "T-1").unwrap().set_state(JobState::Stopped, "the shift ended").unwrap();
}

fn a_clock_that_is_put_back_is_told_and_the_order_is_finished(engine: Engine) {
    let site = Site::on(engine);
    site.order(&Order { spares: 0, ..Order::small(5) });
    site.blank("stack", 5);
    let feeder = site.feeder("stack", 1, &[]);
    let first = site.line(1, &["--limit", "2"]).wait().exits(3);
    assert!(!first.stderr.contains("CLOCK"), "{first}");
    with_the_wrong_clock(&site);

    let ended = site.line(1, &["--limit", "1"]).wait().exits(3);
    assert!(ended.stderr.contains("warning[CLOCK_BEHIND]"), "{ended}");
    let ended = site.line(1, &[]).wait();
    assert!(!ended.stderr.contains("CLOCK"), "the step is told once: {ended}");
    assert_eq!(ended.done()["state"], "complete");
    let _ = feeder.wait().done();
    let _ = agree::everything(&site, "T-1", &site.deliver("T-1", "T-1"));

    let entries = site.database().rows("SELECT at, event, detail FROM journal WHERE job = 'T-1' ORDER BY seq");
    let back: Vec<_> = entries.windows(2).filter(|pair| pair[1][0] < pair[0][0]).map(|pair| &pair[1]).collect();
    assert_eq!(back.len(), 1, "{entries:?}");
    assert_eq!(back[0][1], "clock");
    assert!(back[0][2].starts_with("put back from "), "{back:?}");
    let _ = site.factory(&["verify", "T-1"]).done();
}

on_both_engines!(a_clock_that_is_put_back_is_told_and_the_order_is_finished);
