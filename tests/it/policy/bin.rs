//! The reject bin: chips that come back because the order allows it, and chips that are destroyed before a witness.

use super::{PATIENT, hasty_line, patient, restack};
use fuda_tests::{Order, Site, agree};
use fuda_tests_cluster::{Engine, on_both_engines};

fn a_rejected_chip_comes_back_where_the_order_allows_it(engine: Engine) {
    let site = Site::on(engine);
    let line = format!("{PATIENT}\nrework = true");
    site.order(&Order { line, spares: 0, ..Order::small(2) });
    site.blank("stack", 2);
    // The first chip refuses a command once; the order has no serial to spare, and the chip keeps its own.
    let feeder = site.feeder("stack", 1, &["--fault", "1/ins=E0#7:sw=6581"]);
    let report = hasty_line(&site).wait().exits(3).json();
    assert_eq!((&report["good"], &report["rejected"]), (&1.into(), &1.into()));
    let _ = feeder.wait().done();
    restack(&site, "ejected", "stack");
    let feeder = site.feeder("stack", 1, &[]);
    let report = site.line(1, &[]).wait().done();
    assert_eq!((&report["good"], &report["rejected"], &report["fed"]), (&2.into(), &0.into(), &2.into()));
    drop(feeder);
    restack(&site, "stack", "ejected");
    let delivery = site.deliver("T-1", "T-1");
    assert_eq!(delivery.column("serial"), ["88104000000013", "88104000000021"]);
    let _ = agree::everything(&site, "T-1", &delivery);
    let events = site.database().column("SELECT event FROM journal WHERE event IN ('reject', 'rework') ORDER BY seq");
    assert_eq!(events, ["reject", "rework"]);
}

fn a_chip_comes_back_three_times_and_no_more(engine: Engine) {
    let site = Site::on(engine);
    site.order(&Order { line: format!("{PATIENT}\nrework = true"), ..Order::small(1) });
    site.blank("stack", 1);
    let mut said = String::new();
    for round in 0..5 {
        // The IEF of the MF is refused each time.
        let feeder = site.feeder("stack", 1, &["--fault", "1/ins=E0:sw=6581"]);
        let ended = hasty_line(&site).wait().exits(3);
        assert_eq!(ended.json()["rejected"], 1, "round {round}: {ended}");
        said = ended.stderr;
        drop(feeder);
        restack(&site, "ejected", "stack");
    }
    assert!(said.contains("CARD_REWORK_LIMIT"), "{said}");
}

fn a_rejected_chip_stays_in_the_bin_where_the_order_does_not_allow_it(engine: Engine) {
    let site = Site::on(engine);
    site.order(&patient(2));
    site.blank("stack", 1);
    // It refuses the host once, before anything is sent under its serial.
    let feeder = site.feeder("stack", 1, &["--fault", "1/ins=82:sw=6300"]);
    let _ = hasty_line(&site).wait().exits(3);
    drop(feeder);
    assert_eq!(agree::accounts(&site, "T-1").count("rejected"), 1);
    let chip = site.chips("ejected").remove(0);
    std::fs::rename(chip, site.path("stack/0.card")).unwrap();
    site.blank("stack", 2);
    let feeder = site.feeder("stack", 1, &[]);
    let ended = site.line(1, &[]).wait();
    assert!(ended.stderr.contains("CARD_REJECTED_BEFORE"), "{ended}");
    let report = ended.done();
    assert_eq!((&report["good"], &report["rejected"], &report["fed"]), (&2.into(), &1.into(), &3.into()));
    let _ = feeder.wait().done();
}

fn rejects_are_destroyed_before_a_witness_and_their_keys_count_no_more(engine: Engine) {
    let site = Site::on(engine);
    site.order(&patient(2));
    site.blank("stack", 4);
    // The lowest identity is drawn first.
    let foreign = ["blank", "--count", "1", "--dir", "stack", "--initial-kdk", "00112233445566778899AABBCCDDEEFF"];
    let _ = site.sim(&[&foreign[..], &["--kdd-from", "00000000000000000001"]].concat()).done();
    let faults = ["2/ins=E0#7:sw=6581", "2/ins=FE:sw=6985", "3/ins=E0#7:sw=6581", "3/ins=FE:sw=6985"];
    let arguments: Vec<&str> = faults.iter().flat_map(|fault| ["--fault", fault]).collect();
    let feeder = site.feeder("stack", 1, &arguments);
    let report = site.line(1, &[]).wait().done();
    assert_eq!(report["good"], 2);
    drop(feeder);
    let listed = site.factory(&["reject", "list", "T-1"]).done();
    let own: Vec<_> =
        listed["rejects"].as_array().unwrap().iter().filter(|reject| reject["disposition"] == "bin").collect();
    assert_eq!(own.len(), 2, "{listed}");
    assert!(own.iter().all(|reject| reject["live_keys"].as_u64().unwrap() > 0), "{listed}");

    let destroy = |count: &str, witness: &str| {
        site.factory(&["reject", "destroy", "T-1", "--count", count, "--witness", witness, "--certificate", "C-77"])
    };
    let failure = destroy("3", "tanaka").fails(4, "REJECT_COUNT");
    assert!(failure.what.contains("holds 2"), "{failure:?}");
    let _ = destroy("2", "tester").fails(4, "JOB_SAME_PERSON");
    let live =
        "SELECT COUNT(*) FROM card_key JOIN reject ON reject.kdd = card_key.card WHERE card_key.state <> 'deleted'";
    assert!(site.database().count(live) > 0);
    let done = destroy("2", "tanaka").done();
    assert_eq!((&done["destruction"], &done["chips"]), (&1.into(), &2.into()));
    assert_eq!(site.database().count(live), 0, "no key counts as carried by a destroyed chip");
    let _ = destroy("2", "tanaka").fails(4, "REJECT_COUNT");
    let delivery = site.deliver("T-1", "T-1");
    assert_eq!(delivery.rejects.iter().filter(|reject| reject["disposition"] == "destroyed").count(), 2);
    let _ = agree::everything(&site, "T-1", &delivery);
    let told = site.database().column("SELECT detail FROM journal WHERE event = 'destroy-rejects'");
    assert_eq!(told, ["1: 2 chips, witness tanaka, certificate C-77"]);
}

on_both_engines!(
    a_rejected_chip_comes_back_where_the_order_allows_it,
    a_chip_comes_back_three_times_and_no_more,
    a_rejected_chip_stays_in_the_bin_where_the_order_does_not_allow_it,
    rejects_are_destroyed_before_a_witness_and_their_keys_count_no_more,
);
