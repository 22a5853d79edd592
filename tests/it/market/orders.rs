//! Orders claim one card each, by what its buyer alone knows; wrong guesses lock.

use super::printed;
use fuda_tests::Site;
use fuda_tests_cluster::{Engine, on_both_engines};
use serde_json::{Value, json};

/// A code that is one, and that no card here has.
const WRONG_CODE: &str = "00000-00000";

fn an_order_claims_one_card_and_a_card_serves_one_order(engine: Engine) {
    let site = Site::on(engine);
    let delivery = site.stocked(2);
    let node = site.node(&["--dev"]);
    let (order, token) = node.order(&node.join());
    assert_eq!((order.len(), token.len()), (12, 32));
    assert_eq!(
        site.database().column(&format!("SELECT COUNT(*) FROM service_order WHERE token_sha256 LIKE '%{token}%'")),
        ["0"]
    );

    let claimed = node.claim(&order, &delivery.cards[0]).done();
    let printed = &delivery.cards[0]["printed"];
    assert_eq!(claimed["card_last_four"], printed[printed.len() - 4..]);
    assert_eq!(node.claim(&order, &delivery.cards[0]).done(), claimed, "the same claim again is the same claim");
    node.claim(&order, &delivery.cards[1]).fails(409, "ORDER_OTHER_CARD");
    let (second, _) = node.order(&node.join());
    node.claim(&second, &delivery.cards[0]).fails(409, "CLAIM_TAKEN");
    let _ = node.claim(&second, &delivery.cards[1]).done();
    let sold = site.issuer(&["stock", "list", "--state", "sold"]).done();
    assert_eq!(sold["cards"].as_array().unwrap().len(), 2);
}

fn a_card_is_claimed_by_the_code_under_its_cover(engine: Engine) {
    let site = Site::on(engine);
    let (delivery, codes) = printed(&site, 2);
    site.open_market();
    site.trust(&delivery);
    let import = ["stock", "import", delivery.folder.to_str().unwrap()];
    // A key of the same name that made other codes would leave every card unfound.
    let change = |value: &str| {
        let sql = format!("UPDATE key_version SET check_value = '{value}' WHERE name = 'activation'");
        assert_eq!(site.database().change(&sql), 1);
    };
    let kcv = site.database().column("SELECT check_value FROM key_version WHERE name = 'activation'").remove(0);
    change("cmac:0000000000");
    let _ = site.issuer(&import).fails(6, "STOCK_CODE_KEY");
    change(&kcv);
    assert_eq!(site.issuer(&import).done()["codes"], true);

    let node = site.node(&["--dev"]);
    let (order, _) = node.order(&node.join());
    let path = format!("/v1/orders/{order}/claim");
    let [card, other] = [&delivery.cards[0], &delivery.cards[1]];
    let code = &codes[&card["serial"]];
    let misprinted = json!({ "code": code, "printed": other["printed"] });
    node.api("POST", &path, &misprinted).fails(403, "CLAIM_WRONG_CODE");
    // As people type it, and with the buyer's address.
    let typed = json!({ "code": format!(" {} ", code.to_lowercase().replace('-', " ")), "client": "192.0.2.1" });
    let claimed = node.api("POST", &path, &typed).done();
    assert!(card["printed"].ends_with(claimed["card_last_four"].as_str().unwrap()), "{claimed}");
    let stored = format!("{:?}", site.database().rows("SELECT * FROM stock_card"));
    assert!(codes.values().all(|code| !stored.contains(&code.replace('-', ""))), "no code is stored");
    let said = format!("{}{}", node.running.printed(), node.running.complained());
    assert!(codes.values().all(|code| !said.contains(code.as_str())), "{said}");
}

fn a_request_that_is_repeated_makes_no_second_order(engine: Engine) {
    let site = Site::on(engine);
    site.open_market();
    let node = site.node(&["--dev"]);
    let member = node.join();
    let body = json!({ "member": member, "service": "ticket", "request_key": "page-17" });
    let first = node.api("POST", "/v1/orders", &body).done();
    let second = node.api("POST", "/v1/orders", &body).done();
    assert_eq!(first["order"], second["order"]);
    assert_ne!(first["token"], second["token"], "the token of an answer that was lost is worth nothing");
    let other = json!({ "member": node.join(), "service": "ticket", "request_key": "page-17" });
    node.api("POST", "/v1/orders", &other).fails(409, "ORDER_REQUEST_KEY");
}

fn wrong_codes_lock_and_typing_errors_do_not(engine: Engine) {
    let site = Site::on(engine);
    let delivery = site.stocked(1);
    let node = site.node(&["--dev"]);
    let (order, _) = node.order(&node.join());
    let path = format!("/v1/orders/{order}/claim");
    let printed = &delivery.cards[0]["printed"];
    let claim =
        |code: &str| node.api("POST", &path, &json!({ "code": code, "printed": printed, "client": "192.0.2.1" }));
    for _ in 0..6 {
        claim("00000-00001").fails(422, "ACTIVATION_CODE_CHECK");
        claim("ABC").fails(422, "ACTIVATION_CODE_LENGTH");
    }
    for _ in 0..5 {
        claim(WRONG_CODE).fails(403, "CLAIM_WRONG_CODE");
    }
    claim(WRONG_CODE).fails(429, "CLAIM_LOCKED");
    // Another order of the same client, and another client with the same printed number, are locked too.
    let (second, _) = node.order(&node.join());
    let second = format!("/v1/orders/{second}/claim");
    node.api("POST", &second, &json!({ "code": WRONG_CODE, "client": "192.0.2.1" })).fails(429, "CLAIM_LOCKED");
    node.api("POST", &second, &json!({ "code": WRONG_CODE, "printed": printed })).fails(429, "CLAIM_LOCKED");
    node.api("POST", &second, &json!({ "code": WRONG_CODE, "client": "192.0.2.2" })).fails(403, "CLAIM_WRONG_CODE");
    // The address of a client is personal data.
    let subjects = site.database().column("SELECT subject FROM claim_try");
    assert!(subjects.iter().all(|subject| !subject.contains("192.0.2")), "{subjects:?}");
}

fn a_card_on_hold_is_not_claimed(engine: Engine) {
    let site = Site::on(engine);
    let delivery = site.stocked(1);
    let held = site.issuer(&["stock", "hold", "lot:T", "--reason", "recall", "--operator", "sato"]).done();
    let node = site.node(&["--dev"]);
    let (order, _) = node.order(&node.join());
    node.claim(&order, &delivery.cards[0]).fails(409, "CLAIM_HELD");
    let hold = held["hold"].as_str().unwrap();
    let _ = site.issuer(&["stock", "unhold", hold, "--operator", "sato", "--checker", "kato"]).done();
    let _ = node.claim(&order, &delivery.cards[0]).done();
}

fn who_shows_no_key_is_told_nothing(engine: Engine) {
    let site = Site::on(engine);
    site.open_market();
    let node = site.node(&["--dev"]);
    let member = node.join();
    for (method, path) in [
        ("POST", "/v1/members"),
        ("POST", "/v1/members/find"),
        ("GET", &format!("/v1/members/{member}")),
        ("GET", &format!("/v1/members/{member}/export")),
        ("PUT", &format!("/v1/members/{member}")),
        ("DELETE", &format!("/v1/members/{member}")),
        ("POST", "/v1/orders"),
        ("GET", "/v1/orders/000000000000"),
        ("POST", "/v1/orders/000000000000/claim"),
    ] {
        node.request(method, path, &[], "{}").fails(401, "API_KEY");
        node.request(method, path, &[("Authorization", "Bearer key-of-the-member-pagf")], "{}").fails(401, "API_KEY");
    }
    let _ = node.api("GET", &format!("/v1/members/{member}"), &Value::Null).done();
}

fn requests_that_make_no_sense_are_refused_by_name(engine: Engine) {
    let site = Site::on(engine);
    site.open_market();
    let node = site.node(&["--dev"]);
    let member = node.join();
    node.api("POST", "/v1/orders", &json!({ "member": member, "service": "sauna" })).fails(404, "SERVICE_NOT_FOUND");
    node.api("POST", "/v1/orders", &json!({ "member": "nobody", "service": "ticket" })).fails(404, "MEMBER_NOT_FOUND");
    node.api("POST", "/v1/orders", &json!({ "member": member })).fails(400, "BODY_MALFORMED");
    node.api("POST", "/v1/members", &json!({ "fields": { "name_kana": "\n" } })).fails(422, "MEMBER_FIELD");
    node.api("GET", "/v1/orders/123456789012", &Value::Null).fails(404, "ORDER_NOT_FOUND");
    let large = json!({ "fields": { "note": "x".repeat(60_000) } });
    node.api("POST", "/v1/members", &large).fails(413, "BODY_TOO_LONG");
}

on_both_engines!(
    an_order_claims_one_card_and_a_card_serves_one_order,
    a_card_is_claimed_by_the_code_under_its_cover,
    a_request_that_is_repeated_makes_no_second_order,
    wrong_codes_lock_and_typing_errors_do_not,
    a_card_on_hold_is_not_claimed,
    who_shows_no_key_is_told_nothing,
    requests_that_make_no_sense_are_refused_by_name,
);
