//! Keys are born in a custody token and travel to the tokens of the duties, under KEKs that the makers of the tokens put there: a card that one
//! duty makes is opened by another.

use crate::opened::{self, Opening};
use fuda_tests::ceremony::{self, Side, Task};
use fuda_tests::{Chip, Order, Site};

/// What the makers of two tokens agreed on, for each duty.
const KEKS: [(&str, &str); 2] = [
    ("factory", "5B0E6F1DA9C37284E0157BBD4F8A2C9613D5F07E8846AB31C92D74E05F6A1B80"),
    ("issuer", "C06FE5A2478B1D90337F42E8D6BA590CF1742EA98D3C5B60178EAC94D02B63F5"),
];

/// The keys that travel.
const KEYS: [&str; 4] = ["transport@1", "issuer@1", "ap/ticket@1", "activation@1"];

const FACTORY: &str = "[[key]]\nname = \"initial\"\npublic = \"gp-default\"\n[[key]]\nname = \"receipt\"\n";
const ISSUER: &str = "[[key]]\nname = \"receipt\"\n";

/// A site whose token has the name of its duty and some keys of its own.
fn site(site: Site, duty: &str, keys: &str) -> Site {
    site.edit("fuda.toml", "label = \"factory\"", &format!("label = \"{duty}\""));
    site.edit("fuda.toml", "name = \"test\"", &format!("name = \"{duty}\""));
    site.write("keys.toml", &format!("token = \"{duty}\"\n{keys}"));
    let _ = site.kms(&["init", "keys.toml"]).done();
    site
}

/// Puts a KEK into a token, as its maker does, and registers it.
fn kek(site: &Site, test: &str, name: &str, task: &Task) {
    ceremony::hold(site, test, task);
    assert_eq!(site.kms(&["key", "adopt", "--label", "KEK", name]).done()["state"], "ACTIVE");
}

/// The token where keys are born, with a KEK for each duty, and the keys.
fn custody(bare: Site, test: &str) -> Site {
    let custody = site(bare, "custody", "[[key]]\nname = \"identity\"\n");
    for (duty, value) in KEKS {
        let label = format!("KEK-{duty}");
        let task = Task::CardKek { label: label.clone(), value: value.to_owned(), side: Side::Seals };
        ceremony::hold(&custody, test, &task);
        let _ = custody.kms(&["key", "adopt", "--label", &label, &format!("kek/{duty}@1")]).done();
    }
    std::fs::create_dir(custody.path("blobs")).unwrap();
    for key in KEYS {
        let name = key.split_once('@').unwrap().0;
        let made = custody.kms(&["key", "create", name, "--kek", "factory", "--kek", "issuer", "--blobs", "blobs"]);
        assert_eq!(made.done()["key"], key);
    }
    custody
}

/// The token of a duty, with the KEK that it shares with custody.
fn duty(bare: Site, test: &str, name: &str, keys: &str) -> Site {
    let duty = site(bare, name, keys);
    let value = KEKS.iter().find(|(duty, _)| *duty == name).unwrap().1.to_owned();
    kek(&duty, test, "kek/custody@1", &Task::LetsIn { label: "KEK".to_owned(), value });
    duty
}

/// Packs a key at custody and brings the file to a duty.
fn packed(custody: &Site, duty: &Site, name: &str, key: &str) -> String {
    let file = format!("{}.fx", key.replace(['/', '@'], "-"));
    let _ = std::fs::remove_file(custody.path(&file));
    let report = custody.kms(&["exchange", "export", key, "--to", name, "--blobs", "blobs", "--out", &file]).done();
    assert_eq!(report["kek"], format!("kek/{name}@1"));
    std::fs::copy(custody.path(&file), duty.path(&file)).unwrap();
    file
}

/// What the officer of custody says on the telephone.
fn identity(custody: &Site) -> String {
    let said = custody.kms(&["key", "kcv", "identity"]).done();
    format!("{}:{}", said["method"].as_str().unwrap(), said["value"].as_str().unwrap())
}

/// Brings every key from custody to a duty.
fn equip(custody: &Site, duty: &Site, name: &str) {
    let identity = identity(custody);
    for key in KEYS {
        let file = packed(custody, duty, name, key);
        let report = duty.kms(&["exchange", "import", &file, "--from", "custody", "--as", key, "--trust", &identity]);
        let report = report.done();
        assert_eq!((&report["state"], &report["done"]), (&"ACTIVE".into(), &"imported".into()));
        let there = custody.kms(&["key", "show", key]).done();
        assert_eq!(report["check_value"], there["check_value"]);
        // The same file again changes nothing, and needs nobody's word any more.
        let again = duty.kms(&["exchange", "import", &file, "--from", "custody", "--as", key]).done();
        assert_eq!(again["done"], "kept");
    }
    let _ = duty.kms(&["check"]).done();
    let shown = duty.kms(&["key", "show", "issuer@1"]).done();
    assert_eq!((&shown["origin"], &shown["peer"]), (&"imported".into(), &"custody".into()));
    assert_eq!(shown["attributes"]["CKA_EXTRACTABLE"], "false");
    assert_eq!(shown["attributes"]["CKA_MODIFIABLE"], "false");
}

/// Cards are made with the factory's token and opened with the issuer's; what both have was born in custody.
fn whole_road(test: &str, [custody_at, factory_at, issuer_at]: [Site; 3]) {
    let custody = custody(custody_at, test);
    let factory = duty(factory_at, test, "factory", FACTORY);
    let issuer = duty(issuer_at, test, "issuer", ISSUER);
    equip(&custody, &factory, "factory");
    equip(&custody, &issuer, "issuer");
    factory.make(&Order { spares: 0, ..Order::small(2) }, 1);
    let cards = factory.chips("ejected");
    assert_eq!(cards.len(), 2);
    for card in &cards {
        let chip = Chip::read(&factory, card);
        assert_eq!((chip.key_sets("")[0].kvn.as_str(), chip.key_sets("1001")[0].kvn.as_str()), ("30", "30"));
        for site in [&issuer, &custody] {
            opened::open(site, test, &Opening { card, df: "", key: "issuer@1", kvn: "30" });
            opened::open(site, test, &Opening { card, df: "1001", key: "ap/ticket@1", kvn: "30" });
        }
    }
}

#[test]
fn a_card_of_the_factory_token_is_opened_through_the_issuer_token() {
    if ceremony::is_held_here() || opened::is_opened_here() {
        return;
    }
    let test = "exchange::a_card_of_the_factory_token_is_opened_through_the_issuer_token";
    whole_road(test, [Site::bare(), Site::bare(), Site::bare()]);
}

#[test]
fn the_same_from_softhsm_to_kryoptic_and_between_them() {
    if ceremony::is_held_here() || opened::is_opened_here() {
        return;
    }
    let test = "exchange::the_same_from_softhsm_to_kryoptic_and_between_them";
    let Some(factory) = Site::kryoptic(test) else { return };
    whole_road(test, [Site::bare(), factory, Site::bare()]);
}

#[test]
fn the_same_from_kryoptic_to_softhsm_and_between_them() {
    if ceremony::is_held_here() || opened::is_opened_here() {
        return;
    }
    let test = "exchange::the_same_from_kryoptic_to_softhsm_and_between_them";
    let (Some(custody), Some(issuer)) = (Site::kryoptic(test), Site::kryoptic(test)) else { return };
    whole_road(test, [custody, Site::bare(), issuer]);
}

#[test]
fn what_is_not_as_it_must_be_stops_before_the_token_has_a_key_more() {
    if ceremony::is_held_here() {
        return;
    }
    let test = "exchange::what_is_not_as_it_must_be_stops_before_the_token_has_a_key_more";
    refusals(test, Site::bare(), Site::bare(), Site::bare());
}

#[test]
fn the_same_refusals_on_kryoptic() {
    if ceremony::is_held_here() {
        return;
    }
    let test = "exchange::the_same_refusals_on_kryoptic";
    let (Some(custody), Some(issuer)) = (Site::kryoptic(test), Site::kryoptic(test)) else { return };
    let Some(leaky) = Site::kryoptic(test) else { return };
    refusals(test, custody, issuer, leaky);
}

fn refusals(test: &str, custody_at: Site, issuer_at: Site, leaky: Site) {
    let custody = custody(custody_at, test);
    // At custody: a key that no KEK was named for, a peer without a KEK, a folder without the blob.
    let _ = custody.kms(&["key", "create", "ap/free"]).done();
    let export = |key: &str, to: &str, blobs: &str| {
        custody.kms(&["exchange", "export", key, "--to", to, "--blobs", blobs, "--out", "x.fx"])
    };
    let _ = export("ap/free@1", "issuer", "blobs").fails(4, "EXCHANGE_NOT_WRAPPED");
    let _ = export("issuer@1", "nobody", "blobs").fails(4, "EXCHANGE_NOT_WRAPPED");
    let _ = export("issuer@1", "issuer", "tokens").fails(5, "EXCHANGE_NO_BLOB");
    let _ = export("issuer@2", "issuer", "blobs").fails(7, "KEY_UNKNOWN");
    let create = |more: &[&str]| custody.kms(&[&["key", "create"], more].concat());
    let _ = create(&["ap/new", "--kek", "nobody", "--blobs", "blobs"]).fails(4, "KEY_NOT_ACTIVE");
    let _ = create(&["ap/new2", "--kek", "issuer"]).fails(4, "POLICY");
    let _ = create(&["receipt", "--kek", "issuer", "--blobs", "blobs"]).fails(4, "POLICY");
    // What lets keys of cards in lets no vault key in.
    let _ = create(&["vault", "--kek", "issuer", "--blobs", "blobs"]).fails(4, "KEY_NOT_ACTIVE");
    // A later version waits for its day.
    let second = create(&["issuer", "--kek", "issuer", "--blobs", "blobs"]).done();
    assert_eq!((&second["key"], &second["state"]), (&"issuer@2".into(), &"PRE-ACTIVE".into()));

    // At the duty: nobody's word, another's word, no KEK.
    let issuer = site(issuer_at, "issuer", ISSUER);
    let objects = || issuer.kms(&["token", "show"]).stdout.matches("secret key").count();
    let file = packed(&custody, &issuer, "issuer", "issuer@1");
    let identity = identity(&custody);
    let import = |file: &str, version: &str, more: &[&str]| {
        issuer.kms(&[&["exchange", "import", file, "--from", "custody", "--as", version], more].concat())
    };
    let unknown = import(&file, "issuer@1", &[]).fails(4, "EXCHANGE_PEER");
    assert!(unknown.what.contains(&identity), "{unknown:?}");
    let _ = import(&file, "issuer@1", &["--trust", "point:0011223344556677"]).fails(6, "EXCHANGE_SIGNER");
    let _ = import(&file, "issuer@1", &["--trust", &identity]).fails(4, "EXCHANGE_NO_KEK");
    let value = KEKS[1].1.to_owned();
    kek(&issuer, test, "kek/custody@1", &Task::LetsIn { label: "KEK".to_owned(), value });
    let before = objects();

    // The file: changed, cut, signed by another, another kind, wrapped for another duty.
    let text = std::fs::read_to_string(issuer.path(&file)).unwrap();
    let swapped = std::fs::read_to_string(issuer.path(&packed(&custody, &issuer, "issuer", "transport@1"))).unwrap();
    let (first, second) = text.split_once('\n').unwrap();
    let other_first = swapped.split_once('\n').unwrap().0;
    for changed in [
        text.replacen("issuer@1", "ap/ticket@1", 1),
        text.replacen("\"blob\":\"", "\"blob\":\"00", 1),
        format!("{other_first}\n{second}"),
        first.to_owned(),
        String::new(),
    ] {
        issuer.write("changed.fx", &changed);
        let _ = import("changed.fx", "issuer@1", &[]).fails(6, "EXCHANGE_UNSOUND");
    }
    let _ = import("absent.fx", "issuer@1", &[]).fails(7, "FILE");
    let _ = import(&file, "activation@1", &[]).fails(4, "EXCHANGE_KIND");
    let theirs = packed(&custody, &issuer, "factory", "issuer@1");
    let _ = import(&theirs, "issuer@1", &[]).fails(4, "EXCHANGE_NO_KEK");
    // What custody signs may be wrong as well: a blob that was changed where it lay, and the blob of another key.
    let blob = |key: &str| custody.path(&format!("blobs/{key}.kek-issuer@1.kw.json"));
    let whole = std::fs::read_to_string(blob("issuer@1")).unwrap();
    let hex = |text: &str| text.split("\"blob\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let transport = hex(&std::fs::read_to_string(blob("transport@1")).unwrap());
    let flipped = whole.replace(&hex(&whole), &format!("{}00", &hex(&whole)[..46]));
    for (text, code) in
        [(flipped, "EXCHANGE_NOT_LET_IN"), (whole.replace(&hex(&whole), &transport), "KEY_KCV_MISMATCH")]
    {
        std::fs::write(blob("issuer@1"), text).unwrap();
        let file = packed(&custody, &issuer, "issuer", "issuer@1");
        let _ = import(&file, "issuer@1", &[]).fails(6, code);
    }
    std::fs::write(blob("issuer@1"), whole).unwrap();
    let value = issuer.database().column("SELECT check_value FROM key_version WHERE name = 'kek/custody'").remove(0);
    let kek_is = |value: &str| {
        let change = format!("UPDATE key_version SET check_value = '{value}' WHERE name = 'kek/custody'");
        assert_eq!(issuer.database().change(&change), 1);
    };
    // A registry that says the KEK is another one does not make it that.
    let theirs_value = custody.kms(&["key", "kcv", "kek/factory@1"]).done()["value"].as_str().unwrap().to_owned();
    kek_is(&format!("gp:{theirs_value}"));
    let file = packed(&custody, &issuer, "factory", "issuer@1");
    let _ = import(&file, "issuer@1", &[]).fails(6, "KEY_KCV_MISMATCH");
    kek_is(&value);
    assert_eq!(issuer.database().column("SELECT COUNT(*) FROM key_version WHERE name = 'issuer'"), ["0"]);
    assert_eq!(objects(), before, "a refused import leaves nothing in the token");

    // It comes in; under a second name it does not.
    let file = packed(&custody, &issuer, "issuer", "issuer@1");
    let _ = import(&file, "issuer@1", &[]).done();
    let _ = import(&file, "ap/ticket@1", &[]).fails(4, "EXCHANGE_HERE");
    let file = packed(&custody, &issuer, "issuer", "transport@1");
    let _ = import(&file, "issuer@1", &[]).fails(6, "KEY_KCV_MISMATCH");
    assert_eq!(objects(), before + 1);

    // Where the KEK has no unwrap template, keys would come in readable: it is not even registered, nor used when it was before.
    let leaky = site(leaky, "leaky", ISSUER);
    let bare = Task::CardKek { label: "KEK".to_owned(), value: KEKS[1].1.to_owned(), side: Side::Opens };
    ceremony::hold(&leaky, test, &bare);
    let _ = leaky.kms(&["key", "adopt", "--label", "KEK", "kek/custody@1"]).fails(6, "KEK_LEAKS");
    assert_eq!(leaky.database().column("SELECT COUNT(*) FROM key_version WHERE name = 'kek/custody'"), ["0"]);
}
