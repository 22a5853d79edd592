//! Cards and sites that a line refuses: each by name, and nothing is written.

use super::{PUBLIC, kvns};
use fuda_tests::{Chip, Order, Site, agree};

/// The lowest identity is drawn first.
const STRAY: &str = "00000000000000000001";

/// Puts a stray card before good ones and issues the order; answers why the stray was rejected.
fn stray(site: &Site, order: &Order, kind: &[&str]) -> Vec<String> {
    site.order(order);
    let arguments = ["blank", "--count", "1", "--dir", "stack", "--kdd-from", STRAY];
    let _ = site.sim(&[&arguments, kind].concat()).done();
    let before = Chip::read(site, &site.path("stack").join(format!("{STRAY}.card")));
    let feeder = site.feeder("stack", 1, &["--trace", "trace"]);
    let report = site.line(1, &[]).wait().done();
    assert_eq!((&report["good"], &report["rejected"]), (&order.quantity.into(), &1.into()), "{report}");
    let _ = feeder.wait().done();
    let delivery = site.deliver("T-1", "T-1");
    let _ = agree::everything(site, "T-1", &delivery);
    assert_eq!(delivery.rejects[0]["disposition"], "foreign");
    let after = Chip::ejected(site, STRAY);
    assert_eq!((&after.state, after.key_sets("")), (&before.state, before.key_sets("")), "it was written");
    let trace = std::fs::read_to_string(site.path("trace")).unwrap();
    let secured = trace.lines().filter(|line| line.contains(STRAY) && line.contains(" 848233"));
    assert_eq!(secured.count(), 0, "the host tried to authenticate");
    vec![site.database().column("SELECT code FROM reject").remove(0), delivery.rejects[0]["chip_id"].clone()]
}

#[test]
fn a_chip_for_files_is_no_card_of_keys_only() {
    let site = Site::for_domains();
    site.blank_domains("stack", 1, &[]);
    assert_eq!(stray(&site, &Order::domain(1), &["--keys", "fixed"]), ["CARD_OTHER_KIND", STRAY]);
}

#[test]
fn stock_with_files_is_no_card_of_keys_only() {
    let made = Site::new();
    made.make(&Order::small(1), 1);
    let card = made.chips("ejected").remove(0);

    let site = Site::for_domains();
    site.order(&Order::domain(1));
    site.blank_domains("stack", 1, &[]);
    std::fs::copy(&card, site.path("stack/0.card")).unwrap();
    let feeder = site.feeder("stack", 1, &[]);
    let ended = site.line(1, &[]).wait();
    assert!(ended.stderr.contains("the order is for cards with keys only; this one is first"), "{ended}");
    assert_eq!(ended.done()["good"], 1);
    let _ = feeder.wait().done();
    assert_eq!(std::fs::read(&card).unwrap(), std::fs::read(site.path("ejected/0.card")).unwrap());
}

#[test]
fn a_card_of_keys_only_takes_no_files() {
    let site = Site::new();
    site.blank("stack", 1);
    let domain = ["--kind", "gp", "--keys", "kdf3"];
    assert_eq!(stray(&site, &Order::small(1), &domain), ["CARD_OTHER_KIND", STRAY], "though it has the right keys");
}

#[test]
fn another_houses_card_is_named_whatever_the_order_is_for() {
    let site = Site::for_domains();
    site.blank_domains("stack", 1, &[]);
    assert_eq!(stray(&site, &Order::domain(1), &["--kind", "other"]), ["CARD_OTHER_KIND", ""]);
    let site = Site::new();
    site.blank("stack", 1);
    assert_eq!(stray(&site, &Order::small(1), &["--kind", "other"]), ["CARD_OTHER_KIND", ""]);
}

#[test]
fn a_card_with_other_keys_is_found_before_anything_is_tried() {
    let site = Site::for_domains();
    site.blank_domains("stack", 2, &[]);
    let other = ["--kind", "gp", "--initial-kdk", "00112233445566778899AABBCCDDEEFF"];
    assert_eq!(stray(&site, &Order::domain(2), &other), ["SCP03_CARD_CRYPTOGRAM", STRAY]);
}

#[test]
fn a_card_with_another_set_than_the_profile_says_is_named_with_its_sets() {
    let site = Site::for_domains();
    site.blank_domains("stack", 1, &[]);
    assert_eq!(stray(&site, &Order::domain(1), &["--kind", "gp", "--kvn", "01"]), ["CARD_KEY_SET_MISSING", STRAY]);
    assert_eq!(kvns(&Chip::ejected(&site, STRAY)), ["01"]);
}

#[test]
fn production_refuses_the_public_key() {
    let site = Site::for_domains();
    site.order(&Order::domain(1));
    site.blank_domains("stack", 1, &[]);
    site.edit("fuda.toml", "mode = \"test\"", "mode = \"production\"");
    let failure = site.kms(&["init", "keys.toml"]).exits(4);
    assert!(failure.stderr.contains("public test key (scheme fixed)"), "{failure}");
    let feeder = site.feeder("stack", 1, &[]);
    for ended in [site.factory(&["check", "order.toml"]), site.line(1, &[]).wait()] {
        let failure = ended.fails(4, "POLICY");
        assert_eq!(failure.what, "initial@1 is the public test key, and the site's mode is production");
    }
    drop(feeder);
    assert_eq!(Chip::read(&site, &site.chips("stack")[0]).keys(), [PUBLIC; 3]);
}
