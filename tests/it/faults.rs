//! Chips that are pulled out, lose an answer, are torn in a write or lie: put in again, every one of them is accounted for.

use fuda_tests::running::until;
use fuda_tests::{Order, Site, agree};
use fuda_tests_cluster::{Engine, on_both_engines};

/// A line that goes on however many chips fail.
const PATIENT: &str = "audit_every = 1000\nstop_after = 1000\nquarantine_after = 1000";

/// Issues `chips` of `membership-1ap` with faults, all of which a second contact heals.
fn heal(engine: Engine, chips: u32, encoders: u16, faults: &[String]) -> Site {
    let site = Site::on(engine);
    site.order(&Order { line: PATIENT.to_owned(), ..Order::small(chips) });
    site.blank("stack", chips);
    let arguments: Vec<&str> = faults.iter().flat_map(|fault| ["--fault", fault.as_str()]).collect();
    let feeder = site.feeder("stack", encoders, &[&arguments[..], &["--trace", "trace"]].concat());
    let report = site.line(encoders, &[]).wait().done();
    assert_eq!((&report["good"], &report["rejected"], &report["unknown"]), (&chips.into(), &0.into(), &0.into()));
    let _ = feeder.wait().done();
    let counts = agree::everything(&site, "T-1", &site.deliver("T-1", "T-1"));
    assert_eq!(counts.count("fed"), u64::from(chips));
    site
}

/// More commands than the issuing of a `membership-1ap` card takes.
const COMMANDS: u32 = 56;

fn an_answer_lost_at_any_command_leaves_a_card_that_is_finished_later(engine: Engine) {
    // The k-th chip loses the answer to its k-th command: the card did it, the line does not know.
    let faults: Vec<String> = (1..=COMMANDS).map(|number| format!("{number}/{number}:lost")).collect();
    let site = heal(engine, COMMANDS, 2, &faults);
    let again = site.database().count("SELECT COUNT(*) FROM card WHERE attempt > 1");
    assert!(again > 20, "only {again} cards were interrupted after they were bound");
    // The last chips were done before their fault: no command was left out.
    let last = site.chips("ejected").pop().unwrap();
    let last = last.file_stem().unwrap().to_str().unwrap();
    let trace = std::fs::read_to_string(site.path("trace")).unwrap();
    let met = trace.lines().filter(|line| line.contains(last)).count();
    assert!(met < COMMANDS as usize, "a card takes {met} commands, {COMMANDS} were cut");
}

fn a_card_pulled_out_at_any_command_is_finished_later(engine: Engine) {
    let faults: Vec<String> = (1..=COMMANDS).map(|number| format!("{number}/{number}:pulled")).collect();
    let _ = heal(engine, COMMANDS, 2, &faults);
}

fn writes_torn_at_any_byte_are_made_whole(engine: Engine) {
    let places = [
        "E0#1", "E0#2", "E0#3", "E0#5", "E0#7", "D6#1", "D6#2", "DC#1", "DC#2", "D8#1", "D8#2", "D8#3", "E4#1", "E4#2",
        "44#1",
    ];
    let bytes = [0, 9];
    let cuts: Vec<String> =
        places.iter().flat_map(|place| bytes.map(|byte| format!("ins={place}:tear={byte}"))).collect();
    let faults: Vec<String> = (1..).zip(&cuts).map(|(chip, cut)| format!("{chip}/{cut}")).collect();
    let _ = heal(engine, u32::try_from(cuts.len()).unwrap(), 2, &faults);
}

fn a_card_that_is_cut_again_and_again_is_finished_in_the_end(engine: Engine) {
    let faults: Vec<String> =
        (1..=12).flat_map(|n| [format!("1/{}:lost", n * 7), format!("2/{}:pulled", n * 9)]).collect();
    let site = heal(engine, 2, 1, &faults);
    let attempts = site.database().count("SELECT MAX(attempt) FROM card");
    assert!(attempts >= 5, "{attempts} attempts");
}

fn a_card_that_does_not_answer_is_given_up_after_its_deadline_and_finished_later(engine: Engine) {
    let _ = heal(engine, 2, 2, &["1/20:hang".to_owned()]);
}

fn a_card_that_is_taken_away_in_the_middle_stays_unknown_in_every_account(engine: Engine) {
    let site = Site::on(engine);
    site.order(&Order { line: PATIENT.to_owned(), ..Order::small(2) });
    site.blank("lost", 1);
    site.blank("stack", 2);
    let thief = site.feeder("lost", 1, &["--latency", "10ms", "--trace", "trace"]);
    let line = site.line(1, &[]);
    until("the card to be begun", || site.database().count("SELECT COUNT(*) FROM card WHERE state = 'intended'") == 1);
    let _ = thief.kill();
    let feeder = site.feeder("stack", 1, &[]);
    let ended = line.wait();
    assert!(ended.stderr.contains("CARD_GONE"), "{ended}");
    let report = ended.done();
    assert_eq!((&report["good"], &report["unknown"], &report["fed"]), (&2.into(), &1.into(), &3.into()));
    let _ = feeder.wait().done();
    let delivery = site.deliver("T-1", "T-1");
    let _ = agree::everything(&site, "T-1", &delivery);
    // Its serial went with it: something may have been written under it.
    assert_eq!(delivery.column("serial"), ["88104000000021", "88104000000039"]);

    // Found again later, it belongs to its job, and no other job touches it. The lowest file name is drawn first.
    let lost = site.chips("lost").remove(0);
    std::fs::rename(lost, site.path("lost/0.card")).unwrap();
    site.order(&Order { id: "T-2".to_owned(), first: 9_000_000_000_001, line: PATIENT.to_owned(), ..Order::small(1) });
    site.blank("lost", 1);
    let feeder = site.feeder("lost", 1, &[]);
    let ended = site.line(1, &[]).wait();
    assert!(ended.stderr.contains("CARD_OF_OTHER_JOB"), "{ended}");
    assert_eq!(ended.done()["good"], 1);
    drop(feeder);
    assert_eq!(agree::accounts(&site, "T-1").count("unknown"), 1);
    agree::no_serial_twice(&site.database());
}

fn a_card_that_lies_in_a_mac_is_rejected_and_its_serial_is_withdrawn(engine: Engine) {
    let site = Site::on(engine);
    site.order(&Order::small(3));
    site.blank("stack", 4);
    // It lies again when it is to be terminated: what it says then proves nothing.
    let feeder = site.feeder("stack", 1, &["--fault", "2/ins=D8#2:mac", "--fault", "2/ins=FE:mac"]);
    let report = site.line(1, &[]).wait().done();
    assert_eq!((&report["good"], &report["rejected"], &report["fed"]), (&3.into(), &1.into(), &4.into()));
    let _ = feeder.wait().done();
    let delivery = site.deliver("T-1", "T-1");
    let _ = agree::everything(&site, "T-1", &delivery);
    let reject = &delivery.rejects[0];
    assert_eq!((reject["class"].as_str(), reject["disposition"].as_str()), ("card", "bin"));
    assert_ne!(reject["live_keys"], "0", "keys of ours may be on it");
    // The serial stays with the rejected chip; the order goes on with the next.
    assert_eq!(reject["serial"], "88104000000021");
    assert!(!delivery.column("serial").contains(&"88104000000021"));
}

fn foreign(site: &Site, stack: &str, count: &str) {
    let kdk = "00112233445566778899AABBCCDDEEFF";
    let _ = site.sim(&["blank", "--count", count, "--dir", stack, "--initial-kdk", kdk]).done();
}

fn failures_in_a_row_stop_the_line_and_a_good_stack_continues_it(engine: Engine) {
    let site = Site::on(engine);
    site.order(&Order { line: "stop_after = 3\nquarantine_after = 100".to_owned(), ..Order::small(2) });
    foreign(&site, "bad", "6");
    let feeder = site.feeder("bad", 1, &[]);
    let stopped = site.line(1, &[]).wait().exits(3).json();
    assert_eq!((&stopped["state"], &stopped["good"], &stopped["rejected"]), (&"stopped".into(), &0.into(), &3.into()));
    assert!(stopped["stop_reason"].as_str().unwrap().contains('3'), "{stopped}");
    drop(feeder);
    assert_eq!(site.chips("bad").len(), 3, "the line took no card more");

    site.blank("stack", 2);
    let feeder = site.feeder("stack", 1, &[]);
    let report = site.line(1, &[]).wait().done();
    assert_eq!((&report["state"], &report["good"], &report["fed"]), (&"complete".into(), &2.into(), &5.into()));
    let _ = feeder.wait().done();
    let _ = agree::everything(&site, "T-1", &site.deliver("T-1", "T-1"));
}

fn an_encoder_that_fails_alone_is_quarantined_and_the_others_go_on(engine: Engine) {
    let site = Site::on(engine);
    site.order(&Order { line: "stop_after = 100\nquarantine_after = 2".to_owned(), ..Order::small(6) });
    foreign(&site, "bad", "6");
    site.blank("stack", 6);
    let bad = site.feeder_at("bad", 0, &[]);
    let line = site.line(2, &[]);
    until("the quarantine", || line.complained().contains("quarantined"));
    let good = site.feeder_at("stack", 1, &[]);
    let report = line.wait().done();
    assert_eq!((&report["good"], &report["rejected"]), (&6.into(), &2.into()));
    let _ = good.wait().done();
    drop(bad);
    assert_eq!(site.chips("bad").len(), 4, "nothing more was taken from the quarantined encoder");
    let _ = agree::everything(&site, "T-1", &site.deliver("T-1", "T-1"));
}

on_both_engines!(
    a_card_that_is_taken_away_in_the_middle_stays_unknown_in_every_account,
    a_card_that_lies_in_a_mac_is_rejected_and_its_serial_is_withdrawn,
    failures_in_a_row_stop_the_line_and_a_good_stack_continues_it,
    an_encoder_that_fails_alone_is_quarantined_and_the_others_go_on,
    an_answer_lost_at_any_command_leaves_a_card_that_is_finished_later,
    a_card_pulled_out_at_any_command_is_finished_later,
    writes_torn_at_any_byte_are_made_whole,
    a_card_that_is_cut_again_and_again_is_finished_in_the_end,
    a_card_that_does_not_answer_is_given_up_after_its_deadline_and_finished_later,
);
