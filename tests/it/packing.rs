//! Cartons: printed numbers become cards of a carton, what does not fit is named, and a carton is delivered as a whole.

use fuda_tests::program::binary;
use fuda_tests::{Delivery, Order, Site, agree};
use fuda_tests_cluster::{Engine, on_both_engines};
use serde_json::Value;
use std::collections::BTreeSet;

/// Packs what a file lists.
fn pack<'a>(carton: &'a str, size: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["pack", "T-1", "--carton", carton, "--size", size, "--from", "scanned.txt"], more].concat()
}

/// The printed numbers of the good cards, in the order of their serials.
fn printed(site: &Site) -> Vec<String> {
    site.database().column("SELECT printed FROM card WHERE job = 'T-1' AND state = 'sealed' ORDER BY position")
}

fn codes(report: &Value) -> Vec<&str> {
    report["refused"].as_array().unwrap().iter().map(|refused| refused["code"].as_str().unwrap()).collect()
}

fn cartons_are_filled_from_a_scanner_and_delivered_by_label(engine: Engine) {
    let site = Site::on(engine);
    site.make(&Order::small(5), 2);
    let numbers = printed(&site);
    // A scanner ends lines as it likes, and an empty line is nothing.
    site.write("scanned.txt", &format!("{}\r\n\n  {} \n", numbers[3], numbers[0]));
    let first = site.factory(&pack("C-1", "2", &[])).done();
    assert_eq!((&first["cards"], &first["full"], &first["matched"]), (&2.into(), &true.into(), &0.into()), "{first}");
    site.write("scanned.txt", &format!("{}\n", numbers[1]));
    let begun = site.factory(&pack("C-2", "2", &[])).exits(1).json();
    assert_eq!((&begun["cards"], &begun["full"]), (&1.into(), &false.into()), "{begun}");
    // The same command goes on with it.
    site.write("scanned.txt", &format!("{}\n{}\n", numbers[4], numbers[2]));
    let more = site.factory(&pack("C-2", "2", &[])).exits(1);
    assert_eq!(more.json()["cards"], 2, "a number is left in the file: {more}");

    let out = site.path("deliveries/c");
    let part = site.factory(&["deliver", "T-1", "--carton", "C-1", "--out", out.to_str().unwrap()]).done();
    assert_eq!((&part["delivery"], &part["cards"]), (&1.into(), &2.into()));
    let part = Delivery::read(&out);
    assert_eq!(part.column("carton"), ["C-1", "C-1"]);
    assert_eq!(part.column("printed"), [numbers[0].as_str(), numbers[3].as_str()]);
    assert_eq!(part.lines[0]["carton"], "C-1");
    let _ = site.factory(&["verify", out.to_str().unwrap()]).done();
    // What left stays closed; the rest goes with its cartons too, and one card in none.
    let _ = site.factory(&["deliver", "T-1", "--carton", "C-1", "--out", "x"]).fails(4, "DELIVERY_EMPTY");
    let _ = site.factory(&pack("C-1", "2", &[])).fails(4, "CARTON_DELIVERED");
    let rest = site.deliver("T-1", "rest");
    let cartons: Vec<&str> = rest.column("carton");
    assert_eq!(cartons, ["C-2", "", "C-2"]);
    let _ = site.factory(&["verify", "T-1"]).done();
}

fn what_does_not_belong_into_a_carton_is_named(engine: Engine) {
    let site = Site::on(engine);
    // The second chip is rejected at its first key and does not confirm its end: its serial is used up, and its package must be found.
    site.order(&Order::small(3));
    site.blank("stack", 4);
    let feeder = site.feeder("stack", 1, &["--fault", "2/ins=D8#2:mac", "--fault", "2/ins=FE:mac"]);
    let _ = site.line(1, &[]).wait();
    drop(feeder);
    let rejected = site.database().column("SELECT printed FROM card WHERE state = 'rejected'");
    let numbers = printed(&site);
    assert_eq!((rejected.len(), numbers.len()), (1, 3));
    let lines = [numbers[0].as_str(), &numbers[0], "4711", &rejected[0]];
    site.write("scanned.txt", &(lines.join("\n") + "\n"));
    let ended = site.factory(&pack("C-1", "10", &[])).exits(1);
    let report = ended.json();
    assert_eq!(codes(&report), ["PACK_TWICE", "PACK_UNKNOWN", "PACK_REJECTED"], "{ended}");
    assert_eq!((&report["cards"], &report["refused_count"]), (&1.into(), &3.into()), "{ended}");
    assert!(ended.stderr.contains("4711") && ended.stderr.contains("PACK_UNKNOWN"), "{ended}");
    let again = site.factory(&pack("C-1", "10", &[])).exits(1).json();
    assert_eq!(codes(&again)[0], "PACK_TWICE");
    let _ = site.factory(&pack("C-1", "11", &[])).fails(4, "CARTON_SIZE");
    let _ = site.factory(&["deliver", "T-1", "--carton", "C-9", "--out", "x"]).fails(5, "CARTON_UNKNOWN");
    let shown = site.factory(&["job", "show", "T-1"]).exits(0);
    assert!(shown.stdout.contains("C-1: 1 of 10 cards, 0 matched"), "{shown}");
    let _ = site.factory(&["pack", "T-9", "--carton", "C-1", "--size", "1"]).fails(5, "JOB_NOT_FOUND");
    let _ =
        site.factory(&["pack", "T-1", "--carton", "C-1", "--size", "1", "--from", "no"]).fails(5, "INPUT_UNREADABLE");
    for wrong in ["", "C 1", "../x"] {
        let _ = site.factory(&["pack", "T-1", "--carton", wrong, "--size", "1"]).exits(2);
    }
    let _ = site.factory(&["deliver", "T-1", "--carton", "C-1", "--quantity", "1"]).exits(2);
    assert_eq!(site.database().count("SELECT COUNT(*) FROM card WHERE carton <> ''"), 1);
}

fn every_nth_package_is_held_against_the_chip_in_it(engine: Engine) {
    let site = Site::on(engine);
    site.make(&Order { spares: 0, ..Order::small(3) }, 1);
    let rows = site.database().rows("SELECT printed, kdd FROM card ORDER BY position");
    let spec = format!("vpcd:{}", site.address(1));
    let matched = ["--match-every", "1", "--encoders", &spec, "--wait", "10s"];
    let put_in = |kdd: &str| {
        std::fs::create_dir_all(site.path(kdd)).unwrap();
        let file = format!("{kdd}.card");
        std::fs::copy(site.path("ejected").join(&file), site.path(kdd).join(&file)).unwrap();
        site.feeder(kdd, 1, &[])
    };
    site.write("scanned.txt", &format!("{}\n", rows[0][0]));
    let feeder = put_in(&rows[0][1]);
    let report = site.factory(&pack("C-1", "2", &matched)).exits(1).json();
    assert_eq!((&report["cards"], &report["matched"]), (&1.into(), &1.into()), "{report}");
    drop(feeder);
    // The next package holds the third card.
    site.write("scanned.txt", &format!("{}\n", rows[1][0]));
    let feeder = put_in(&rows[2][1]);
    let wrong = site.factory(&pack("C-1", "2", &matched)).fails(6, "PACK_OTHER_CARD");
    assert!(wrong.what.contains(&rows[1][0]) && wrong.place.contains("C-1"), "{wrong:?}");
    assert_eq!(site.database().count("SELECT COUNT(*) FROM journal WHERE event = 'pack-mismatch'"), 1);
    drop(feeder);
    // Nobody puts a card in.
    let waiting = [&matched[..4], &["--wait", "1s"]].concat();
    let _ = site.factory(&pack("C-1", "2", &waiting)).fails(3, "CARD_AWAITED");
    assert_eq!(site.database().column("SELECT carton FROM card ORDER BY position"), ["C-1", "", ""]);
}

fn tables_in_cp932_are_read_back_and_say_so(engine: Engine) {
    let site = Site::on(engine);
    site.write("serials.csv", "serial,printed\n88104000000013,会員番号 0001\n88104000000021,\"0002, 予備\"\n");
    let order = Order { quantity: 1, spares: 1, ..Order::small(1) }.text();
    let order =
        order.replace("source = \"counter\"\nfirst = \"8810400000001\"", "source = \"file\"\npath = \"serials.csv\"");
    site.write("order.toml", &order);
    site.blank("stack", 1);
    let feeder = site.feeder("stack", 1, &[]);
    let _ = site.line(1, &[]).wait().done();
    let _ = feeder.wait().done();
    let out = site.path("deliveries/sjis");
    let folder = out.to_str().unwrap();
    let _ = site.factory(&["deliver", "T-1", "--csv-encoding", "cp932", "--out", folder]).done();
    let cards = std::fs::read(out.join("cards.csv")).unwrap();
    let printed = b"\x89\xEF\x88\xF5\x94\xD4\x8D\x86 0001";
    assert!(cards.windows(printed.len()).any(|window| window == printed), "{cards:?}");
    let manifest: Value = serde_json::from_slice(&std::fs::read(out.join("manifest.json")).unwrap()).unwrap();
    let encodings: Vec<&Value> = manifest["files"].as_array().unwrap().iter().map(|file| &file["encoding"]).collect();
    assert_eq!(encodings, [&Value::from("cp932"), &Value::Null, &Value::from("cp932")]);
    let _ = site.factory(&["verify", folder]).done();
    let _ = site.factory(&["deliver", "T-1", "--csv-encoding", "latin-1"]).exits(2);
}

fn a_card_of_another_part_is_not_taken_for_one_of_this(engine: Engine) {
    let site = Site::on(engine);
    site.make(&Order { spares: 0, ..Order::small(2) }, 1);
    let folders = ["a", "b"].map(|name| site.path(&format!("deliveries/{name}")));
    for folder in &folders {
        let _ = site.factory(&["deliver", "T-1", "--quantity", "1", "--out", folder.to_str().unwrap()]).done();
    }
    let other = Delivery::read(&folders[1]).column("chip_id")[0].to_owned();
    std::fs::create_dir(site.path("one")).unwrap();
    let file = format!("{other}.card");
    std::fs::rename(site.path("ejected").join(&file), site.path("one").join(&file)).unwrap();
    let spec = format!("vpcd:{}", site.address(1));
    let cards = ["--cards", "1", "--encoders", &spec];
    let feeder = site.feeder("one", 1, &[]);
    let wrong = site.factory(&[&["verify", folders[0].to_str().unwrap()], &cards[..]].concat());
    let wrong = wrong.fails(9, "CARD_NOT_IN_DELIVERY");
    assert!(wrong.place.contains(&other), "{wrong:?}");
    drop(feeder);
    // Of the job it is, and of its own delivery.
    for what in ["T-1", folders[1].to_str().unwrap()] {
        let back = site.path("ejected").join(&file);
        if back.exists() {
            std::fs::rename(back, site.path("one").join(&file)).unwrap();
        }
        let feeder = site.feeder("one", 1, &[]);
        let told = site.factory(&[&["verify", what], &cards[..]].concat()).done();
        assert_eq!(told["cards_audited"], 1, "{told}");
        drop(feeder);
    }
}

#[test]
fn a_scanner_types_into_standard_input() {
    let site = Site::new();
    site.make(&Order::small(2), 1);
    let numbers: BTreeSet<String> = printed(&site).into_iter().collect();
    let mut command =
        site.command(&binary("fuda-factory"), &["pack", "T-1", "--carton", "C-1", "--size", "2", "--json"]);
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    {
        use std::io::Write;
        let mut scanner = child.stdin.take().unwrap();
        for number in &numbers {
            writeln!(scanner, "{number}").unwrap();
        }
        // The scanner stays connected: a full carton ends the command by itself.
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let last = String::from_utf8(output.stdout).unwrap().lines().last().unwrap().to_owned();
        let report: Value = serde_json::from_str(&last).unwrap();
        assert_eq!((&report["cards"], &report["full"]), (&2.into(), &true.into()));
        drop(scanner);
    }
    let counts = agree::everything(&site, "T-1", &site.deliver("T-1", "out"));
    assert_eq!(counts.count("good"), 2);
}

on_both_engines!(
    cartons_are_filled_from_a_scanner_and_delivered_by_label,
    what_does_not_belong_into_a_carton_is_named,
    every_nth_package_is_held_against_the_chip_in_it,
    tables_in_cp932_are_read_back_and_say_so,
    a_card_of_another_part_is_not_taken_for_one_of_this,
);
