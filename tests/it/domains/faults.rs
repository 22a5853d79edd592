//! Cut off at any command, or with the line killed: the card's list of key sets says where to go on.

use super::{PUBLIC, kvns};
use fuda_tests::random::Random;
use fuda_tests::running::until;
use fuda_tests::{Chip, Order, Site, agree};

/// A line that goes on however many cards fail.
const PATIENT: &str = "audit_every = 1000\nstop_after = 1000\nquarantine_after = 1000";
/// More commands than the issuing of a card takes.
const COMMANDS: u32 = 22;
const PUT_KEY: &str = "D8";
const DELETE_KEY: &str = "E4";

/// Issues cards with faults, all of which a second contact heals.
fn heal(chips: u32, maker: &[&str], faults: &[String]) -> Site {
    let site = Site::for_domains();
    site.order(&Order { line: PATIENT.to_owned(), ..Order::domain(chips) });
    site.blank_domains("stack", chips, maker);
    let arguments: Vec<&str> = faults.iter().flat_map(|fault| ["--fault", fault.as_str()]).collect();
    let feeder = site.feeder("stack", 2, &[&arguments[..], &["--trace", "trace"]].concat());
    let report = site.line(2, &[]).wait().done();
    assert_eq!((&report["good"], &report["rejected"], &report["unknown"]), (&chips.into(), &0.into(), &0.into()));
    let _ = feeder.wait().done();
    let counts = agree::everything(&site, "T-1", &site.deliver("T-1", "T-1"));
    assert_eq!(counts.count("fed"), u64::from(chips));
    for file in site.chips("ejected") {
        assert!(!Chip::read(&site, &file).keys().contains(&PUBLIC.to_owned()), "{}", file.display());
    }
    site
}

/// How often the cards met a command under secure messaging, by the feeder's own record.
fn met(site: &Site, ins: &str) -> usize {
    let trace = std::fs::read_to_string(site.path("trace")).unwrap();
    let command = format!(" 84{ins}");
    trace.lines().filter(|line| line.contains(&command)).count()
}

#[test]
fn an_answer_lost_at_any_command_leaves_a_card_that_is_finished_later() {
    let faults: Vec<String> = (1..=COMMANDS).map(|number| format!("{number}/{number}:lost")).collect();
    let site = heal(COMMANDS, &[], &faults);
    let again = site.database().count("SELECT COUNT(*) FROM card WHERE attempt > 1");
    assert!(again > 8, "only {again} cards were interrupted after they were bound");
    // The last card was done before its fault: no command was left out.
    let last = site.chips("ejected").pop().unwrap();
    let trace = std::fs::read_to_string(site.path("trace")).unwrap();
    let met = trace.lines().filter(|line| line.contains(last.file_stem().unwrap().to_str().unwrap())).count();
    assert!(met < COMMANDS as usize, "a card takes {met} commands, {COMMANDS} were cut");
}

#[test]
fn a_card_pulled_out_at_any_command_is_finished_later() {
    let faults: Vec<String> = (1..=COMMANDS).map(|number| format!("{number}/{number}:pulled")).collect();
    let _ = heal(COMMANDS, &["--initial-set", "stays", "--challenge", "random"], &faults);
}

#[test]
fn a_cut_behind_put_key_never_loads_the_set_twice() {
    let faults = ["1/ins=D8#1:lost", "2/ins=D8#2:lost"].map(str::to_owned);
    let site = heal(2, &["--initial-set", "stays"], &faults);
    assert_eq!((met(&site, PUT_KEY), met(&site, DELETE_KEY)), (4, 4));
    let pairs = site.database().rows("SELECT attempt, state FROM card ORDER BY attempt");
    assert_eq!(pairs, [["2", "sealed"], ["2", "sealed"]]);
}

#[test]
fn a_cut_before_delete_key_leaves_both_sets_and_the_new_one_deletes_later() {
    let site = Site::for_domains();
    site.order(&Order { line: PATIENT.to_owned(), ..Order::domain(1) });
    site.blank_domains("lost", 1, &["--initial-set", "stays"]);
    // It is taken away for good while it thinks about DELETE KEY.
    let thief = site.feeder("lost", 1, &["--fault", "1/ins=E4#1:hang", "--trace", "trace"]);
    let line = site.line(1, &[]);
    until("DELETE KEY", || std::fs::read_to_string(site.path("trace")).unwrap_or_default().contains(" 84E4"));
    let _ = thief.kill();
    let _ = line.kill();
    let begun = Chip::read(&site, &site.chips("lost")[0]);
    assert_eq!(kvns(&begun), ["FF", "3D"], "the public set is still there beside ours");
    assert_eq!(agree::accounts(&site, "T-1").count("unknown"), 1);

    let feeder = site.feeder("lost", 1, &["--trace", "again"]);
    let report = site.line(1, &[]).wait().done();
    assert_eq!((&report["good"], &report["rejected"]), (&1.into(), &0.into()));
    let _ = feeder.wait().done();
    let _ = agree::everything(&site, "T-1", &site.deliver("T-1", "T-1"));
    assert_eq!(kvns(&Chip::ejected(&site, &begun.kdd)), ["30"]);
}

#[test]
fn cards_with_room_for_one_set_are_cut_between_two_commands_only() {
    let site = Site::for_domains();
    let profile = std::fs::read_to_string(fuda_tests::site::repository("profiles/gp-isd.toml")).unwrap();
    let profile = profile.replacen("old_set = \"deleted\"", "old_set = \"vanishes\"", 1);
    site.write("gp-isd.toml", &profile.replacen("old_set = \"deleted\"", "old_set = \"replaced\"", 1));
    site.order(&Order { line: PATIENT.to_owned(), ..Order::domain(4) });
    site.blank_domains("stack", 4, &[]);
    let faults = ["1/ins=D8#1:lost", "2/ins=D8#2:lost", "3/ins=D8#1:pulled", "4/ins=D8#2:tear=9"];
    let arguments: Vec<&str> = faults.iter().flat_map(|fault| ["--fault", fault]).collect();
    let feeder = site.feeder("stack", 2, &[&arguments[..], &["--trace", "trace"]].concat());
    assert_eq!(site.line(2, &[]).wait().done()["good"], 4);
    let _ = feeder.wait().done();
    let _ = agree::everything(&site, "T-1", &site.deliver("T-1", "T-1"));
    assert_eq!(met(&site, DELETE_KEY), 0);
}

#[test]
fn a_card_that_keeps_what_its_profile_says_it_drops_is_no_good_card() {
    let site = Site::for_domains();
    let profile = std::fs::read_to_string(fuda_tests::site::repository("profiles/gp-isd.toml")).unwrap();
    site.write("gp-isd.toml", &profile.replacen("old_set = \"deleted\"", "old_set = \"vanishes\"", 1));
    site.order(&Order { line: "stop_after = 1".to_owned(), ..Order::domain(1) });
    site.blank_domains("stack", 1, &["--initial-set", "stays"]);
    let feeder = site.feeder("stack", 1, &[]);
    let report = site.line(1, &[]).wait().exits(3).json();
    assert_eq!((&report["good"], &report["rejected"]), (&0.into(), &1.into()), "{report}");
    drop(feeder);
    assert_eq!(site.database().rows("SELECT class, code FROM reject"), [["data", "CARD_READ_BACK"]]);
    let _ = agree::accounts(&site, "T-1");
}

#[test]
fn a_line_that_is_killed_goes_on_and_everything_agrees() {
    let site = Site::for_domains();
    let mut random = Random::seeded();
    site.order(&Order { line: PATIENT.to_owned(), ..Order::domain(40) });
    site.blank_domains("stack", 40, &[]);
    let feeder = site.feeder("stack", 3, &["--trace", "trace"]);
    let commands = || std::fs::read_to_string(site.path("trace")).map_or(0, |text| text.lines().count());
    let mut killed = 0;
    for _ in 0..4 {
        let mut line = site.line(3, &[]);
        let wanted = commands() + usize::try_from(random.within(20..150)).unwrap();
        until("commands at the cards", || commands() >= wanted || line.has_ended());
        killed += u32::from(line.kill().status.code().is_none());
    }
    assert!(killed >= 3, "only {killed} of 4 lines died of the kill");
    assert_eq!(site.line(3, &[]).wait().done()["state"], "complete");
    let _ = feeder.wait().done();
    let counts = agree::everything(&site, "T-1", &site.deliver("T-1", "T-1"));
    assert_eq!((counts.count("good"), counts.count("fed"), counts.count("rejected")), (40, 40, 0));
    assert!(site.database().count("SELECT COUNT(*) FROM card WHERE attempt > 1") > 0, "no card was interrupted");
    let _ = site.factory(&["verify", "T-1"]).done();
}
