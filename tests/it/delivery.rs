//! Deliveries: checked by strangers' programs, handed over in parts, continued after a cut, and refused when touched.

use fuda_tests::running::until;
use fuda_tests::{Delivery, Order, Site, agree, skip};
use fuda_tests_cluster::{Engine, on_both_engines};
use std::collections::BTreeSet;
use std::path::Path;

fn deliver<'a>(folder: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    [&["deliver", "T-1", "--out", folder.to_str().unwrap()], more].concat()
}

fn a_delivery_is_checked_with_programs_that_know_nothing_of_fuda(engine: Engine) {
    let name = "delivery::a_delivery_is_checked_with_programs_that_know_nothing_of_fuda";
    let (Some(sha256sum), Some(openssl)) = (skip::needs(name, "sha256sum"), skip::needs(name, "openssl")) else {
        return;
    };
    let site = Site::on(engine);
    site.make(&Order::small(3), 2);
    let delivery = site.deliver("T-1", "out");
    let _ = agree::everything(&site, "T-1", &delivery);

    let here = |program: &Path, arguments: &[&str]| {
        let mut command = site.command(program, arguments);
        command.current_dir(&delivery.folder).output().unwrap()
    };
    let sums = here(&sha256sum, &["--strict", "-c", "SHA256SUMS"]);
    let said = String::from_utf8(sums.stdout).unwrap();
    assert!(sums.status.success(), "{said}");
    let names = ["cards.csv", "cards.jsonl", "manifest.json", "manifest.sig", "receipt.pem", "rejects.csv"];
    assert_eq!(
        said,
        names.map(|name| format!("{name}: OK\n")).concat(),
        "every file but the list itself is in the list"
    );

    let verify = ["dgst", "-sha256", "-verify", "receipt.pem", "-signature", "manifest.sig", "manifest.json"];
    let verified = here(&openssl, &verify);
    assert!(verified.status.success() && verified.stdout.starts_with(b"Verified OK"), "{verified:?}");
    std::fs::write(delivery.folder.join("manifest.json"), delivery.manifest.to_string() + " ").unwrap();
    assert!(!here(&openssl, &verify).status.success(), "another manifest has the same signature");
}

fn cards_of_a_delivery_are_opened_again_by_another_process(engine: Engine) {
    let site = Site::on(engine);
    site.make(&Order::small(3), 1);
    let delivery = site.deliver("T-1", "out");
    std::fs::rename(site.path("ejected"), site.path("again")).unwrap();
    let feeder = site.feeder("again", 2, &[]);
    let spec = format!("vpcd:{}", site.address(2));
    let folder = delivery.folder.to_str().unwrap();
    let verified = site.factory(&["verify", folder, "--cards", "all", "--encoders", &spec]).done();
    assert_eq!((&verified["cards_audited"], &verified["delivery"]["cards"]), (&3.into(), &3.into()), "{verified}");
    let _ = feeder.wait().done();
}

fn parts_share_no_card_and_together_they_are_the_job(engine: Engine) {
    let site = Site::on(engine);
    site.make(&Order::small(5), 2);
    let folders = ["a", "b", "c"].map(|name| site.path(&format!("deliveries/{name}")));
    let first = site.factory(&deliver(&folders[0], &["--quantity", "2"])).done();
    let second = site.factory(&deliver(&folders[1], &["--quantity", "2"])).done();
    let third = site.factory(&deliver(&folders[2], &[])).done();
    let told = [first, second, third].map(|part| (part["delivery"].clone(), part["cards"].clone()));
    assert_eq!(told, [(1.into(), 2.into()), (2.into(), 2.into()), (3.into(), 1.into())]);
    let parts = folders.clone().map(|folder| Delivery::read(&folder));
    let serials: Vec<&str> = parts.iter().flat_map(|part| part.column("serial")).collect();
    assert_eq!(serials.len(), 5);
    assert!(serials.is_sorted(), "lowest serials first: {serials:?}");
    assert_eq!(serials.iter().collect::<BTreeSet<_>>().len(), 5, "{serials:?}");
    for part in &parts {
        assert_eq!(part.manifest["delivery"]["extent"], "part");
        assert_eq!(part.manifest["counts"]["good"], 5);
        let _ = site.factory(&["verify", part.folder.to_str().unwrap()]).done();
    }
    let empty = site.factory(&deliver(&site.path("deliveries/d"), &[])).fails(4, "DELIVERY_EMPTY");
    assert!(empty.what.contains("T-1"), "{empty:?}");
    assert_eq!(site.database().column("SELECT state FROM delivery"), ["published", "published", "published"]);
}

fn a_refused_delivery_sets_no_card_aside(engine: Engine) {
    let site = Site::on(engine);
    site.make(&Order::small(3), 1);
    let taken = site.path("deliveries/taken");
    std::fs::create_dir(&taken).unwrap();
    let refused = site.factory(&deliver(&taken, &[])).fails(4, "DELIVERY_EXISTS");
    assert!(refused.place.ends_with("taken"), "{refused:?}");
    let _ = site.factory(&deliver(&site.path("no/such/parent"), &[])).fails(8, "DELIVERY_IO");
    let _ = site.factory(&["deliver", "T-9", "--out", "x"]).fails(5, "JOB_NOT_FOUND");
    assert_eq!(site.database().count("SELECT COUNT(*) FROM delivery"), 0);
    // The next one is asked for less, and gets what it asked for.
    let part = site.factory(&deliver(&site.path("deliveries/part"), &["--quantity", "1"])).done();
    assert_eq!((&part["delivery"], &part["cards"]), (&1.into(), &1.into()));
    assert_eq!(std::fs::read_dir(site.path("deliveries")).unwrap().count(), 2, "something was left behind");
}

fn a_delivery_that_was_cut_is_continued_with_the_same_cards(engine: Engine) {
    let site = Site::on(engine);
    site.order(&Order::small(4));
    site.blank("stack", 4);
    let feeder = site.feeder("stack", 1, &[]);
    let _ = site.line(1, &["--limit", "2"]).wait().exits(3);
    // Killed as soon as the database knows of it: it is begun, and only by luck published.
    let begun = "SELECT COUNT(*) FROM delivery";
    let folder = site.path("deliveries/cut");
    let mut running = site.start(&fuda_tests::program::binary("fuda-factory"), &deliver(&folder, &[]));
    until("a delivery to begin", || site.database().count(begun) == 1 || running.has_ended());
    let _ = running.kill();
    let state = site.database().column("SELECT state FROM delivery").remove(0);
    let chosen = site.database().column("SELECT serial FROM card WHERE delivery = 1 ORDER BY position");
    assert_eq!(chosen.len(), 2);

    let _ = site.line(1, &[]).wait().done();
    let _ = feeder.wait().done();
    if state == "begun" {
        // Two more cards are good by now: they do not slip into a part that was begun without them.
        let again = site.factory(&deliver(&site.path("deliveries/again"), &[])).done();
        assert_eq!((&again["delivery"], &again["cards"]), (&1.into(), &2.into()));
        assert_eq!(Delivery::read(&site.path("deliveries/again")).column("serial"), chosen);
    }
    let rest = site.factory(&deliver(&site.path("deliveries/rest"), &[])).done();
    assert_eq!((&rest["delivery"], &rest["cards"]), (&2.into(), &2.into()));
    let rest = Delivery::read(&site.path("deliveries/rest"));
    assert!(rest.column("serial").iter().all(|serial| !chosen.iter().any(|other| other == serial)));
}

fn a_delivery_that_was_touched_is_refused(engine: Engine) {
    let site = Site::on(engine);
    site.make(&Order::small(2), 1);
    let delivery = site.deliver("T-1", "out");
    let folder = delivery.folder.to_str().unwrap().to_owned();
    let _ = site.factory(&["verify", &folder]).done();
    for name in
        ["cards.csv", "cards.jsonl", "rejects.csv", "manifest.json", "manifest.sig", "receipt.pem", "SHA256SUMS"]
    {
        let path = delivery.folder.join(name);
        let good = std::fs::read(&path).unwrap();
        let mut changed = good.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 0x01;
        std::fs::write(&path, &changed).unwrap();
        let ended = site.factory(&["verify", &folder]).exits(6);
        assert!(ended.stderr.contains(name), "the finding names {name}: {ended}");
        std::fs::remove_file(&path).unwrap();
        let _ = site.factory(&["verify", &folder]).exits(6);
        std::fs::write(&path, &good).unwrap();
    }
    let _ = site.factory(&["verify", &folder]).done();
}

fn a_part_of_an_unfinished_job_says_that_cards_are_to_come(engine: Engine) {
    let site = Site::on(engine);
    site.order(&Order::small(3));
    site.blank("stack", 1);
    let feeder = site.feeder("stack", 1, &[]);
    let _ = site.line(1, &["--limit", "1"]).wait().exits(3);
    let _ = feeder.wait().done();
    let ended = site.factory(&deliver(&site.path("deliveries/part"), &[])).exits(1);
    assert_eq!((&ended.json()["cards"], &ended.json()["unfilled"]), (&1.into(), &2.into()));
    assert!(ended.stdout.contains("2 of 3 ordered cards are still to come"), "{ended}");
}

fn a_folder_that_was_finished_before_the_journal_knew_is_not_written_twice(engine: Engine) {
    let site = Site::on(engine);
    site.make(&Order::small(2), 1);
    let first = site.path("deliveries/a");
    let told = site.factory(&deliver(&first, &[])).done();
    // What a kill between the folder's name and the journal's last word leaves.
    assert_eq!(site.database().change("UPDATE delivery SET state = 'begun'"), 1);
    let other = site.path("deliveries/b");
    let again = site.factory(&deliver(&other, &[])).done();
    assert_eq!((&again["delivery"], &again["manifest_sha256"]), (&told["delivery"], &told["manifest_sha256"]));
    assert!(first.is_dir() && !other.exists(), "one part, one folder");
    let _ = site.factory(&deliver(&other, &[])).fails(4, "DELIVERY_EMPTY");
}

fn a_folder_that_is_called_like_a_job_is_not_taken_for_its_delivery(engine: Engine) {
    let site = Site::on(engine);
    site.make(&Order::small(1), 1);
    std::fs::create_dir(site.path("T-1")).unwrap();
    let told = site.factory(&["verify", "T-1"]).done();
    assert_eq!(told["job"], "T-1");
}

on_both_engines!(
    a_delivery_is_checked_with_programs_that_know_nothing_of_fuda,
    cards_of_a_delivery_are_opened_again_by_another_process,
    parts_share_no_card_and_together_they_are_the_job,
    a_refused_delivery_sets_no_card_aside,
    a_delivery_that_was_cut_is_continued_with_the_same_cards,
    a_delivery_that_was_touched_is_refused,
    a_part_of_an_unfinished_job_says_that_cards_are_to_come,
    a_folder_that_was_finished_before_the_journal_knew_is_not_written_twice,
    a_folder_that_is_called_like_a_job_is_not_taken_for_its_delivery,
);
