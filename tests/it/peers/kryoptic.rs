//! Two tokens that share no line of code: a card that one of them made is opened by the other, when both hold the same keys. And what only
//! the one with SP 800-108 can do: cards with AES-256 keys.

use fuda_tests::ceremony::{self, Task};
use fuda_tests::site::repository;
use fuda_tests::{Chip, Order, Site};
use serde_json::Value;

const KEYS: &str = "token = \"factory\"\n[[key]]\nname = \"initial\"\npublic = \"gp-default\"\n[[key]]\nname = \"transport\"\n\
                    [[key]]\nname = \"receipt\"\n";

/// A case of kdf3.json: key-derivation key, chip, and the chip's keys.
struct Case {
    kdk: String,
    kdd: String,
    keys: [String; 3],
}

fn case(bits: u32) -> Case {
    let text = std::fs::read_to_string(repository("tests/vectors/kdf3.json")).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    let case = file["cases"].as_array().unwrap().iter().find(|case| case["aes_bits"] == bits).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_uppercase();
    Case {
        kdk: text(&case["kdk"]),
        kdd: text(&case["kdd"]),
        keys: ["enc", "mac", "dek"].map(|name| text(&case[name]["key"])),
    }
}

/// Puts a known key into the site's token and registers it.
fn adopt(site: &Site, test: &str, version: &str, value: &str) {
    let label = version.replace(['/', '@'], "-");
    ceremony::hold(site, test, &Task::Import { label: label.clone(), value: value.to_owned() });
    let bits = (value.len() * 4).to_string();
    let _ = site.kms(&["key", "adopt", "--label", &label, "--bits", &bits, version]).done();
}

/// Makes the token, with an issuer key and an application's key of known values.
fn equip(site: &Site, test: &str, issuer: &str, ticket: &str) {
    site.write("keys.toml", KEYS);
    let _ = site.kms(&["init", "keys.toml"]).done();
    adopt(site, test, "issuer@1", issuer);
    adopt(site, test, "ap/ticket@1", ticket);
    let _ = site.kms(&["check"]).done();
}

/// Makes one card on the chip of a case and delivers it.
fn issue(site: &Site, kdd: &str) -> (Chip, String) {
    site.order(&Order { spares: 0, ..Order::small(1) });
    let _ = site.sim(&["blank", "--count", "1", "--dir", "stack", "--kdd-from", kdd]).done();
    let feeder = site.feeder("stack", 1, &[]);
    assert_eq!(site.line(1, &[]).wait().done()["good"], 1);
    let _ = feeder.wait().done();
    let delivery = site.deliver("T-1", "1");
    (Chip::ejected(site, kdd), delivery.folder.to_str().unwrap().to_owned())
}

/// Opens the card that `from` made with the keys of `site`, and audits it against the delivery.
fn open(site: &Site, from: &Site, delivery: &str) {
    let stack = from.path("ejected");
    let feeder = site.feeder(stack.to_str().unwrap(), 1, &[]);
    let spec = format!("vpcd:{}", site.address(1));
    let report = site.factory(&["verify", delivery, "--cards", "1", "--encoders", &spec]).done();
    assert_eq!(report["cards_audited"], 1, "{report}");
    let _ = feeder.wait();
}

/// Gives the journal of one site to another, whose own keys (those that were born in its token) stay as they are.
fn take_over(from: &Site, to: &Site) {
    let database = to.database();
    let own = database.rows("SELECT name, check_value FROM key_version WHERE origin = 'born'");
    database.replace(&from.database().bytes());
    assert_eq!(own.len(), 2, "transport and receipt: {own:?}");
    for row in own {
        let change = format!("UPDATE key_version SET check_value = '{}' WHERE name = '{}'", row[1], row[0]);
        assert_eq!(database.change(&change), 1);
    }
}

#[test]
fn a_card_made_through_softhsm_is_opened_through_kryoptic() {
    if ceremony::is_held_here() {
        return;
    }
    let test = "peers::kryoptic::a_card_made_through_softhsm_is_opened_through_kryoptic";
    let Some(kryoptic) = Site::kryoptic(test) else { return };
    both_ways(test, &Site::bare(), &kryoptic);
}

#[test]
fn a_card_made_through_kryoptic_is_opened_through_softhsm() {
    if ceremony::is_held_here() {
        return;
    }
    let test = "peers::kryoptic::a_card_made_through_kryoptic_is_opened_through_softhsm";
    let Some(kryoptic) = Site::kryoptic(test) else { return };
    both_ways(test, &kryoptic, &Site::bare());
}

fn both_ways(test: &str, maker: &Site, opener: &Site) {
    let (case, ticket) = (case(128), "505152535455565758595A5B5C5D5E5F");
    for site in [maker, opener] {
        equip(site, test, &case.kdk, ticket);
    }
    let (chip, delivery) = issue(maker, &case.kdd);
    assert_eq!(chip.key_sets("")[0].keys, case.keys);
    take_over(maker, opener);
    open(opener, maker, &delivery);
}

#[test]
fn a_card_with_an_aes_256_issuer_set_is_made_and_opened() {
    if ceremony::is_held_here() {
        return;
    }
    let test = "peers::kryoptic::a_card_with_an_aes_256_issuer_set_is_made_and_opened";
    let Some(site) = Site::kryoptic(test) else { return };
    let case = case(256);
    equip(&site, test, &case.kdk, "505152535455565758595A5B5C5D5E5F");
    let (chip, delivery) = issue(&site, &case.kdd);
    let issuer = &chip.key_sets("")[0];
    assert_eq!((issuer.kvn.as_str(), &issuer.keys), ("30", &case.keys));
    assert_eq!(chip.key_sets("1001")[0].keys[0].len(), 32, "the application's set is AES-128 all the same");
    open(&site, &site, &delivery);
}
