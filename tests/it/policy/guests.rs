//! A chip that was begun in one job and is met by a line of another: it is finished where it belongs.

use super::patient;
use fuda_tests::running::until;
use fuda_tests::{Order, Site, agree};
use fuda_tests_cluster::{Engine, on_both_engines};
use rustix::process::Signal;

fn a_lost_chip_is_finished_for_its_job_by_the_line_of_another(engine: Engine) {
    let site = Site::on(engine);
    site.order(&patient(2));
    site.blank("lost", 1);
    let thief = site.feeder("lost", 1, &["--latency", "10ms"]);
    let line = site.line(1, &[]);
    until("the card to be begun", || site.database().count("SELECT COUNT(*) FROM card WHERE state = 'intended'") == 1);
    std::thread::sleep(std::time::Duration::from_millis(150));
    let _ = thief.kill();
    until("the loss to be noted", || line.complained().contains("CARD_GONE"));
    line.signal(Signal::TERM);
    assert_eq!(line.wait().exits(3).json()["unknown"], 1);

    let lost = site.chips("lost").remove(0);
    std::fs::rename(lost, site.path("lost/0.card")).unwrap();
    site.order(&Order { id: "T-2".to_owned(), first: 9_000_000_000_001, ..patient(1) });
    site.blank("lost", 1);
    let feeder = site.feeder("lost", 1, &[]);
    let ended = site.line(1, &[]).wait();
    assert!(ended.stderr.contains("belongs to job T-1, as serial 88104000000013"), "{ended}");
    let report = ended.done();
    assert_eq!((&report["good"], &report["rejected"], &report["fed"]), (&1.into(), &0.into(), &1.into()));
    let _ = feeder.wait().done();
    let counts = agree::accounts(&site, "T-1");
    assert_eq!((counts.count("good"), counts.count("unknown"), counts.count("unfilled")), (1, 0, 1));
    agree::no_serial_twice(&site.database());
    assert_eq!(site.database().count("SELECT COUNT(*) FROM line"), 0);
}

on_both_engines!(a_lost_chip_is_finished_for_its_job_by_the_line_of_another,);
