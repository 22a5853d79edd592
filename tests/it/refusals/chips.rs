//! Chips that are not the line's to issue: each is named, counted where it belongs, and left as it was.

use fuda_tests::{Chip, Order, Site, agree};

fn memory(site: &Site, folder: &str) -> Vec<Vec<u8>> {
    site.chips(folder).iter().map(|file| std::fs::read(file).unwrap()).collect()
}

#[test]
fn a_foreign_chip_falls_into_the_reject_bin_and_is_not_written() {
    let site = Site::new();
    site.order(&Order::small(2));
    let foreign = ["blank", "--count", "1", "--dir", "stack", "--initial-kdk", "00112233445566778899AABBCCDDEEFF"];
    // The lowest identity is drawn first.
    let _ = site.sim(&[&foreign[..], &["--kdd-from", "00000000000000000001"]].concat()).done();
    site.blank("stack", 2);
    let feeder = site.feeder("stack", 1, &[]);
    let report = site.line(1, &[]).wait().done();
    assert_eq!((&report["good"], &report["rejected"], &report["fed"]), (&2.into(), &1.into(), &3.into()));
    let _ = feeder.wait().done();
    let delivery = site.deliver("T-1", "T-1");
    let _ = agree::everything(&site, "T-1", &delivery);
    let reject = &delivery.rejects[0];
    assert_eq!(reject["chip_id"], "00000000000000000001");
    let told =
        ["seq", "serial", "class", "sw", "attempt", "live_keys", "disposition"].map(|name| reject[name].as_str());
    assert_eq!(told, ["1", "", "key", "", "1", "0", "foreign"]);
    assert_eq!(site.database().column("SELECT code FROM reject"), ["SCP03_CARD_CRYPTOGRAM"]);
    let chip = Chip::ejected(&site, "00000000000000000001");
    assert_eq!(chip.state, "blank");
    let shown = site.sim(&["show", site.path("ejected/00000000000000000001.card").to_str().unwrap()]).done();
    assert_eq!(shown["failures"], 0, "the host did not try to authenticate");
}

#[test]
fn a_chip_without_the_key_set_of_its_stage_is_counted_once_however_often_it_is_put_in() {
    let site = Site::new();
    site.order(&Order { stages: "[1]".to_owned(), line: "stop_after = 1".to_owned(), ..Order::small(2) });
    site.blank("stack", 1);
    for time in 1..=2 {
        let feeder = site.feeder("stack", 1, &[]);
        let ended = site.line(1, &[]).wait();
        drop(feeder);
        let counts = agree::accounts(&site, "T-1");
        assert_eq!((counts.count("fed"), counts.count("rejected")), (1, 1), "time {time}: {ended}");
        let chip = site.chips("ejected").remove(0);
        std::fs::rename(chip, site.path("stack/0.card")).unwrap();
    }
    let kdd = Chip::read(&site, &site.path("stack/0.card")).kdd;
    assert_eq!(site.database().column("SELECT kdd FROM reject"), [kdd]);
    assert_eq!(Chip::read(&site, &site.path("stack/0.card")).state, "blank");
}

#[test]
fn a_good_card_that_is_put_in_again_changes_no_account() {
    let site = Site::new();
    site.order(&Order::small(3));
    site.blank("stack", 3);
    let feeder = site.feeder("stack", 1, &[]);
    let report = site.line(1, &["--limit", "2"]).wait().exits(3).json();
    assert_eq!(report["good"], 2);
    drop(feeder);
    let mut again = site.chips("ejected");
    assert_eq!(again.len(), 2);
    std::fs::create_dir(site.path("again")).unwrap();
    std::fs::rename(again.remove(0), site.path("again/0.card")).unwrap();
    std::fs::rename(&site.chips("stack")[0], site.path("again/1.card")).unwrap();

    let feeder = site.feeder("again", 1, &[]);
    let ended = site.line(1, &[]).wait();
    assert!(ended.stderr.contains("CARD_ALREADY_ISSUED"), "{ended}");
    let report = ended.done();
    assert_eq!((&report["good"], &report["rejected"], &report["fed"]), (&3.into(), &0.into(), &3.into()));
    let _ = feeder.wait().done();
    for name in ["0", "1"] {
        let file = site.path("ejected").join(format!("{name}.card"));
        let kdd = Chip::read(&site, &file).kdd;
        std::fs::rename(file, site.path("ejected").join(format!("{kdd}.card"))).unwrap();
    }
    let _ = agree::everything(&site, "T-1", &site.deliver("T-1", "T-1"));
}

#[test]
fn a_card_of_another_job_is_refused_and_stays_that_jobs() {
    let site = Site::new();
    site.make(&Order::small(1), 1);
    let before = memory(&site, "ejected");
    std::fs::rename(site.path("ejected"), site.path("mixed")).unwrap();
    let card = site.chips("mixed").remove(0);
    std::fs::rename(card, site.path("mixed/0.card")).unwrap();
    site.blank("mixed", 1);

    site.order(&Order { id: "T-2".to_owned(), first: 9_000_000_000_001, ..Order::small(1) });
    let feeder = site.feeder("mixed", 1, &[]);
    let ended = site.line(1, &[]).wait();
    assert!(ended.stderr.contains("CARD_OF_OTHER_JOB"), "{ended}");
    let report = ended.done();
    assert_eq!((&report["good"], &report["rejected"]), (&1.into(), &1.into()));
    let _ = feeder.wait().done();
    assert_eq!(site.database().column("SELECT job FROM card WHERE state = 'sealed' ORDER BY job"), ["T-1", "T-2"]);
    assert_eq!(
        site.database().rows("SELECT job, code, disposition FROM reject"),
        [["T-2", "CARD_OF_OTHER_JOB", "foreign"]]
    );
    assert_eq!(agree::accounts(&site, "T-1").count("fed"), 1);
    let _ = agree::accounts(&site, "T-2");
    agree::no_serial_twice(&site.database());
    // Opening its channels moved its counters, and nothing else of it.
    let after = memory(&site, "ejected");
    assert_eq!(before[0].len(), after.iter().find(|card| card.len() == before[0].len()).unwrap().len());
    let chip = Chip::read(&site, &site.path("ejected/0.card"));
    let hash = site.database().column("SELECT profile_sha256 FROM job WHERE id = 'T-1'").remove(0);
    agree::Product::read("membership-1ap", &hash, "T").is_on(&chip);
}

#[test]
fn an_order_without_serials_left_ends_incomplete_and_its_chips_are_all_counted() {
    let site = Site::new();
    site.order(&Order { spares: 0, ..Order::small(2) });
    site.blank("stack", 3);
    // The first chip refuses its second file: its serial is withdrawn, and the order has none to spare.
    let feeder = site.feeder("stack", 1, &["--fault", "1/ins=E0#2:sw=6581"]);
    let failure = site.line(1, &[]).wait().fails(1, "SERIAL_RANGE_EXHAUSTED");
    assert!(failure.what.contains("T-1") && !failure.remedy.is_empty(), "{failure:?}");
    drop(feeder);
    let counts = agree::accounts(&site, "T-1");
    assert_eq!((counts.count("good"), counts.count("rejected"), counts.count("unfilled")), (1, 1, 1));
    assert_eq!(site.database().rows("SELECT class, code, sw FROM reject"), [["card", "CARD_STATUS", "6581"]]);
    assert_eq!(site.database().column("SELECT COUNT(*) FROM serial"), ["2"], "the third chip got no serial");
    let folder = site.path("deliveries/T-1");
    let part = site.factory(&["deliver", "T-1", "--out", folder.to_str().unwrap()]).exits(1).json();
    assert_eq!((&part["cards"], &part["unfilled"]), (&1.into(), &1.into()));
}

#[test]
fn two_orders_that_share_serials_never_share_a_card() {
    let site = Site::new();
    site.make(&Order::small(2), 1);
    site.order(&Order { id: "T-2".to_owned(), first: 8_810_400_000_002, spares: 0, ..Order::small(1) });
    site.blank("stack", 1);
    let feeder = site.feeder("stack", 1, &[]);
    let failure = site.line(1, &[]).wait().fails(4, "SERIAL_TAKEN");
    assert!(failure.what.contains("88104000000021"), "{failure:?}");
    drop(feeder);
    assert!(site.chips("stack").iter().all(|file| Chip::read(&site, file).state == "blank"));
    let _ = agree::accounts(&site, "T-2");
    agree::no_serial_twice(&site.database());
}
