//! Recovery sets: sealed by one site for the cards of another, put onto them by a line that never has the key, and opened where the key is.

use crate::opened::{self, Opening};
use fuda_tests::ceremony::{self, Side, Task};
use fuda_tests::site::repository;
use fuda_tests::{Chip, Order, Site, agree};
use std::path::PathBuf;

/// What both sites' makers agreed on.
const KEK: &str = "5B0E6F1DA9C37284E0157BBD4F8A2C9613D5F07E8846AB31C92D74E05F6A1B80";

/// The keys of a line.
pub(crate) const KEYS: &str = "token = \"factory\"\n[[key]]\nname = \"initial\"\npublic = \"gp-default\"\n[[key]]\nname = \"transport\"\n\
                    [[key]]\nname = \"issuer\"\n[[key]]\nname = \"ap/ticket\"\n[[key]]\nname = \"receipt\"\n";

/// More commands than the issuing of such a card takes.
const COMMANDS: u32 = 58;

/// Puts the KEK of sealed sets into a site's token and registers it.
pub(crate) fn card_kek(site: &Site, test: &str, side: Side) {
    let label = "CARD-KEK".to_owned();
    ceremony::hold(site, test, &Task::CardKek { label: label.clone(), value: KEK.to_owned(), side });
    let adopted = site.kms(&["key", "adopt", "--label", &label, "card-kek/line@1"]).done();
    assert_eq!(adopted["state"], "ACTIVE");
}

/// A site whose token is named `recovery` and holds the KEK that seals.
pub(crate) fn recovery_site(site: Site, test: &str, keys: &str) -> Site {
    site.edit("fuda.toml", "label = \"factory\"", "label = \"recovery\"");
    site.write("keys.toml", &format!("token = \"recovery\"\n{keys}"));
    let _ = site.kms(&["init", "keys.toml"]).done();
    card_kek(&site, test, Side::Seals);
    site
}

/// Seals sets for chips at one site and brings them to another.
pub(crate) fn seal(from: &Site, to: &Site, chips: &[String]) {
    from.write("chips.csv", &format!("chip_id\n{}\n", chips.join("\n")));
    let arguments = ["--cards", "chips.csv", "--kek", "card-kek/line@1", "--out", "lot.sets"];
    let report = from.kms(&[&["key", "sets", "recovery@1"], &arguments[..]].concat()).done();
    assert_eq!(report["cards"], chips.len(), "{report}");
    std::fs::rename(from.path("lot.sets"), to.path("lot.sets")).unwrap();
}

/// Writes an order of the small profile with a recovery set, and that profile.
pub(crate) fn order(site: &Site, order: &Order) {
    let text = std::fs::read_to_string(repository("profiles/membership-1ap.toml")).unwrap();
    let text = text.replacen("\"membership-1ap\"", "\"with-recovery\"", 1);
    site.write("with-recovery.toml", &text.replacen("[[mf.wef]]", "[mf]\nrecovery = \"per-card\"\n[[mf.wef]]", 1));
    site.order(&Order { profile: "with-recovery".to_owned(), ..order.clone() });
    site.edit("order.toml", "[keys]\n", "[keys]\nrecovery = { sets = \"lot.sets\" }\n");
}

/// The chips of a stack.
fn chips(site: &Site, stack: &str) -> Vec<String> {
    site.chips(stack).iter().map(|file| Chip::read(site, file).kdd).collect()
}

/// Both sites, and blank chips of which all but `without` have sealed sets.
fn sites(test: &str, cards: u32, without: usize) -> (Site, Site) {
    between(Site::bare(), Site::bare(), test, cards, without)
}

/// The same on tokens of a test's choice.
fn between(recovery: Site, line: Site, test: &str, cards: u32, without: usize) -> (Site, Site) {
    let recovery = recovery_site(recovery, test, "[[key]]\nname = \"recovery\"\n");
    line.write("keys.toml", KEYS);
    let _ = line.kms(&["init", "keys.toml"]).done();
    card_kek(&line, test, Side::Opens);
    line.blank("stack", cards);
    seal(&recovery, &line, &chips(&line, "stack")[without..]);
    (recovery, line)
}

#[test]
fn a_line_puts_recovery_sets_onto_cards_and_the_recovery_token_opens_them() {
    if ceremony::is_held_here() || opened::is_opened_here() {
        return;
    }
    let test = "recovery::a_line_puts_recovery_sets_onto_cards_and_the_recovery_token_opens_them";
    let (recovery, line) = sites(test, 5, 0);
    order(&line, &Order { spares: 0, ..Order::small(5) });
    let checked = line.factory(&["check", "order.toml"]).done();
    assert_eq!(checked["keys"]["recovery"], "recovery@1", "{checked}");
    let feeder = line.feeder("stack", 2, &[]);
    assert_eq!(line.line(2, &[]).wait().done()["good"], 5);
    let _ = feeder.wait().done();

    let delivery = line.deliver("T-1", "T-1");
    let counts = agree::accounts(&line, "T-1");
    assert_eq!(counts.count("good"), 5);
    let shown = recovery.kms(&["key", "show", "recovery@1"]).done();
    let keys = delivery.manifest["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["key"] == "recovery@1").unwrap();
    assert_eq!(
        format!("gp:{}", key["kcv"]["value"].as_str().unwrap()),
        shown["check_value"].as_str().unwrap(),
        "{key}"
    );
    let recorded = line.database().rows("SELECT card, kvn, state FROM card_key WHERE key = 'recovery' AND version = 1");
    assert_eq!(recorded.len(), 5, "{recorded:?}");
    assert!(recorded.iter().all(|row| row[1] == "63"), "3F: {recorded:?}");
    // The key is noted as another token's: it is in none of this site, and nothing here misses it.
    let _ = line.kms(&["check"]).done();
    let _ = line.kms(&["key", "kcv", "recovery@1"]).fails(7, "KEY_NOT_IN_TOKEN");

    for file in line.chips("ejected") {
        let chip = Chip::read(&line, &file);
        let sets: Vec<String> = chip.key_sets("").into_iter().map(|set| set.kvn).collect();
        assert_eq!(sets, ["30", "3F"], "{}", chip.kdd);
        opened::open(&recovery, test, &Opening { card: &file, df: "", key: "recovery@1", kvn: "3F" });
    }
}

#[test]
fn sets_that_one_token_sealed_are_opened_by_the_other() {
    if ceremony::is_held_here() {
        return;
    }
    let test = "recovery::sets_that_one_token_sealed_are_opened_by_the_other";
    let (Some(one), Some(other)) = (Site::kryoptic(test), Site::kryoptic(test)) else { return };
    for (from, to) in [(one, Site::bare()), (Site::bare(), other)] {
        let (_recovery, line) = between(from, to, test, 2, 0);
        order(&line, &Order::small(2));
        let feeder = line.feeder("stack", 1, &[]);
        assert_eq!(line.line(1, &[]).wait().done()["good"], 2);
        let _ = feeder.wait().done();
        let sets =
            |file: &PathBuf| Chip::read(&line, file).key_sets("").into_iter().map(|set| set.kvn).collect::<Vec<_>>();
        assert!(line.chips("ejected").iter().all(|file| sets(file) == ["30", "3F"]));
    }
}

#[test]
fn a_chip_without_a_sealed_set_is_rejected_by_name_and_nothing_is_written_to_it() {
    if ceremony::is_held_here() {
        return;
    }
    let test = "recovery::a_chip_without_a_sealed_set_is_rejected_by_name_and_nothing_is_written_to_it";
    let (_recovery, line) = sites(test, 3, 1);
    let left_out = chips(&line, "stack").remove(0);
    order(&line, &Order::small(2));
    let feeder = line.feeder("stack", 1, &[]);
    let ended = line.line(1, &[]).wait();
    assert!(ended.stderr.contains("CARD_RECOVERY_SET_MISSING"), "{ended}");
    assert_eq!(ended.done()["good"], 2);
    let _ = feeder.wait().done();
    let counts = agree::accounts(&line, "T-1");
    assert_eq!((counts.count("good"), counts.count("rejected")), (2, 1));
    assert_eq!(
        line.database().rows("SELECT kdd, code, serial, live_keys, disposition FROM reject"),
        [[left_out.as_str(), "CARD_RECOVERY_SET_MISSING", "", "0", "foreign"]]
    );
    let chip = Chip::ejected(&line, &left_out);
    assert_eq!((chip.state.as_str(), chip.key_sets("").len()), ("blank", 1), "it is as it came");
}

#[test]
fn a_line_that_is_killed_goes_on_with_the_same_sets_and_with_no_others() {
    if ceremony::is_held_here() {
        return;
    }
    let test = "recovery::a_line_that_is_killed_goes_on_with_the_same_sets_and_with_no_others";
    let (recovery, line) = sites(test, 8, 0);
    order(&line, &Order::small(8));
    let feeder = line.feeder("stack", 1, &["--latency", "2ms"]);
    let running = line.line(1, &[]);
    line.until_ejected(2);
    running.signal(rustix::process::Signal::KILL);
    let _ = running.wait();
    let sets = std::fs::read(line.path("lot.sets")).unwrap();
    // The same list sealed again is another file: what a job was made with stays.
    let others: Vec<String> = (0..9).map(|number| format!("{number:020X}")).collect();
    seal(&recovery, &line, &others);
    let _ = line.line(1, &[]).wait().fails(5, "ORDER_CHANGED");
    std::fs::write(line.path("lot.sets"), sets).unwrap();
    assert_eq!(line.line(1, &[]).wait().done()["good"], 8);
    drop(feeder);
    let cards = line.chips("ejected").into_iter().chain(line.chips("stack")).map(|file| Chip::read(&line, &file));
    let issued = cards.filter(|chip| chip.state != "blank");
    for chip in issued {
        let sets: Vec<String> = chip.key_sets("").into_iter().map(|set| set.kvn).collect();
        assert_eq!(sets, ["30", "3F"], "{}", chip.kdd);
    }
    assert_eq!(agree::accounts(&line, "T-1").count("good"), 8);
}

#[test]
fn a_set_whose_answer_was_lost_is_loaded_once_more_and_so_confirmed() {
    if ceremony::is_held_here() {
        return;
    }
    let test = "recovery::a_set_whose_answer_was_lost_is_loaded_once_more_and_so_confirmed";
    // The k-th chip loses the answer to its k-th command, the recovery set's among them.
    let (_recovery, line) = sites(test, COMMANDS, 0);
    let patient = "audit_every = 1000\nstop_after = 1000\nquarantine_after = 1000".to_owned();
    order(&line, &Order { line: patient, ..Order::small(COMMANDS) });
    let faults: Vec<String> = (1..=COMMANDS).map(|number| format!("{number}/{number}:lost")).collect();
    let arguments: Vec<&str> = faults.iter().flat_map(|fault| ["--fault", fault.as_str()]).collect();
    let feeder = line.feeder("stack", 2, &[&arguments[..], &["--trace", "trace"]].concat());
    let report = line.line(2, &[]).wait().done();
    assert_eq!((&report["good"], &report["rejected"]), (&COMMANDS.into(), &0.into()), "{report}");
    let _ = feeder.wait().done();
    let trace = std::fs::read_to_string(line.path("trace")).unwrap();
    let (first, again) = (trace.matches("84D80081").count(), trace.matches("84D83F81").count());
    assert!(first > 3 * COMMANDS as usize && again > 10, "{first} sets loaded, {again} once more");
    for file in line.chips("ejected") {
        let sets: Vec<String> = Chip::read(&line, &file).key_sets("").into_iter().map(|set| set.kvn).collect();
        assert_eq!(sets, ["30", "3F"]);
    }
}

#[test]
fn sets_that_do_not_fit_stop_everything_before_a_chip_is_touched() {
    if ceremony::is_held_here() {
        return;
    }
    let test = "recovery::sets_that_do_not_fit_stop_everything_before_a_chip_is_touched";
    let (_recovery, line) = sites(test, 2, 0);
    order(&line, &Order::small(2));
    // A line that has the key itself is none that sets are sealed for.
    let born = "UPDATE key_version SET name = 'recovery' WHERE name = 'ap/ticket'";
    assert_eq!(line.database().change(born), 1);
    let failure = line.factory(&["check", "order.toml"]).fails(4, "POLICY");
    assert!(failure.what.contains("`recovery`") && failure.what.contains("`factory`"), "{failure:?}");
    assert_eq!(line.database().change("UPDATE key_version SET name = 'ap/ticket' WHERE name = 'recovery'"), 1);
    let refused = |exit, code: &str| {
        for ended in [line.factory(&["check", "order.toml"]), line.line(1, &[]).wait()] {
            let failure = ended.fails(exit, code);
            assert!(!failure.remedy.is_empty(), "{failure:?}");
        }
    };
    let whole = std::fs::read_to_string(line.path("lot.sets")).unwrap();
    line.write("lot.sets", &whole[..whole.len() / 2]);
    refused(6, "SETS_UNSOUND");
    line.write("lot.sets", &whole);
    line.edit("order.toml", "quantity = 2", "quantity = 3");
    refused(5, "INPUT_INVALID");
    line.edit("order.toml", "quantity = 3", "quantity = 2");
    line.edit("order.toml", "\"lot.sets\"", "\"no.sets\"");
    refused(5, "INPUT_UNREADABLE");
    line.edit("order.toml", "\"no.sets\"", "\"lot.sets\"");
    let change = "UPDATE key_version SET check_value = 'gp:ABCDEF' WHERE name = 'card-kek/line'";
    let value = line.database().column("SELECT check_value FROM key_version WHERE name = 'card-kek/line'").remove(0);
    assert_eq!(line.database().change(change), 1);
    refused(6, "KEY_KCV_MISMATCH");
    assert_eq!(line.database().change(&change.replace("gp:ABCDEF", &value)), 1);
    assert_eq!(
        line.database().change("UPDATE key_version SET state = 'SUSPENDED(ACTIVE)' WHERE name = 'card-kek/line'"),
        1
    );
    for ended in [line.factory(&["check", "order.toml"]), line.line(1, &[]).wait()] {
        let _ = ended.fails(4, "KEY_STATE_FORBIDS");
    }
    assert_eq!(line.database().column("SELECT COUNT(*) FROM job"), ["0"]);
    assert!(line.chips("stack").iter().all(|file| Chip::read(&line, file).state == "blank"));
}
