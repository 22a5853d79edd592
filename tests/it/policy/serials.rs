//! A serial moves to another chip only if nothing was sent under it, or the first chip was terminated and said so.

use super::patient;
use fuda_tests::{Chip, Order, Site, agree};
use fuda_tests_cluster::{Engine, on_both_engines};

/// Runs an order of two cards without spares whose first chip meets `faults`.
fn first_chip_meets(engine: Engine, order: &Order, faults: &[&str]) -> (Site, String) {
    let site = Site::on(engine);
    site.order(order);
    site.blank("stack", 3);
    let first = site.chips("stack")[0].file_stem().unwrap().to_str().unwrap().to_owned();
    let arguments: Vec<&str> = faults.iter().flat_map(|fault| ["--fault", fault]).collect();
    let feeder = site.feeder("stack", 1, &arguments);
    let ended = site.line(1, &[]).wait();
    drop(feeder);
    std::fs::write(site.path("said"), format!("{ended}")).unwrap();
    (site, first)
}

fn a_serial_under_which_nothing_was_sent_goes_to_the_next_chip(engine: Engine) {
    let order = Order { spares: 0, ..patient(2) };
    let (site, first) = first_chip_meets(engine, &order, &["1/ins=82:sw=6300"]);
    let delivery = site.deliver("T-1", "T-1");
    assert_eq!(delivery.column("serial"), ["88104000000013", "88104000000021"]);
    let reject = &delivery.rejects[0];
    let told = ["chip_id", "serial", "live_keys", "disposition"].map(|name| reject[name].as_str());
    assert_eq!(told, [first.as_str(), "", "0", "bin"]);
    let _ = agree::everything(&site, "T-1", &delivery);
    let events = format!("SELECT event FROM journal WHERE kdd = '{first}' ORDER BY seq");
    assert_eq!(site.database().column(&events), ["bind", "intend", "reject", "release"]);
}

fn a_chip_that_was_terminated_gives_its_serial_back(engine: Engine) {
    let order = Order { spares: 0, ..patient(2) };
    let (site, first) = first_chip_meets(engine, &order, &["1/ins=E0#7:sw=6581"]);
    let delivery = site.deliver("T-1", "T-1");
    assert_eq!(delivery.column("serial"), ["88104000000013", "88104000000021"]);
    let reject = &delivery.rejects[0];
    assert_eq!((reject["live_keys"].as_str(), reject["serial"].as_str()), ("0", ""));
    let _ = agree::everything(&site, "T-1", &delivery);
    assert_eq!(Chip::ejected(&site, &first).state, "terminated");
    let live = format!("SELECT COUNT(*) FROM card_key WHERE card = '{first}' AND state <> 'deleted'");
    assert_eq!(site.database().count(&live), 0);
    assert!(std::fs::read_to_string(site.path("said")).unwrap().contains("it was terminated"));
}

fn a_chip_that_does_not_confirm_its_end_keeps_the_serial(engine: Engine) {
    // It is terminated, and its answer is lost: nobody can know.
    let (site, first) = first_chip_meets(engine, &patient(2), &["1/ins=E0#7:sw=6581", "1/ins=FE:lost"]);
    let delivery = site.deliver("T-1", "T-1");
    assert_eq!(delivery.column("serial"), ["88104000000021", "88104000000039"]);
    let reject = &delivery.rejects[0];
    assert_eq!((reject["chip_id"].as_str(), reject["serial"].as_str()), (first.as_str(), "88104000000013"));
    assert_ne!(reject["live_keys"], "0");
    let shown = site.factory(&["job", "show", "T-1"]).done();
    assert_eq!(shown["withdrawn"][0]["serial"], "88104000000013");
    let _ = agree::everything(&site, "T-1", &delivery);
}

on_both_engines!(
    a_serial_under_which_nothing_was_sent_goes_to_the_next_chip,
    a_chip_that_was_terminated_gives_its_serial_back,
    a_chip_that_does_not_confirm_its_end_keeps_the_serial,
);
