//! Money: told by a signed webhook or a bank's file, stored once, settled once, and given back only where nothing was written.

use fuda_tests::Site;
use fuda_tests::market::{WEBHOOK_SECRET, now, signature};
use fuda_tests_cluster::{Engine, on_both_engines};
use serde_json::{Value, json};

fn body(event: &str, order: &str) -> String {
    json!({ "id": event, "type": "paid", "order": order, "amount": 1000, "currency": "JPY" }).to_string()
}

fn a_fee_that_is_told_again_and_again_grants_once(engine: Engine) {
    let site = Site::on(engine);
    site.open_market();
    let node = site.node(&["--dev"]);
    let (order, _) = node.order(&node.join());
    assert_eq!(node.state(&order), "pending");
    assert_eq!(node.pay("evt-1", "paid", &order, 1000).done(), json!({ "stored": true, "known": false }));
    node.until_state(&order, "granted");
    assert_eq!(node.pay("evt-1", "paid", &order, 1000).done()["known"], true);
    node.pay("evt-1", "paid", &order, 999).fails(409, "PAYMENT_OTHER_CONTENT");
    let shown = node.api("GET", &format!("/v1/orders/{order}"), &Value::Null).done();
    assert_eq!(shown["number"], "880100000004", "the first of the range, with its check digit");
    assert!(shown["expiry"].as_str().is_some_and(|expiry| expiry > "2028"), "{shown}");
    let payments = site.issuer(&["payment", "list"]).done();
    assert_eq!(
        (payments["payments"].as_array().unwrap().len(), &payments["payments"][0]["state"]),
        (1, &"settled".into())
    );
    // A second payment for the same order is somebody's money and no second right.
    let _ = node.pay("evt-2", "paid", &order, 1000).done();
    fuda_tests::running::until("the second payment is an exception", || {
        site.issuer(&["payment", "list", "--unmatched"]).done()["payments"].as_array().unwrap().len() == 1
    });
    assert_eq!(site.database().column("SELECT COUNT(*) FROM entitlement"), ["1"]);
}

fn what_the_provider_did_not_sign_now_is_not_stored(engine: Engine) {
    let site = Site::on(engine);
    site.open_market();
    let node = site.node(&["--dev"]);
    let (order, _) = node.order(&node.join());
    let body = body("evt-1", &order);
    node.webhook(&signature("secret-of-somebody-else-who-guesses", now(), &body), &body)
        .fails(401, "PAYMENT_SIGNATURE");
    node.webhook(&signature(WEBHOOK_SECRET, now() - 301, &body), &body).fails(401, "PAYMENT_STALE");
    node.webhook(&signature(WEBHOOK_SECRET, now() + 900, &body), &body).fails(401, "PAYMENT_STALE");
    node.webhook(&signature(WEBHOOK_SECRET, now(), &body), &body.replace("1000", "9000"))
        .fails(401, "PAYMENT_SIGNATURE");
    node.request("POST", "/v1/payments/webhook", &[], &body).fails(401, "PAYMENT_SIGNATURE_MISSING");
    let nonsense = "{\"id\":1}";
    node.webhook(&signature(WEBHOOK_SECRET, now(), nonsense), nonsense).fails(400, "PAYMENT_BODY");
    assert_eq!(site.database().column("SELECT COUNT(*) FROM payment"), ["0"]);
    assert_eq!(node.state(&order), "pending");
}

fn a_secret_is_followed_by_another_without_a_gap(engine: Engine) {
    let site = Site::on(engine);
    site.open_market();
    site.write_secret("next.secret", "the-next-secret-of-the-provider");
    site.edit("fuda.toml", "[\"webhook.secret\"]", "[\"webhook.secret\", \"next.secret\"]");
    let node = site.node(&["--dev"]);
    for (event, secret) in [("evt-1", WEBHOOK_SECRET), ("evt-2", "the-next-secret-of-the-provider")] {
        let body = body(event, "000000000000");
        let _ = node.webhook(&signature(secret, now(), &body), &body).done();
    }
    drop(node);
    std::fs::set_permissions(site.path("next.secret"), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let _ = site.issuer(&["serve", "--dev", "--listen", "127.0.0.1:0"]).fails(4, "SECRET_FILE");
}

fn a_payment_that_was_acknowledged_survives_the_node(engine: Engine) {
    let site = Site::on(engine);
    site.open_market();
    let node = site.node(&["--dev"]);
    let orders: Vec<String> = (0..3).map(|_| node.order(&node.join()).0).collect();
    for order in &orders {
        let _ = node.pay(&format!("evt-{order}"), "paid", order, 1000).done();
    }
    let _ = node.running.kill();
    let node = site.node(&["--dev"]);
    for order in &orders {
        node.until_state(order, "granted");
    }
    let numbers = site.database().column("SELECT COUNT(DISTINCT number) FROM service_order");
    assert_eq!(numbers, ["3"]);
}

fn a_refund_leaves_from_granted_alone_and_frees_the_card(engine: Engine) {
    let site = Site::on(engine);
    let delivery = site.stocked(1);
    let node = site.node(&["--dev"]);
    let (order, _) = node.sold(&delivery.cards[0]);
    let _ = node.pay("refund-1", "refunded", &order, 1000).done();
    node.until_state(&order, "reversed");
    let (second, _) = node.sold(&delivery.cards[0]);
    // A job has it: only the card can say whether it is written.
    let reserve = format!("UPDATE entitlement SET state = 'reserved', job = 'J' WHERE order_id = '{second}'");
    assert_eq!(site.database().change(&reserve), 1);
    let _ = node.pay("refund-2", "refunded", &second, 1000).done();
    fuda_tests::running::until("the refund is an exception", || {
        !site.issuer(&["payment", "list", "--unmatched"]).done()["payments"].as_array().unwrap().is_empty()
    });
    assert_eq!(node.state(&second), "reserved");
}

fn a_charge_back_waits_for_the_card_and_then_blocks_it(engine: Engine) {
    let site = Site::on(engine);
    let delivery = site.stocked(1);
    let node = site.node(&["--dev"]);
    let (order, _) = node.sold(&delivery.cards[0]);
    let set = |state: &str| {
        let sql = format!("UPDATE entitlement SET state = '{state}', job = 'J' WHERE order_id = '{order}'");
        assert_eq!(site.database().change(&sql), 1);
    };
    set("reserved");
    let _ = node.pay("chargeback-1", "charged-back", &order, 1000).done();
    let _ = node.pay("chargeback-1", "charged-back", &order, 1000).done();
    assert_eq!(site.database().column("SELECT state FROM payment WHERE kind = 'charged-back'"), ["received"]);
    set("consumed");
    node.until_state(&order, "reversed");
    let blocks = site.database().rows("SELECT card, reason, state FROM card_block");
    assert_eq!(blocks, [[delivery.cards[0]["chip_id"].as_str(), "charge-back", "open"]]);
    assert_eq!(site.database().column("SELECT state FROM card_application"), ["suspended"]);
}

fn a_banks_file_is_taken_in_row_by_row(engine: Engine) {
    let site = Site::on(engine);
    site.open_market();
    let node = site.node(&["--dev"]);
    let (paid, short, wrong) = (node.order(&node.join()).0, node.order(&node.join()).0, node.order(&node.join()).0);
    let rows = format!(
        "event,reference,amount,currency\nB1,{paid},1000,JPY\nB2,{short},900,JPY\nB3,ヤマダ,1000,JPY\nB4,{wrong}\n"
    );
    site.write("bank.csv", &rows);
    let report = site.issuer(&["payment", "import", "bank.csv"]).exits(1).json();
    assert_eq!(report["settled"], 1);
    let lines: Vec<_> =
        report["exceptions"].as_array().unwrap().iter().map(|row| row["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [3, 4, 5]);
    assert_eq!([node.state(&paid), node.state(&short)], ["granted", "pending"]);
    let again = site.issuer(&["payment", "import", "bank.csv"]).exits(1).json();
    assert_eq!(
        (&again["settled"], &again["known"]),
        (&0.into(), &1.into()),
        "a file that is imported again changes nothing"
    );

    let _ = site.issuer(&["payment", "match", "file/B2", &short, "--operator", "sato"]).fails(4, "PAYMENT_AMOUNT");
    let _ = site.issuer(&["payment", "match", "file/B9", &wrong, "--operator", "sato"]).fails(5, "PAYMENT_NOT_FOUND");
    let _ = site.issuer(&["payment", "match", "file/B1", &wrong, "--operator", "sato"]).fails(4, "PAYMENT_NOT_OPEN");
    let _ = site.issuer(&["payment", "match", "file/B3", &wrong, "--operator", "sato"]).done();
    assert_eq!(node.state(&wrong), "granted");
    assert_eq!(site.issuer(&["payment", "list", "--unmatched"]).done()["payments"].as_array().unwrap().len(), 1);
}

fn a_service_whose_numbers_are_used_up_keeps_the_money_as_an_exception(engine: Engine) {
    let site = Site::on(engine);
    site.open_market();
    site.edit("fuda.toml", "last = \"88010000009\"", "last = \"88010000000\"");
    let node = site.node(&["--dev"]);
    let (first, second) = (node.order(&node.join()).0, node.order(&node.join()).0);
    site.write("bank.csv", &format!("event,reference,amount,currency\nB1,{first},1000,JPY\nB2,{second},1000,JPY\n"));
    let report = site.issuer(&["payment", "import", "bank.csv"]).exits(1).json();
    assert_eq!((&report["settled"], &report["exceptions"][0]["line"]), (&1.into(), &3.into()));
    assert_eq!([node.state(&first), node.state(&second)], ["granted", "pending"]);
}

on_both_engines!(
    a_fee_that_is_told_again_and_again_grants_once,
    what_the_provider_did_not_sign_now_is_not_stored,
    a_secret_is_followed_by_another_without_a_gap,
    a_payment_that_was_acknowledged_survives_the_node,
    a_refund_leaves_from_granted_alone_and_frees_the_card,
    a_charge_back_waits_for_the_card_and_then_blocks_it,
    a_banks_file_is_taken_in_row_by_row,
    a_service_whose_numbers_are_used_up_keeps_the_money_as_an_exception,
);
