//! Two tokens make a KEK together by commands of ours alone, and what custody bears under it makes cards at one duty and opens them at another.

mod refused;
mod sets;
mod vault;

use crate::opened::{self, Opening};
use fuda_tests::{Chip, Order, Site};
use serde_json::Value;

/// The keys that travel under `kek/PEER`.
const KEYS: [&str; 5] = ["transport@1", "issuer@1", "ap/ticket@1", "activation@1", "index@1"];

const FACTORY: &str = "[[key]]\nname = \"initial\"\npublic = \"gp-default\"\n[[key]]\nname = \"receipt\"\n";
pub(crate) const ISSUER: &str = "[[key]]\nname = \"receipt\"\n";
pub(crate) const CUSTODY: &str = "[[key]]\nname = \"identity\"\n";

/// A site whose token has the name of its duty and some keys of its own.
pub(crate) fn site(site: Site, duty: &str, keys: &str) -> Site {
    site.edit("fuda.toml", "label = \"factory\"", &format!("label = \"{duty}\""));
    site.edit("fuda.toml", "name = \"test\"", &format!("name = \"{duty}\""));
    site.write("keys.toml", &format!("token = \"{duty}\"\n{keys}"));
    let _ = site.kms(&["init", "keys.toml"]).done();
    site
}

pub(crate) fn text<'a>(report: &'a Value, field: &str) -> &'a str {
    report[field].as_str().unwrap_or_else(|| panic!("no {field} in {report}"))
}

/// Carries a file from one site to another.
pub(crate) fn carry(from: &Site, to: &Site, file: &str) {
    std::fs::copy(from.path(file), to.path(file)).unwrap();
}

/// All four steps: `there` at the duty and `here` at custody are one KEK then. Gives its check value.
pub(crate) fn pair(custody: &Site, duty: &Site, here: &str, there: &str) -> String {
    let (offer, reply) = (
        format!("offer-{}.json", here.replace(['/', '@'], "-")),
        format!("reply-{}.json", here.replace(['/', '@'], "-")),
    );
    let offered = duty.kms(&["exchange", "pair", "offer", there, "--out", &offer]).done();
    carry(duty, custody, &offer);
    let said = text(&offered, "fingerprint");
    let accept = ["exchange", "pair", "accept", &offer, "--as", here, "--fingerprint", said, "--out", &reply];
    let accepted = custody.kms(&accept).done();
    carry(custody, duty, &reply);
    let finish = ["exchange", "pair", "finish", &reply, "--fingerprint", text(&accepted, "fingerprint")];
    let finished = duty.kms(&finish).done();
    assert_eq!((text(&finished, "state"), text(&finished, "key")), ("ACTIVE", there));
    let value = text(&finished, "check_value").to_owned();
    assert_eq!(text(&accepted, "check_value"), value);
    let confirmed = custody.kms(&["exchange", "pair", "confirm", here, "--check", &value]).done();
    assert_eq!((text(&confirmed, "state"), text(&confirmed, "check_value")), ("ACTIVE", value.as_str()));
    for (site, version) in [(custody, here), (duty, there)] {
        let said = site.kms(&["key", "kcv", version, "--method", "cmac"]).done();
        assert_eq!(format!("cmac:{}", text(&said, "value")), value);
        assert_eq!(site.kms(&["key", "show", version]).done()["origin"], "paired");
        let _ = site.kms(&["check"]).done();
    }
    let values = [custody, duty]
        .map(|site| site.database().column("SELECT check_value FROM key_version WHERE origin = 'adopted'"));
    assert!(values[0].iter().any(|value| values[1].contains(value)), "{values:?}");
    value
}

/// What the officer of custody says on the telephone.
fn identity(custody: &Site) -> String {
    let said = custody.kms(&["key", "kcv", "identity"]).done();
    format!("{}:{}", text(&said, "method"), text(&said, "value"))
}

/// Packs a key at custody, brings it to a duty and lets it in.
pub(crate) fn travel(custody: &Site, duty: &Site, name: &str, key: &str) {
    let file = format!("{}-{name}.fx", key.replace(['/', '@'], "-"));
    let _ = custody.kms(&["exchange", "export", key, "--to", name, "--blobs", "blobs", "--out", &file]).done();
    carry(custody, duty, &file);
    let trust = identity(custody);
    let import = ["exchange", "import", &file, "--from", "custody", "--as", key, "--trust", &trust];
    let imported = duty.kms(&import).done();
    assert_eq!((text(&imported, "state"), text(&imported, "done")), ("ACTIVE", "imported"));
    let [there, here] = [custody, duty].map(|site| site.kms(&["key", "show", key]).done());
    assert_eq!(there["check_value"], here["check_value"]);
    assert_eq!(
        (text(&here["attributes"], "CKA_EXTRACTABLE"), text(&here["attributes"], "CKA_MODIFIABLE")),
        ("false", "false")
    );
}

/// Custody with a KEK for each duty, the duties, and every key where it belongs; then cards of the factory, opened by the others.
fn whole_road(test: &str, [custody, factory, issuer]: [Site; 3]) {
    let (custody, factory, issuer) =
        (site(custody, "custody", CUSTODY), site(factory, "factory", FACTORY), site(issuer, "issuer", ISSUER));
    let first = pair(&custody, &factory, "kek/factory@1", "kek/custody@1");
    let second = pair(&custody, &issuer, "kek/issuer@1", "kek/custody@1");
    assert_ne!(first, second);
    std::fs::create_dir(custody.path("blobs")).unwrap();
    for key in KEYS {
        let name = key.split_once('@').unwrap().0;
        let made = custody.kms(&["key", "create", name, "--kek", "factory", "--kek", "issuer", "--blobs", "blobs"]);
        assert_eq!(made.done()["key"], key);
        travel(&custody, &factory, "factory", key);
        travel(&custody, &issuer, "issuer", key);
    }
    factory.make(&Order { spares: 0, ..Order::small(1) }, 1);
    let cards = factory.chips("ejected");
    assert_eq!(cards.len(), 1);
    let chip = Chip::read(&factory, &cards[0]);
    assert_eq!((chip.key_sets("")[0].kvn.as_str(), chip.key_sets("1001")[0].kvn.as_str()), ("30", "30"));
    for site in [&issuer, &custody] {
        opened::open(site, test, &Opening { card: &cards[0], df: "", key: "issuer@1", kvn: "30" });
        opened::open(site, test, &Opening { card: &cards[0], df: "1001", key: "ap/ticket@1", kvn: "30" });
    }
}

#[test]
fn a_card_made_under_one_pairing_is_opened_under_another() {
    if opened::is_opened_here() {
        return;
    }
    whole_road(
        "pairing::a_card_made_under_one_pairing_is_opened_under_another",
        [Site::bare(), Site::bare(), Site::bare()],
    );
}

#[test]
fn custody_in_softhsm_pairs_with_kryoptic() {
    if opened::is_opened_here() {
        return;
    }
    let test = "pairing::custody_in_softhsm_pairs_with_kryoptic";
    let Some(factory) = Site::kryoptic(test) else { return };
    whole_road(test, [Site::bare(), factory, Site::bare()]);
}

#[test]
fn custody_in_kryoptic_pairs_with_softhsm_and_with_kryoptic() {
    if opened::is_opened_here() {
        return;
    }
    let test = "pairing::custody_in_kryoptic_pairs_with_softhsm_and_with_kryoptic";
    let (Some(custody), Some(issuer)) = (Site::kryoptic(test), Site::kryoptic(test)) else { return };
    whole_road(test, [custody, Site::bare(), issuer]);
}
