//! The card keys are the right ones: a key-derivation key of known value gives the keys of the vectors, in the card's own memory and on
//! its wire.

use fuda_card::Error;
use fuda_card::apdu::Response;
use fuda_card::crypto::AesKey;
use fuda_card::id::{Kdd, Kvn};
use fuda_card::scp03::{Challenge, InitializeUpdate, Initiated, SecurityLevel, StaticKeys};
use fuda_card_sim::Card;
use fuda_tests::ceremony::{self, Task};
use fuda_tests::site::repository;
use fuda_tests::{Chip, Order, Site};
use serde_json::Value;

/// GlobalPlatform's public test key, and the chip for which its kdf3 check values are known: E79C05, D1BD77, 3FDE8C.
const PUBLIC_KDK: &str = "404142434445464748494A4B4C4D4E4F";
const PUBLIC_KDD: &str = "00010203040506070809";
const PUBLIC_KCVS: [&str; 3] = ["E79C05", "D1BD77", "3FDE8C"];

const KEYS: &str = "token = \"factory\"\n[[key]]\nname = \"initial\"\npublic = \"gp-default\"\n[[key]]\nname = \"transport\"\n\
                    [[key]]\nname = \"receipt\"\n";

/// A site whose `issuer` and `ap/ticket` come from a ceremony, and a card that was issued under them.
fn issued(test: &str, kdd: &str, issuer: &str, ticket: &str) -> (Site, Chip) {
    let site = Site::bare();
    site.write("keys.toml", KEYS);
    let _ = site.kms(&["init", "keys.toml"]).done();
    for (label, value, version) in [("VENDOR-ISSUER", issuer, "issuer@1"), ("VENDOR-TICKET", ticket, "ap/ticket@1")] {
        ceremony::hold(&site, test, &Task::Import { label: label.to_owned(), value: value.to_owned() });
        let adopted = site.kms(&["key", "adopt", "--label", label, version]).done();
        assert_eq!((&adopted["key"], &adopted["state"]), (&version.into(), &"ACTIVE".into()));
    }
    let _ = site.kms(&["check"]).done();
    site.order(&Order { spares: 0, ..Order::small(1) });
    let _ = site.sim(&["blank", "--count", "1", "--dir", "stack", "--kdd-from", kdd]).done();
    let feeder = site.feeder("stack", 1, &[]);
    let _ = site.line(1, &[]).wait().done();
    let _ = feeder.wait().done();
    let chip = Chip::ejected(&site, &kdd.to_uppercase());
    (site, chip)
}

fn kdk(hex: &str) -> AesKey {
    AesKey::new(&hex::decode(hex).unwrap()).unwrap()
}

#[test]
fn keys_on_the_card_are_those_of_the_vectors() {
    if ceremony::is_held_here() {
        return;
    }
    let text = std::fs::read_to_string(repository("tests/vectors/kdf3.json")).unwrap();
    let vectors: Value = serde_json::from_str(&text).unwrap();
    let cases: Vec<&Value> =
        vectors["cases"].as_array().unwrap().iter().filter(|case| case["aes_bits"] == 128).collect();
    let (issuer, ticket) = (cases[0], cases[1]);
    let text = |case: &Value, name: &str| case[name].as_str().unwrap().to_owned();
    let (kdd, test) = (text(issuer, "kdd"), "known_keys::keys_on_the_card_are_those_of_the_vectors");
    let (_site, chip) = issued(test, &kdd, &text(issuer, "kdk"), &text(ticket, "kdk"));

    let expected = ["enc", "mac", "dek"].map(|key| issuer[key]["key"].as_str().unwrap().to_uppercase());
    let set = &chip.key_sets("")[..];
    assert_eq!((set[0].kvn.as_str(), &set[0].keys), ("30", &expected));
    // The second key has no vector for this chip; software derives it from the key of another vector.
    let kdd: Kdd = kdd.to_uppercase().parse().unwrap();
    let keys = StaticKeys::kdf3(&kdk(&text(ticket, "kdk")), &kdd);
    let expected = [keys.enc(), keys.mac(), keys.dek()].map(|key| hex::encode_upper(key.expose()));
    assert_eq!(chip.key_sets("1001")[0].keys, expected);
}

#[test]
fn a_card_opens_in_software_with_its_key_and_with_no_other() {
    if ceremony::is_held_here() {
        return;
    }
    let test = "known_keys::a_card_opens_in_software_with_its_key_and_with_no_other";
    let other = "505152535455565758595A5B5C5D5E5F";
    let (site, chip) = issued(test, PUBLIC_KDD, PUBLIC_KDK, other);
    let shown = site.sim(&["show", site.path("ejected").join(format!("{}.card", chip.kdd)).to_str().unwrap()]).done();
    assert_eq!(shown["key_sets"][0]["gp_kcv"], serde_json::json!(PUBLIC_KCVS));
    assert_eq!(shown["key_sets"][0]["keys"], Value::Null, "keys are shown only when asked for");

    let mut card = Card::open(&site.path("ejected").join(format!("{}.card", chip.kdd))).unwrap();
    card.power_on();
    let kdd = card.kdd();
    let keys = |value: &str| StaticKeys::kdf3(&kdk(value), &kdd);
    // With another key the host sees that the card is not what it should be, and sends no authentication.
    let refused = open(&mut card, &keys(other)).unwrap_err();
    assert!(matches!(refused, Error::CardCryptogram { .. }), "{refused:?}");
    open(&mut card, &keys(PUBLIC_KDK)).unwrap();

    // And a host that does not look, or has no key, gets nowhere.
    let initiated = initialize(&mut card);
    let forged = [&[0x84, 0x82, 0x33, 0x00, 0x10][..], &[0; 16]].concat();
    let answer = hex::encode_upper(card.transmit(&forged));
    assert_eq!(answer, "6300", "{initiated:?}");
}

fn initialize(card: &mut Card) -> Initiated {
    let select = card.transmit(&hex::decode("00A4040008A000000151000000").unwrap());
    assert!(select.ends_with(&[0x90, 0x00]), "{}", hex::encode(select));
    let command = InitializeUpdate { kvn: Kvn::new(0x30), host_challenge: Challenge::S8([0xA5; 8]) };
    let answer = card.transmit(&command.command().encode().unwrap());
    command.answered(&Response::decode(&answer).unwrap()).unwrap()
}

/// Opens a channel on the MF and reads the stage records through it.
fn open(card: &mut Card, keys: &StaticKeys) -> Result<(), Error> {
    let initiated = initialize(card);
    let session = keys.session_keys(&initiated.context());
    let (proved, command) = initiated.prove(session, SecurityLevel::try_from(0x33)?)?;
    let answer = Response::decode(&card.transmit(&command.encode().unwrap())).unwrap();
    let channel = proved.authenticated(&answer)?;
    let read = fuda_card::apdu::Command::decode(&hex::decode("00B201F400").unwrap()).unwrap();
    let (sent, wrapped) = channel.wrap(&read)?;
    let answer = Response::decode(&card.transmit(&wrapped.encode().unwrap())).unwrap();
    let (_, plain) = sent.response(&answer)?;
    assert!(plain.sw.is_success() && plain.data.starts_with(b"PS\x01\x01"), "{plain:?}");
    Ok(())
}
