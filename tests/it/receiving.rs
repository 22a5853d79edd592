//! Two companies, two sites, two tokens: the card maker's 0th issuance is received by the service provider, who finishes its chips.

use fuda_tests::ceremony::{self, Task};
use fuda_tests::{Chip, Delivery, Order, Site, agree};
use fuda_tests_cluster::{Engine, on_both_engines};
use std::path::Path;

/// The transport key that both companies have, by a ceremony of their own.
const TRANSPORT: &str = "606162636465666768696A6B6C6D6E6F";

const MAKER_KEYS: &str =
    "token = \"factory\"\n[[key]]\nname = \"initial\"\npublic = \"gp-default\"\n[[key]]\nname = \"receipt\"\n";
const PROVIDER_KEYS: &str =
    "token = \"factory\"\n[[key]]\nname = \"issuer\"\n[[key]]\nname = \"ap/ticket\"\n[[key]]\nname = \"receipt\"\n";

/// A site with keys of its own and a transport key of a known value under a version number.
fn site(test: &str, keys: &str, transport: Option<(&str, &str)>) -> Site {
    let site = Site::bare();
    site.write("keys.toml", keys);
    let _ = site.kms(&["init", "keys.toml"]).done();
    if let Some((value, version)) = transport {
        let label = "PEER-TRANSPORT".to_owned();
        ceremony::hold(&site, test, &Task::Import { label, value: value.to_owned() });
        let _ = site.kms(&["key", "adopt", "--label", "PEER-TRANSPORT", version]).done();
    }
    site
}

/// The card maker, and its delivery of three chips after 0th issuance.
fn maker(test: &str) -> (Site, Delivery) {
    let maker = site(test, MAKER_KEYS, Some((TRANSPORT, "transport@1")));
    let order = Order {
        id: "MAKER-7".to_owned(),
        stages: "[0]".to_owned(),
        keys: vec!["transport".to_owned()],
        ..Order::small(3)
    };
    maker.make(&order, 1);
    let delivery = maker.deliver("MAKER-7", "out");
    (maker, delivery)
}

/// Puts the maker's receipt key where the provider looks for it.
fn trust(provider: &Site, name: &str, delivery: &Delivery) {
    std::fs::create_dir_all(provider.path("peers")).unwrap();
    std::fs::copy(delivery.folder.join("receipt.pem"), provider.path(&format!("peers/{name}.pem"))).unwrap();
}

fn receive<'a>(folder: &'a Path, from: &'a str) -> [&'a str; 4] {
    ["receive", folder.to_str().unwrap(), "--from", from]
}

fn provider_order() -> Order {
    Order { id: "PROVIDER".to_owned(), stages: "[1]".to_owned(), first: 9_000_000_000_001, ..Order::small(3) }
}

fn chips_of_another_company_are_received_and_finished(engine: Engine) {
    if ceremony::is_held_here() {
        return;
    }
    let module = if engine == Engine::Sqlite { "sqlite" } else { "postgres" };
    let test = format!("receiving::{module}::chips_of_another_company_are_received_and_finished");
    let (maker, delivery) = maker(&test);
    // The provider has a transport key of its own; the one of the two companies is its third.
    let provider = Site::on(engine);
    ceremony::hold(&provider, &test, &Task::Import { label: "PEER-TRANSPORT".to_owned(), value: TRANSPORT.to_owned() });
    let _ = provider.kms(&["key", "adopt", "--label", "PEER-TRANSPORT", "transport@3"]).done();
    let grace = "UPDATE key_version SET state = 'GRACE' WHERE name = 'transport' AND number = 3";
    assert_eq!(provider.database().change(grace), 1);
    trust(&provider, "maker", &delivery);
    let told = provider.factory(&receive(&delivery.folder, "maker")).done();
    let expected = [("job", "maker/MAKER-7-1"), ("transport", "transport@3"), ("from", "maker")];
    for (name, value) in expected {
        assert_eq!(told[name], value, "{told}");
    }
    assert_eq!(told["chips"], 3);
    let known = provider
        .database()
        .rows("SELECT chip.kdd, stage, key, version, kvn FROM chip JOIN card_key ON card = chip.kdd");
    let mut kdds: Vec<&str> = known.iter().map(|row| row[0].as_str()).collect();
    kdds.sort_unstable();
    let mut delivered = delivery.column("chip_id");
    delivered.sort_unstable();
    assert_eq!(kdds, delivered);
    assert!(known.iter().all(|row| row[1..] == ["zeroth", "transport", "3", "61"]), "{known:?}");
    // It is a job like others, complete, and nothing of it is ours to deliver.
    let _ = provider.factory(&["verify", "maker/MAKER-7-1"]).done();
    let _ = provider.factory(&["deliver", "maker/MAKER-7-1", "--out", "x"]).fails(4, "DELIVERY_EMPTY");
    let again = provider.factory(&receive(&delivery.folder, "maker")).fails(4, "RECEIVED_BEFORE");
    assert!(again.what.contains("maker/MAKER-7-1"), "{again:?}");

    // The lorry comes, with one chip that is in no delivery.
    std::fs::rename(maker.path("ejected"), provider.path("lorry")).unwrap();
    let _ = provider.sim(&["blank", "--count", "1", "--dir", "lorry", "--kdd-from", "00000000000000000001"]).done();
    provider.order(&provider_order());
    let feeder = provider.feeder("lorry", 2, &[]);
    let report = provider.line(2, &[]).wait().done();
    assert_eq!(report["good"], 3, "{report}");
    let _ = feeder.wait();
    let finished = provider.deliver("PROVIDER", "PROVIDER");
    let _ = agree::everything(&provider, "PROVIDER", &finished);
    let mut chips = finished.column("chip_id");
    chips.sort_unstable();
    assert_eq!(chips, delivered);
    for kdd in chips {
        let kvns: Vec<String> = Chip::ejected(&provider, kdd).key_sets("").into_iter().map(|set| set.kvn).collect();
        assert_eq!(kvns, ["30"], "the transport set is gone, the issuer's is there");
    }
}

#[test]
fn a_delivery_that_is_not_what_its_sender_signed_is_refused() {
    if ceremony::is_held_here() {
        return;
    }
    let test = "receiving::a_delivery_that_is_not_what_its_sender_signed_is_refused";
    let (_maker, delivery) = maker(test);
    let provider = site(test, PROVIDER_KEYS, Some((TRANSPORT, "transport@1")));
    let nothing = |why: &str| {
        assert_eq!(provider.database().column("SELECT COUNT(*) FROM chip"), ["0"], "{why}");
        assert_eq!(provider.database().column("SELECT COUNT(*) FROM job"), ["0"], "{why}");
    };
    let unknown = provider.factory(&receive(&delivery.folder, "maker")).fails(4, "PEER_UNKNOWN");
    assert!(unknown.place.ends_with("maker.pem"), "{unknown:?}");
    let _ = provider.factory(&receive(&delivery.folder, "../maker")).exits(2);
    trust(&provider, "maker", &delivery);
    // Another company's key is known, too; it did not sign this, and what it signed are finished cards.
    let other = Site::new();
    other.make(&Order::small(1), 1);
    let finished = other.deliver("T-1", "out");
    trust(&provider, "stranger", &finished);
    let _ = provider.factory(&receive(&finished.folder, "stranger")).fails(4, "RECEIVE_STAGE");
    let foreign = provider.factory(&receive(&delivery.folder, "stranger")).fails(6, "DELIVERY_RECEIPT_UNKNOWN");
    assert!(foreign.remedy.contains("peers/stranger.pem"), "{foreign:?}");
    nothing("signed by another");
    // Looking at it asks the same question and takes nothing in.
    let verify = |from: &str| provider.factory(&["verify", delivery.folder.to_str().unwrap(), "--from", from]);
    let _ = verify("maker").done();
    let _ = verify("stranger").fails(6, "DELIVERY_UNSOUND");
    let _ = verify("nobody").fails(4, "PEER_UNKNOWN");
    nothing("looked at");
    for name in ["cards.csv", "cards.jsonl", "manifest.json", "manifest.sig"] {
        let path = delivery.folder.join(name);
        let good = std::fs::read(&path).unwrap();
        let mut changed = good.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 0x01;
        std::fs::write(&path, &changed).unwrap();
        let _ = provider.factory(&receive(&delivery.folder, "maker")).fails(6, "DELIVERY_UNSOUND");
        nothing(name);
        std::fs::write(&path, &good).unwrap();
    }
    let _ = provider.factory(&receive(&provider.path("nowhere"), "maker")).fails(8, "DELIVERY_IO");
    provider.edit("fuda.toml", "mode = \"test\"", "mode = \"production\"");
    let _ = provider.factory(&receive(&delivery.folder, "maker")).fails(4, "RECEIVE_MODE");
    provider.edit("fuda.toml", "mode = \"production\"", "mode = \"test\"");
    nothing("another mode");
}

#[test]
fn chips_under_a_key_that_is_not_here_or_known_from_elsewhere_are_refused() {
    if ceremony::is_held_here() {
        return;
    }
    let test = "receiving::chips_under_a_key_that_is_not_here_or_known_from_elsewhere_are_refused";
    let (_maker, delivery) = maker(test);
    let other_value = "707172737475767778797A7B7C7D7E7F";
    let provider = site(test, PROVIDER_KEYS, Some((other_value, "transport@1")));
    trust(&provider, "maker", &delivery);
    let missing = provider.factory(&receive(&delivery.folder, "maker")).fails(4, "RECEIVE_KEY");
    assert!(missing.what.contains("transport@1"), "{missing:?}");
    ceremony::hold(&provider, test, &Task::Import { label: "SECOND".to_owned(), value: TRANSPORT.to_owned() });
    let _ = provider.kms(&["key", "adopt", "--label", "SECOND", "transport@2"]).done();
    // It is here, and nobody has activated it.
    let _ = provider.factory(&receive(&delivery.folder, "maker")).fails(4, "KEY_STATE_FORBIDS");
    let grace = "UPDATE key_version SET state = 'GRACE' WHERE name = 'transport' AND number = 2";
    assert_eq!(provider.database().change(grace), 1);
    // One of the chips is known here already.
    let kdd = delivery.column("chip_id")[1].to_owned();
    let made = "INSERT INTO job (id, order_sha256, order_text, profile, profile_sha256, first_stage, last_stage, quantity, spares, lot, state, \
                chain_sha256, created_at) SELECT 'OWN', chain, '', 'p', chain, 0, 0, 1, 0, 'L', 'open', chain, '2026-01-01T00:00:00.000Z' FROM \
                (SELECT '0000000000000000000000000000000000000000000000000000000000000000' AS chain)";
    let _ = provider.database().change(made);
    let _ =
        provider.database().change(&format!("INSERT INTO chip (kdd, job, stage) VALUES ('{kdd}', 'OWN', 'zeroth')"));
    let known = provider.factory(&receive(&delivery.folder, "maker")).fails(4, "CHIP_KNOWN");
    assert!(known.what.contains(&kdd) && known.what.contains("OWN"), "{known:?}");
    assert_eq!(provider.database().column("SELECT COUNT(*) FROM chip"), ["1"], "all of a delivery or nothing");
    // Somebody else's idea of the profile is not ours.
    let profile = std::fs::read_to_string(fuda_tests::site::repository("profiles/membership-1ap.toml")).unwrap();
    std::fs::create_dir(provider.path("profiles")).unwrap();
    provider.write("profiles/membership-1ap.toml", &profile.replacen("size = ", "size = 1", 1));
    let _ = provider.factory(&receive(&delivery.folder, "maker")).fails(5, "RECEIVE_PROFILE");
}

on_both_engines!(chips_of_another_company_are_received_and_finished);
