//! Pairings that are not as they must be: changed on the road, read out wrongly, said again, meant for somebody else.

use super::{CUSTODY, ISSUER, carry, site, text};
use fuda_tests::{Ended, Site};

/// What an offer or an accept printed: the fingerprint to be told.
fn fingerprint(done: Ended) -> String {
    text(&done.done(), "fingerprint").to_owned()
}

fn offer(site: &Site, version: &str, out: &str) -> Ended {
    site.kms(&["exchange", "pair", "offer", version, "--out", out])
}

fn accept(site: &Site, file: &str, version: &str, said: &str, out: &str) -> Ended {
    site.kms(&["exchange", "pair", "accept", file, "--as", version, "--fingerprint", said, "--out", out])
}

fn finish(site: &Site, file: &str, said: &str) -> Ended {
    site.kms(&["exchange", "pair", "finish", file, "--fingerprint", said])
}

fn confirm(site: &Site, version: &str, value: &str) -> Ended {
    site.kms(&["exchange", "pair", "confirm", version, "--check", value])
}

/// Versions and secret keys of a site, by which a refusal is seen to have changed nothing.
fn holdings(site: &Site) -> (u64, usize) {
    let rows = site.database().count("SELECT COUNT(*) FROM key_version WHERE name LIKE 'kek/%'");
    (rows, site.kms(&["token", "show"]).stdout.matches("secret key").count())
}

/// The same file with one digit of a field changed.
fn changed(site: &Site, file: &str, field: &str) -> String {
    let text = std::fs::read_to_string(site.path(file)).unwrap();
    let at = text.find(&format!("\"{field}\":\"")).unwrap() + field.len() + 60;
    let other = if &text[at..=at] == "0" { "1" } else { "0" };
    let name = format!("changed-{file}");
    site.write(&name, &format!("{}{other}{}", &text[..at], &text[at + 1..]));
    name
}

fn refusals([custody, issuer, stranger]: [Site; 3]) {
    let custody = site(custody, "custody", CUSTODY);
    let issuer = site(issuer, "issuer", ISSUER);
    let stranger = site(stranger, "stranger", ISSUER);
    let _ = offer(&issuer, "issuer@1", "x.json").fails(4, "POLICY");
    let told = fingerprint(offer(&issuer, "kek/custody@1", "a.json"));
    let _ = offer(&issuer, "kek/custody@1", "a.json").fails(4, "POLICY");
    let said = issuer.kms(&["check"]).exits(6).json();
    assert_eq!((&said["faults"], &said["keys"][0]["code"]), (&1.into(), &"KEY_BIRTH_UNFINISHED".into()), "{said}");

    // An offer that was changed, read out wrongly, or is not for this KEK: custody makes nothing.
    carry(&issuer, &custody, "a.json");
    let swapped = told.split('-').rev().collect::<Vec<_>>().join("-");
    let _ = accept(&custody, "a.json", "kek/issuer@1", &swapped, "r.json").fails(6, "PAIR_FINGERPRINT");
    let other = changed(&custody, "a.json", "modulus");
    let _ = accept(&custody, &other, "kek/issuer@1", &told, "r.json").fails(6, "PAIR_FINGERPRINT");
    custody.write("cut.json", "{\"format\":\"fuda-kek-offer-1\"}");
    let _ = accept(&custody, "cut.json", "kek/issuer@1", &told, "r.json").fails(6, "PAIR_UNSOUND");
    let _ = accept(&custody, "a.json", "kek/issuer@2", &told, "r.json").fails(4, "PAIR_OTHER");
    let _ = accept(&custody, "a.json", "vault-kek/issuer@1", &told, "r.json").fails(4, "PAIR_OTHER");
    let _ = accept(&custody, "a.json", "issuer@1", &told, "r.json").fails(4, "POLICY");
    let _ = confirm(&custody, "kek/issuer@1", "cmac:0011223344").fails(4, "PAIR_NOT_OPEN");
    assert_eq!(holdings(&custody), (0, 0));
    assert!(!custody.path("r.json").exists());

    // Accepted twice, the earlier KEK is no more; nothing is wrapped under either before the other side's value is known.
    let first = fingerprint(accept(&custody, "a.json", "kek/issuer@1", &told, "r1.json"));
    let _ = accept(&custody, "a.json", "kek/issuer@1", &told, "r1.json").fails(4, "POLICY");
    let second = fingerprint(accept(&custody, "a.json", "kek/issuer@1", &told, "r2.json"));
    assert_eq!(holdings(&custody), (1, 1));
    std::fs::create_dir(custody.path("blobs")).unwrap();
    let create = ["key", "create", "issuer", "--kek", "issuer", "--blobs", "blobs"];
    let _ = custody.kms(&create).fails(4, "KEY_NOT_ACTIVE");
    let _ = confirm(&custody, "kek/issuer@1", "cmac:0011223344").fails(6, "KEY_KCV_MISMATCH");

    // A reply that was changed or read out wrongly, and one that comes to a site which offered nothing, or something else.
    carry(&custody, &issuer, "r1.json");
    carry(&custody, &issuer, "r2.json");
    let before = holdings(&issuer);
    let other = changed(&issuer, "r1.json", "sealed");
    let _ = finish(&issuer, &other, &first).fails(6, "PAIR_FINGERPRINT");
    let _ = finish(&issuer, "r1.json", &second).fails(6, "PAIR_FINGERPRINT");
    let _ = finish(&issuer, "a.json", &told).fails(6, "PAIR_UNSOUND");
    carry(&custody, &stranger, "r1.json");
    let _ = finish(&stranger, "r1.json", &first).fails(4, "PAIR_NOT_OPEN");
    let _ = fingerprint(offer(&stranger, "kek/custody@1", "s.json"));
    let _ = finish(&stranger, "r1.json", &first).fails(6, "PAIR_OTHER_OFFER");
    assert_eq!(holdings(&issuer), before);

    // The void reply: the two sides have two KEKs, and the check values say so. Said again, a reply changes nothing.
    let finished = finish(&issuer, "r1.json", &first).done();
    let _ = confirm(&custody, "kek/issuer@1", text(&finished, "check_value")).fails(6, "KEY_KCV_MISMATCH");
    let _ = finish(&issuer, "r2.json", &second).fails(6, "KEY_KCV_MISMATCH");
    assert_eq!(finish(&issuer, "r1.json", &first).done(), finished);
    let _ = offer(&issuer, "kek/custody@1", "b.json").fails(4, "KEY_EXISTS");
    let _ = issuer.kms(&["check"]).done();

    // Another version: a second offer makes the first one void, and the reply to that one too.
    let void = fingerprint(offer(&issuer, "kek/custody@2", "c.json"));
    carry(&issuer, &custody, "c.json");
    let late = fingerprint(accept(&custody, "c.json", "kek/issuer@2", &void, "r3.json"));
    let told = fingerprint(offer(&issuer, "kek/custody@2", "d.json"));
    carry(&custody, &issuer, "r3.json");
    let _ = finish(&issuer, "r3.json", &late).fails(6, "PAIR_OTHER_OFFER");
    let _ = accept(&custody, "c.json", "kek/issuer@2", &told, "r4.json").fails(6, "PAIR_FINGERPRINT");
    carry(&issuer, &custody, "d.json");
    let right = fingerprint(accept(&custody, "d.json", "kek/issuer@2", &told, "r4.json"));
    carry(&custody, &issuer, "r4.json");
    let finished = finish(&issuer, "r4.json", &right).done();
    assert_eq!(text(&finished, "state"), "PRE-ACTIVE", "another version is ACTIVE");
    let value = text(&finished, "check_value").to_owned();
    assert_eq!(text(&confirm(&custody, "kek/issuer@2", &value).done(), "state"), "ACTIVE");
    // An offer serves once.
    let _ = accept(&custody, "d.json", "kek/issuer@2", &told, "r5.json").fails(4, "KEY_EXISTS");
    assert!(!custody.path("r5.json").exists());
    // No pair is left, and no KEK but those.
    assert_eq!(holdings(&issuer).0, 2);
    assert!(!issuer.kms(&["token", "show"]).stdout.contains("RSA"), "a pair is left");
    let _ = issuer.kms(&["check"]).done();
}

#[test]
fn what_is_not_the_peers_word_is_refused() {
    refusals([Site::bare(), Site::bare(), Site::bare()]);
}

#[test]
fn the_same_on_kryoptic() {
    let test = "pairing::refused::the_same_on_kryoptic";
    let (Some(custody), Some(issuer)) = (Site::kryoptic(test), Site::kryoptic(test)) else { return };
    refusals([custody, issuer, Site::bare()]);
}
