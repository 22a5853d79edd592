//! The database's server goes away while cards are made: for a moment, and for longer than the line waits.

use fuda_tests::running::until;
use fuda_tests::{Order, Running, Site, agree};
use fuda_tests_cluster::{Cluster, Engine, Syncs, engine_here};
use std::time::Duration;

/// A cluster that the test can take away, and a site with an order of twelve cards on it.
fn site(test: &str) -> Option<(Cluster, Site)> {
    engine_here(Engine::Postgres, test)?;
    let cluster = Cluster::start(Syncs::Yes).unwrap();
    let site = Site::on_cluster(&cluster);
    site.order(&Order { spares: 0, ..Order::small(12) });
    site.blank("stack", 12);
    Some((cluster, site))
}

/// Waits until the line is in the midst of its work.
fn until_some_are_made(site: &Site, line: &mut Running) {
    until("cards are made", || site.chips("ejected").len() >= 3 || line.has_ended());
    assert!(!line.has_ended(), "the line was done before the server went");
}

fn everything_agrees(site: &Site) {
    let counts = agree::everything(site, "T-1", &site.deliver("T-1", "T-1"));
    assert_eq!((counts.count("good"), counts.count("fed"), counts.count("rejected")), (12, 12, 0));
    let _ = site.factory(&["verify", "T-1"]).done();
}

#[test]
fn a_server_that_crashes_and_comes_back_stops_nothing() {
    let Some((mut cluster, site)) = site("outage::a_server_that_crashes_and_comes_back") else { return };
    let feeder = site.feeder("stack", 2, &["--latency", "2ms"]);
    let mut line = site.line(2, &[]);
    until_some_are_made(&site, &mut line);
    cluster.stop();
    std::thread::sleep(Duration::from_secs(3));
    cluster.run();
    let report = line.wait().done();
    assert_eq!((&report["good"], &report["state"]), (&12.into(), &"complete".into()));
    let _ = feeder.wait().done();
    everything_agrees(&site);
}

#[test]
fn a_server_that_stays_away_is_named_and_the_same_command_finishes_the_order() {
    let Some((mut cluster, site)) = site("outage::a_server_that_stays_away") else { return };
    let feeder = site.feeder("stack", 2, &["--latency", "2ms"]);
    let mut line = site.line(2, &[]);
    until_some_are_made(&site, &mut line);
    cluster.stop();
    // It seeks the server for 20 s, and then ends by itself.
    let ended = line.wait();
    assert_eq!(ended.status.code(), Some(8), "{ended:?}");
    assert!(format!("{ended:?}").contains("STORE_UNREACHABLE"), "{ended:?}");
    let _ = site.factory(&["job", "show", "T-1"]).fails(8, "STORE_UNREACHABLE");

    cluster.run();
    let report = site.line(2, &[]).wait().done();
    assert_eq!((&report["good"], &report["state"]), (&12.into(), &"complete".into()));
    let _ = feeder.wait().done();
    everything_agrees(&site);
}
