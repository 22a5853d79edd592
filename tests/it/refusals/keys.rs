//! Keys that are missing, suspended or not the registered ones.

use super::{nothing_started, site};
use fuda_tests::ceremony::{self, Task};
use fuda_tests::{Order, Site, agree};

fn set_state(site: &Site, key: &str, state: &str) {
    let changed = site.database().change(&format!("UPDATE key_version SET state = '{state}' WHERE name = '{key}'"));
    assert_eq!(changed, 1);
    assert_eq!(site.database().change("UPDATE key_registry SET epoch = epoch + 1"), 1);
}

#[test]
fn a_key_that_the_registry_does_not_know_is_named() {
    let site = site();
    site.edit("order.toml", "= \"ap/ticket\"", "= \"ap/ticket@7\"");
    let failure = site.line(1, &[]).wait().fails(7, "KEY_UNKNOWN");
    assert!(failure.what.contains("ap/ticket@7"), "{failure:?}");
    let _ = site.factory(&["check", "order.toml"]).fails(7, "KEY_UNKNOWN");
    nothing_started(&site);
}

#[test]
fn a_key_that_the_token_has_lost_is_named_and_nothing_is_deleted() {
    if ceremony::is_held_here() {
        return;
    }
    let site = site();
    let label = site.database().column("SELECT label FROM key_version WHERE name = 'ap/ticket'").remove(0);
    ceremony::hold(
        &site,
        "refusals::keys::a_key_that_the_token_has_lost_is_named_and_nothing_is_deleted",
        &Task::Destroy { label },
    );
    for ended in [site.line(1, &[]).wait(), site.factory(&["check", "order.toml"])] {
        let failure = ended.fails(7, "KEY_NOT_IN_TOKEN");
        assert!(failure.what.contains("ap/ticket@1") && failure.remedy.contains("delete nothing"), "{failure:?}");
    }
    assert_eq!(site.database().count("SELECT COUNT(*) FROM key_version WHERE name = 'ap/ticket'"), 1);
    nothing_started(&site);
}

#[test]
fn a_key_that_is_not_the_registered_one_stops_everything() {
    let site = site();
    let swap = "UPDATE key_version SET check_value = 'gp:ABCDEF' WHERE name = 'ap/ticket'";
    assert_eq!(site.database().change(swap), 1);
    for ended in [site.line(1, &[]).wait(), site.factory(&["check", "order.toml"])] {
        let failure = ended.fails(6, "KEY_KCV_MISMATCH");
        assert!(failure.what.contains("ap/ticket@1") && failure.what.contains("ABCDEF"), "{failure:?}");
    }
    let check = site.kms(&["check"]).exits(6).json();
    assert_eq!(check["faults"], 1, "{check}");
    nothing_started(&site);
}

#[test]
fn a_suspended_key_is_refused_before_the_job_is_made() {
    let site = site();
    set_state(&site, "ap/ticket", "SUSPENDED(ACTIVE)");
    for pin in ["ap/ticket", "ap/ticket@1"] {
        site.order(&Order::small(2));
        site.edit("order.toml", "= \"ap/ticket\"", &format!("= \"{pin}\""));
        for ended in [site.factory(&["check", "order.toml"]), site.line(1, &["--limit", "1"]).wait()] {
            assert_eq!(ended.status.code(), Some(4), "{pin}: {ended}");
            assert!(ended.json()["error"]["what"].as_str().unwrap().contains("ap/ticket"), "{ended}");
        }
    }
    nothing_started(&site);
}

#[test]
fn a_key_that_is_suspended_during_the_run_stops_it_and_every_chip_is_accounted_for() {
    let site = Site::new();
    site.order(&Order::small(6));
    site.blank("stack", 6);
    let feeder = site.feeder("stack", 1, &["--latency", "3ms"]);
    let line = site.line(1, &[]);
    site.until_ejected(1);
    set_state(&site, "ap/ticket", "SUSPENDED(ACTIVE)");
    let failure = line.wait().fails(4, "KEY_STATE_FORBIDS");
    assert!(failure.what.contains("ap/ticket@1"), "{failure:?}");
    let counts = agree::accounts(&site, "T-1");
    assert!((1..6).contains(&counts.count("good")), "{counts:?}");
    assert_eq!(site.database().column("SELECT state FROM job"), ["stopped"]);

    set_state(&site, "ap/ticket", "ACTIVE");
    assert_eq!(site.line(1, &[]).wait().done()["good"], 6);
    let _ = feeder.wait().done();
    let _ = agree::everything(&site, "T-1", &site.deliver("T-1", "T-1"));
}

#[test]
fn a_production_site_refuses_a_soft_token() {
    let site = site();
    site.edit("fuda.toml", "mode = \"test\"", "mode = \"production\"");
    let _ = site.line(1, &[]).wait().exits(4);
    nothing_started(&site);
}
