//! The disk is full, or the database is away: the fault is named, nothing is lost, and the same command goes on when it is mended.

use fuda_tests::mounts::{self, SmallDisk};
use fuda_tests::running::until;
use fuda_tests::{Delivery, Order, Site, agree};

/// Cards of the order; their journal needs more room than the small disk has.
const CARDS: u32 = 60;
/// Room for schema, keys and the cards until the middle of the order, in KiB.
const MIDDLE_KIB: u32 = 1_600;
/// Room for everything.
const ENOUGH_KIB: u32 = 64_000;
/// A file system of a single page takes no table of cards.
const PAGE_KIB: u32 = 4;

fn everything_agrees(site: &Site, delivery: &Delivery) {
    let counts = agree::everything(site, "T-1", delivery);
    assert_eq!((counts.count("good"), counts.count("rejected"), counts.count("unknown")), (u64::from(CARDS), 0, 0));
    let _ = site.factory(&["verify", "T-1"]).done();
}

#[test]
fn a_full_disk_stops_the_line_by_name_and_the_same_command_goes_on() {
    if !mounts::are_our_own("disk::a_full_disk_stops_the_line_by_name_and_the_same_command_goes_on") {
        return;
    }
    let site = Site::new();
    let folder = site.path("small");
    let disk = SmallDisk::over(&folder, MIDDLE_KIB);
    std::fs::rename(site.path("factory.db"), site.path("factory.before")).unwrap();
    std::fs::copy(site.path("factory.before"), folder.join("factory.db")).unwrap();
    site.edit("fuda.toml", "sqlite:factory.db", "sqlite:small/factory.db");
    site.order(&Order { spares: 0, ..Order::small(CARDS) });
    site.blank("stack", CARDS);
    let feeder = site.feeder("stack", 2, &[]);
    let failure = site.line(2, &[]).wait().fails(8, "STORE_FULL");
    assert!(failure.remedy.contains("free space"), "{failure:?}");
    // Nothing was made room for: it is the same again.
    let _ = site.line(2, &[]).wait().fails(8, "STORE_FULL");
    let out = site.chips("ejected").len();
    assert!((1..CARDS as usize).contains(&out), "{out} cards came out");

    disk.resize(ENOUGH_KIB);
    assert_eq!(site.line(2, &[]).wait().done()["good"], CARDS);
    let _ = feeder.wait().done();
    std::os::unix::fs::symlink("small/factory.db", site.path("factory.db")).unwrap();
    everything_agrees(&site, &site.deliver("T-1", "T-1"));
}

#[test]
fn a_full_disk_leaves_no_half_delivery_and_the_next_one_has_the_same_cards() {
    if !mounts::are_our_own("disk::a_full_disk_leaves_no_half_delivery_and_the_next_one_has_the_same_cards") {
        return;
    }
    let site = Site::new();
    site.make(&Order { spares: 0, ..Order::small(CARDS) }, 2);
    let folder = site.path("small");
    let disk = SmallDisk::over(&folder, PAGE_KIB);
    let target = folder.join("T-1");
    for _ in 0..2 {
        let failure =
            site.factory(&["deliver", "T-1", "--out", target.to_str().unwrap()]).fails(8, "DELIVERY_DISK_FULL");
        assert!(failure.place.contains("small"), "{failure:?}");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "something is left of it");
    }
    disk.resize(ENOUGH_KIB);
    let done = site.factory(&["deliver", "T-1", "--out", target.to_str().unwrap()]).done();
    assert_eq!((&done["delivery"], &done["cards"]), (&1.into(), &CARDS.into()), "{done}");
    everything_agrees(&site, &Delivery::read(&target));
}

#[test]
fn a_database_that_is_moved_away_stops_the_line_by_name_and_the_same_command_goes_on() {
    let site = Site::new();
    site.order(&Order { spares: 0, ..Order::small(CARDS) });
    site.blank("stack", CARDS);
    let feeder = site.feeder("stack", 2, &["--latency", "1ms"]);
    let mut line = site.line(2, &[]);
    until("cards are made", || site.chips("ejected").len() >= 3 || line.has_ended());
    let away = || {
        ["factory.db", "factory.db-wal", "factory.db-shm"]
            .map(|name| (site.path(name), site.path(&format!("away-{name}"))))
    };
    away().iter().for_each(|(here, there)| std::fs::rename(here, there).unwrap());
    let _ = line.wait().fails(8, "STORE_GONE");
    // What the line leaves in their place, if anything, is none of theirs.
    for (here, there) in away() {
        let _ = std::fs::remove_file(&here);
        std::fs::rename(there, here).unwrap();
    }
    assert_eq!(site.line(2, &[]).wait().done()["good"], CARDS);
    let _ = feeder.wait().done();
    everything_agrees(&site, &site.deliver("T-1", "T-1"));
}
