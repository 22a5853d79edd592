//! Deliveries come into stock whole or not at all; cards are counted, moved and held.

use fuda_issuance::delivery::ReceiptKey;
use fuda_tests::{Order, Site};
use fuda_tests_cluster::{Engine, on_both_engines};
use p256::ecdsa::SigningKey;
use std::collections::BTreeSet;
use std::path::Path;

fn import(folder: &Path) -> [&str; 3] {
    ["stock", "import", folder.to_str().unwrap()]
}

/// A site of its own, as a centre has it that shares no database with the line: only the file of the line's key came over.
fn centre_apart(engine: Engine, line: &fuda_tests::Delivery) -> Site {
    let site = Site::on(engine);
    site.open_market();
    site.trust(line);
    site
}

fn a_delivery_of_another_site_is_taken_in_once(engine: Engine) {
    let line = Site::on(Engine::Sqlite);
    line.make(&Order::small(3), 1);
    let delivery = line.deliver("T-1", "out");
    let centre = centre_apart(engine, &delivery);

    let done = centre.issuer(&import(&delivery.folder)).done();
    assert_eq!((&done["delivery"], &done["cards"], &done["written"]), (&"T-1-1".into(), &3.into(), &3.into()));
    let again = centre.issuer(&import(&delivery.folder)).done();
    assert_eq!(again["written"], 0, "the same delivery again changes nothing");

    let count = centre.issuer(&["stock", "count"]).done();
    assert_eq!((&count["cards"], &count["counts"][0]["state"]), (&3.into(), &"stock".into()));
    let listed = centre.issuer(&["stock", "list"]).done();
    let serials: BTreeSet<_> =
        listed["cards"].as_array().unwrap().iter().map(|card| card["serial"].as_str().unwrap()).collect();
    assert_eq!(serials, delivery.column("serial").into_iter().collect());

    // Issuer and application key of each card: the census of this site counts them from now on.
    let keys = centre
        .database()
        .rows("SELECT key, version, COUNT(*) FROM card_key WHERE state = 'proved' GROUP BY key, version ORDER BY key");
    assert_eq!(keys, [["ap/ticket", "1", "3"], ["issuer", "1", "3"]]);
    let versions = centre.kms(&["key", "list"]).done();
    assert!(versions.to_string().contains("ap/ticket"), "{versions}");
    assert_eq!(done["codes"], false, "no codes were printed for these cards");
}

fn what_is_not_sound_is_refused_and_nothing_of_it_is_written(engine: Engine) {
    let line = Site::on(Engine::Sqlite);
    line.make(&Order::small(2), 1);
    let delivery = line.deliver("T-1", "out");
    let folder = &delivery.folder;
    let centre = Site::on(engine);
    centre.open_market();

    // Whose key it is must be known from elsewhere.
    let _ = centre.issuer(&import(folder)).fails(5, "INPUT_UNREADABLE");
    let stranger = SigningKey::from_slice(&[9; 32]).unwrap();
    let stranger = ReceiptKey::from_sec1(&stranger.verifying_key().to_sec1_bytes()).unwrap();
    centre.write("line.pem", &stranger.to_pem().unwrap());
    let refused = centre.issuer(&import(folder)).fails(6, "DELIVERY_RECEIPT_UNKNOWN");
    assert!(refused.what.len() > 64, "the number to compare by telephone is named: {refused:?}");
    let key = folder.join("receipt.pem");
    let with_key = [&import(folder)[..], &["--key", key.to_str().unwrap()]].concat();

    // One digit of one card.
    let cards = std::fs::read_to_string(folder.join("cards.csv")).unwrap();
    let touched = cards.replacen(&delivery.cards[0]["printed"], &delivery.cards[0]["printed"].replace('8', "7"), 1);
    std::fs::write(folder.join("cards.csv"), touched).unwrap();
    let _ = centre.issuer(&with_key).fails(6, "DELIVERY_UNSOUND");
    std::fs::write(folder.join("cards.csv"), &cards).unwrap();

    // Another profile of the same name.
    std::fs::create_dir(centre.path("profiles")).unwrap();
    let text = std::fs::read_to_string(fuda_tests::site::repository("profiles/membership-1ap.toml")).unwrap();
    centre.write("profiles/membership-1ap.toml", &text.replace("version = 1", "version = 2"));
    let _ = centre.issuer(&with_key).fails(6, "STOCK_PROFILE");
    std::fs::remove_dir_all(centre.path("profiles")).unwrap();

    assert_eq!(centre.database().column("SELECT COUNT(*) FROM stock_card"), ["0"]);
    assert_eq!(centre.issuer(&with_key).done()["written"], 2, "what is sound comes in");
}

fn a_chip_that_is_in_stock_comes_in_by_no_other_delivery(engine: Engine) {
    let site = Site::on(engine);
    let delivery = site.stocked(2);
    let first = &delivery.cards[0];
    // The delivery that brought the card is called otherwise: what the next import meets is a stranger with the same chip.
    for sql in [
        "INSERT INTO stock_delivery SELECT 'T-0', number, manifest_sha256, signed_by, site, profile, profile_sha256, lot, cards, state, begun_at FROM stock_delivery",
        "UPDATE stock_card SET delivery_order = 'T-0'",
        "DELETE FROM stock_delivery WHERE order_id = 'T-1'",
    ] {
        assert!(site.database().change(sql) > 0, "{sql}");
    }
    let refused = site.issuer(&import(&delivery.folder)).fails(6, "STOCK_DUPLICATE");
    assert!(refused.what.contains("T-0-1"), "{refused:?}");
    assert_eq!(site.database().column("SELECT COUNT(*) FROM stock_delivery WHERE order_id = 'T-1'"), ["0"]);
    assert_eq!(site.database().column("SELECT COUNT(*) FROM stock_card"), ["2"], "{first:?}");
}

fn test_cards_never_enter_a_production_site(engine: Engine) {
    let site = Site::on(engine);
    let delivery = site.stocked(1);
    site.edit("fuda.toml", "mode = \"test\"", "mode = \"production\"");
    let _ = site.issuer(&import(&delivery.folder)).fails(4, "STOCK_MODE");
}

fn cards_go_to_a_shop_and_come_back(engine: Engine) {
    let site = Site::on(engine);
    let delivery = site.stocked(3);
    let serials = delivery.column("serial");
    let range = format!("{}-{}", serials[0], serials[1]);
    assert_eq!(site.issuer(&["stock", "ship", "--range", &range, "--to", "shinjuku"]).done()["cards"], 2);
    let away = site.issuer(&["stock", "list", "--state", "in-transit"]).done();
    assert_eq!((away["cards"].as_array().unwrap().len(), &away["cards"][0]["shop"]), (2, &"shinjuku".into()));
    let _ = site.issuer(&["stock", "ship", "--range", &range, "--to", "ikebukuro"]).fails(5, "STOCK_NOTHING");
    assert_eq!(site.issuer(&["stock", "return", "--range", &range]).done()["cards"], 2);
    assert_eq!(site.issuer(&["stock", "list", "--state", "stock"]).done()["cards"].as_array().unwrap().len(), 3);
}

fn a_hold_is_placed_by_one_and_lifted_by_two(engine: Engine) {
    let site = Site::on(engine);
    let delivery = site.stocked(2);
    let card = format!("card:{}", delivery.cards[0]["serial"]);
    let placed = site.issuer(&["stock", "hold", &card, "--reason", "ink comes off", "--operator", "sato"]).done();
    assert_eq!(placed["cards"], 1);
    let hold = placed["hold"].as_str().unwrap();
    let _ = site.issuer(&["stock", "hold", "lot:T", "--reason", "recall", "--operator", "sato"]).done();
    assert_eq!(site.issuer(&["stock", "hold"]).done()["holds"].as_array().unwrap().len(), 2);
    let _ = site.issuer(&["stock", "hold", "lot:T"]).exits(2);
    let _ =
        site.issuer(&["stock", "unhold", hold, "--operator", "sato", "--checker", "sato"]).fails(4, "HOLD_SAME_PERSON");
    let _ = site.issuer(&["stock", "unhold", hold, "--operator", "sato", "--checker", "kato"]).done();
    let _ =
        site.issuer(&["stock", "unhold", hold, "--operator", "sato", "--checker", "kato"]).fails(5, "HOLD_NOT_FOUND");
    assert_eq!(site.issuer(&["stock", "hold"]).done()["holds"].as_array().unwrap().len(), 1);
}

fn what_the_line_has_seen_of_counters_comes_with_the_delivery(engine: Engine) {
    let line = Site::on(Engine::Sqlite);
    // The first card of a job is audited, the others are not.
    let rules = "audit_every = 1000\nstop_after = 5\nquarantine_after = 3".to_owned();
    line.make(&Order { line: rules, ..Order::small(3) }, 1);
    let delivery = line.deliver("T-1", "out");
    let manifest = std::fs::read_to_string(delivery.folder.join("manifest.json")).unwrap();
    assert!(manifest.contains("fuda-delivery/2"), "{manifest}");
    let centre = centre_apart(engine, &delivery);
    let _ = centre.issuer(&import(&delivery.folder)).done();
    let known = centre.database().rows("SELECT card, df, kvn FROM key_set_counter ORDER BY df");
    let audited = delivery.cards[0]["chip_id"].as_str();
    assert_eq!(known, [[audited, "A000000151000000", "48"], [audited, "F04655444101", "48"]]);
    // What the card has proved here since is not taken back by another import.
    assert_eq!(centre.database().change("UPDATE key_set_counter SET verified = 77"), 2);
    assert_eq!(centre.database().change("UPDATE stock_delivery SET state = 'begun'"), 1);
    let _ = centre.issuer(&import(&delivery.folder)).done();
    assert_eq!(centre.database().column("SELECT DISTINCT verified FROM key_set_counter"), ["77"]);
}

fn a_count_is_held_against_the_book(engine: Engine) {
    let site = Site::on(engine);
    let delivery = site.stocked(4);
    let (serials, printed) = (delivery.column("serial"), delivery.column("printed"));
    let _ = site
        .issuer(&["stock", "ship", "--range", &format!("{}-{}", serials[0], serials[2]), "--to", "shinjuku"])
        .done();
    let book = site.issuer(&["stock", "count", "--shop", "shinjuku"]).done();
    assert_eq!(book["booked"].as_array().unwrap().len(), 3);
    // By serial or by printed number, one of them twice.
    let count = ["stock", "count", "--shop", "shinjuku", "--from", "-"];
    let all = format!("{}\n{}\n{}\n{}\n\n", serials[0], printed[1], printed[2], printed[2]);
    let agreed = site.issuer_reads(&count, &all).done();
    assert_eq!((&agreed["counted"], &agreed["missing"]), (&3.into(), &serde_json::json!([])), "{agreed}");
    site.write("scanned.txt", &format!("{}\r\n{}\r\n000\r\n", printed[0], printed[3]));
    let found = site.issuer(&["stock", "count", "--shop", "shinjuku", "--from", "scanned.txt"]).exits(1).json();
    let missing: Vec<_> = found["missing"].as_array().unwrap().iter().map(|card| card["serial"].clone()).collect();
    assert_eq!(missing, [serials[1], serials[2]]);
    let surplus: BTreeSet<_> =
        found["surplus"].as_array().unwrap().iter().map(|card| card["number"].as_str().unwrap()).collect();
    assert_eq!(surplus, BTreeSet::from(["000", printed[3]]));
    let elsewhere = found["surplus"].as_array().unwrap().iter().find(|card| card["number"] == printed[3]).unwrap();
    assert_eq!(elsewhere["booked"]["state"], "stock", "{found}");
    let _ = site.issuer(&["stock", "count", "--from", "scanned.txt"]).fails(2, "USAGE");
    let _ = site.issuer(&["stock", "count", "--carton", "C-1", "--from", "none.txt"]).fails(5, "INPUT_UNREADABLE");
}

fn a_recall_ends_when_every_card_is_back(engine: Engine) {
    let site = Site::on(engine);
    let delivery = site.stocked(3);
    let serials = delivery.column("serial");
    let node = site.node(&["--dev"]);
    let (order, _) = node.order(&node.join());
    let _ = node.claim(&order, &delivery.cards[0]).done();
    let _ = site.issuer(&["stock", "ship", "--card", serials[1], "--to", "shinjuku"]).done();
    // A card with its buyer comes back by a recall alone.
    let _ = site.issuer(&["stock", "return", "--card", serials[0]]).fails(5, "STOCK_NOTHING");

    let recall = ["stock", "recall", "lot:T", "--reason", "ink comes off", "--operator", "sato"];
    let placed = site.issuer(&recall).exits(1).json();
    let id = placed["recall"].as_str().unwrap().to_owned();
    assert_eq!((&placed["out_cards"], &placed["back_cards"]), (&2.into(), &1.into()), "{placed}");
    let find =
        |serial: &str| placed["out"].as_array().unwrap().iter().find(|card| card["serial"] == serial).unwrap().clone();
    let (sold, away) = (find(serials[0]), find(serials[1]));
    assert_eq!((&sold["state"], &sold["order_id"]), (&"sold".into(), &order.clone().into()), "the member can be told");
    assert_eq!((&away["state"], &away["shop"]), (&"in-transit".into(), &"shinjuku".into()));
    let held = site.issuer(&["stock", "recall"]).done();
    assert_eq!((&held["holds"][0]["id"], &held["holds"][0]["kind"]), (&id.clone().into(), &"recall".into()));
    let (second, _) = node.order(&node.join());
    node.claim(&second, &delivery.cards[2]).fails(409, "CLAIM_HELD");

    assert_eq!(site.issuer(&["stock", "return", "--card", serials[1]]).done()["cards"], 1);
    assert_eq!(site.issuer(&["stock", "recall", "--show", &id]).exits(1).json()["out_cards"], 1);
    assert_eq!(site.issuer(&["stock", "return", "--card", serials[0]]).done()["cards"], 1);
    let ended = site.issuer(&["stock", "recall", "--show", &id]).done();
    assert_eq!((&ended["out_cards"], &ended["back_cards"]), (&0.into(), &3.into()), "{ended}");
    let states = site.database().column("SELECT state FROM stock_card ORDER BY serial");
    assert_eq!(states, ["void", "stock", "stock"], "what a buyer had is not sold again");
    let _ = site.issuer(&["stock", "unhold", &id, "--operator", "sato", "--checker", "kato"]).done();
    let _ = site.issuer(&["stock", "recall", "--show", &id]).fails(5, "HOLD_NOT_FOUND");
}

on_both_engines!(
    a_delivery_of_another_site_is_taken_in_once,
    what_is_not_sound_is_refused_and_nothing_of_it_is_written,
    a_chip_that_is_in_stock_comes_in_by_no_other_delivery,
    test_cards_never_enter_a_production_site,
    cards_go_to_a_shop_and_come_back,
    a_hold_is_placed_by_one_and_lifted_by_two,
    what_the_line_has_seen_of_counters_comes_with_the_delivery,
    a_count_is_held_against_the_book,
    a_recall_ends_when_every_card_is_back,
);
