//! The close: every chip that was drawn has a name, or the job stays open.

use super::patient;
use fuda_tests::running::until;
use fuda_tests::{Order, Site, agree};
use fuda_tests_cluster::{Engine, on_both_engines};

/// Closes T-1.
fn close(site: &Site, checker: &str, counted: [u32; 3]) -> fuda_tests::Ended {
    let [drawn, returned, mute] = counted.map(|count| count.to_string());
    let arguments =
        ["job", "close", "T-1", "--checker", checker, "--drawn", &drawn, "--returned", &returned, "--mute", &mute];
    site.factory(&arguments)
}

fn a_job_closes_when_every_chip_is_named(engine: Engine) {
    let site = Site::on(engine);
    site.order(&patient(2));
    // Another house's cards tell no identity; the second one is put in a second time.
    let _ = site.sim(&["blank", "--count", "1", "--dir", "stack", "--kind", "other"]).done();
    let nameless = site.chips("stack").remove(0);
    std::fs::rename(nameless, site.path("stack/0.card")).unwrap();
    site.blank("stack", 2);
    let feeder = site.feeder("stack", 1, &[]);
    let report = site.line(1, &[]).wait().done();
    assert_eq!((&report["good"], &report["rejected"]), (&2.into(), &1.into()));
    let _ = feeder.wait().done();

    // Five were drawn: two good, one nameless, one that never started, one returned.
    let failure = close(&site, "tanaka", [5, 1, 1]).fails(4, "CLOSE_BALANCE");
    assert!(failure.what.contains("1 are missing"), "{failure:?}");
    let failure = close(&site, "tanaka", [4, 1, 2]).fails(4, "CLOSE_BALANCE");
    assert!(failure.what.contains("1 are too many"), "{failure:?}");
    let _ = close(&site, "tester", [5, 1, 2]).fails(4, "JOB_SAME_PERSON");
    let closed = close(&site, "tanaka", [5, 1, 2]).done();
    assert_eq!((&closed["accounts"]["fed"], &closed["accounts"]["rejected"]), (&4.into(), &2.into()));
    assert_eq!(agree::accounts(&site, "T-1").count("fed"), 4);

    let _ = close(&site, "tanaka", [5, 1, 2]).fails(4, "JOB_CLOSED");
    let _ = site.line(1, &[]).wait().fails(4, "JOB_CLOSED");
    let _ = site.factory(&["job", "cancel", "T-1", "--reason", "late"]).fails(4, "JOB_CLOSED");
    let _ = agree::everything(&site, "T-1", &site.deliver("T-1", "T-1"));
    let _ = site.factory(&["verify", "T-1"]).done();
}

fn a_job_with_cards_to_come_closes_only_when_it_is_cancelled_and_nobody_works_on_it(engine: Engine) {
    let site = Site::on(engine);
    site.order(&patient(2));
    site.blank("stack", 1);
    let feeder = site.feeder("stack", 1, &[]);
    let line = site.line(1, &[]);
    let _ = feeder.wait().done();
    let _ = close(&site, "tanaka", [1, 0, 0]).fails(4, "JOB_UNFILLED");
    until("the card is good", || site.database().count("SELECT COUNT(*) FROM card WHERE state = 'sealed'") == 1);
    let _ = site.factory(&["job", "cancel", "T-1", "--reason", "no more chips"]).done();
    let _ = line.wait().exits(1);
    let closed = close(&site, "tanaka", [1, 0, 0]).exits(1).json();
    assert_eq!((&closed["accounts"]["good"], &closed["accounts"]["unfilled"]), (&1.into(), &1.into()));
}

fn the_first_articles_of_a_small_order_wait_too(engine: Engine) {
    let site = Site::on(engine);
    site.order(&Order { line: "first_article = 3".to_owned(), ..Order::small(2) });
    site.blank("stack", 2);
    let feeder = site.feeder("stack", 1, &[]);
    let report = site.line(1, &[]).wait().exits(3).json();
    assert_eq!((&report["good"], &report["state"]), (&2.into(), &"complete".into()));
    let _ = feeder.wait().done();
    let folder = site.path("deliveries/T-1");
    let deliver = ["deliver", "T-1", "--out", folder.to_str().unwrap()];
    let _ = site.factory(&deliver).fails(3, "FIRST_ARTICLE");
    assert!(!folder.exists());
    let _ = site.line(1, &[]).wait().fails(3, "FIRST_ARTICLE");
    let _ = site.factory(&["job", "approve", "T-1", "--checker", "tanaka"]).done();
    let _ = site.factory(&deliver).done();
    assert_eq!(site.line(1, &[]).wait().done()["run"]["good"], 0);
}

on_both_engines!(
    a_job_closes_when_every_chip_is_named,
    a_job_with_cards_to_come_closes_only_when_it_is_cancelled_and_nobody_works_on_it,
    the_first_articles_of_a_small_order_wait_too,
);
