//! An old copy of the database is put back: nothing starts until an officer has fenced what it forgot.

use super::patient;
use fuda_tests::{Order, Site, agree};
use fuda_tests_cluster::{Engine, on_both_engines};

/// Makes so many cards more of `order.toml`.
fn make(site: &Site, cards: u32) {
    site.blank("stack", cards);
    let feeder = site.feeder("stack", 1, &[]);
    let _ = site.line(1, &["--limit", &cards.to_string()]).wait().exits(3);
    let _ = feeder.wait().done();
}

fn is_refused(site: &Site) {
    let failure = site.factory(&["store", "check"]).fails(8, "STORE_RESTORED");
    assert!(failure.remedy.contains("store fence"), "{failure:?}");
    let _ = site.line(1, &[]).wait().fails(8, "STORE_RESTORED");
    let folder = site.path("deliveries/again");
    let _ = site.factory(&["deliver", "T-1", "--out", folder.to_str().unwrap()]).fails(8, "STORE_RESTORED");
    assert!(!folder.exists());
}

#[test]
fn serials_that_left_in_a_delivery_are_not_given_out_again() {
    let site = Site::new();
    site.order(&Order { spares: 8, ..patient(8) });
    make(&site, 2);
    let backup = site.database().bytes();
    make(&site, 2);
    let folder = site.path("deliveries/T-1-1");
    let part = site.factory(&["deliver", "T-1", "--out", folder.to_str().unwrap()]).exits(1).json();
    assert_eq!(part["cards"], 4);

    site.database().replace(&backup);
    is_refused(&site);
    // What lies in the delivery is known even to a machine that never saw the store.
    for entry in std::fs::read_dir(site.path("")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "mark") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let failure = site.factory(&["store", "check"]).fails(8, "STORE_RESTORED");
    assert!(failure.what.contains("T-1-1"), "{failure:?}");
    let fenced = site.factory(&["store", "fence", "--officer", "suzuki"]).done();
    assert_eq!((&fenced["serials"], &fenced["deliveries"]), (&2.into(), &1.into()));
    let _ = site.factory(&["store", "check"]).done();

    make(&site, 2);
    let serials = site.database().column("SELECT serial FROM card ORDER BY position");
    assert_eq!(serials.len(), 4);
    let left = ["88104000000039", "88104000000047"];
    assert!(left.iter().all(|serial| !serials.contains(&(*serial).to_owned())), "{serials:?}");
    agree::no_serial_twice(&site.database());
    // The two cards that the store knew left too: they are not delivered again.
    let folder = site.path("deliveries/T-1-2");
    let part = site.factory(&["deliver", "T-1", "--out", folder.to_str().unwrap()]).exits(1).json();
    assert_eq!((&part["cards"], &part["delivery"]), (&2.into(), &2.into()));
    let signed = site.database().rows("SELECT officer, length(signature) FROM fence");
    assert_eq!(signed, [["suzuki", "128"]]);
}

fn a_store_that_is_younger_than_the_machine_remembers_starts_no_job(engine: Engine) {
    let site = Site::on(engine);
    site.order(&patient(4));
    make(&site, 1);
    assert_eq!(site.database().change("UPDATE store_age SET generation = 0"), 1);
    is_refused(&site);
    let fenced = site.factory(&["store", "fence", "--officer", "suzuki"]).done();
    assert_eq!((&fenced["serials"], &fenced["jobs"]), (&0.into(), &1.into()));
    make(&site, 1);
    let _ = site.factory(&["store", "check"]).done();
}

#[test]
fn what_a_killed_delivery_left_is_cleared_away_by_the_next() {
    let site = Site::new();
    site.make(&Order::small(1), 1);
    let left = site.path("deliveries/.T-1.4194303");
    let at_work = site.path(&format!("deliveries/.T-1.{}", std::process::id()));
    for folder in [&left, &at_work] {
        std::fs::create_dir(folder).unwrap();
        std::fs::write(folder.join("cards.csv"), "serial").unwrap();
    }
    let _ = site.deliver("T-1", "T-1");
    assert!(!left.exists() && at_work.exists(), "only what nobody writes is cleared away");
}

on_both_engines!(a_store_that_is_younger_than_the_machine_remembers_starts_no_job,);
