//! What nobody paid or used in its time expires, and its card is free; what was paid stays unless the site says otherwise.

use fuda_tests::Site;
use fuda_tests::running::until;
use fuda_tests_cluster::{Engine, on_both_engines};
use serde_json::Value;

/// Makes the right of an order older than any life.
fn is_old(site: &Site, order: &str) {
    let sql = format!("UPDATE entitlement SET changed_at = '2020-01-01T00:00:00.000Z' WHERE order_id = '{order}'");
    assert_eq!(site.database().change(&sql), 1);
}

fn an_order_that_nobody_pays_frees_its_card(engine: Engine) {
    let site = Site::on(engine);
    let delivery = site.stocked(2);
    let node = site.node(&["--dev"]);
    // Several nodes look at the same orders, where several may serve.
    let _others: Vec<_> = (0..2).filter(|_| engine == Engine::Postgres).map(|_| site.node(&["--dev"])).collect();
    let (paid, _) = node.sold(&delivery.cards[1]);
    let (order, _) = node.order(&node.join());
    let _ = node.claim(&order, &delivery.cards[0]).done();
    is_old(&site, &paid);
    is_old(&site, &order);
    node.until_state(&order, "expired");
    assert_eq!(node.state(&paid), "granted", "money keeps its right, however old");

    // The claim is given up, and the order is over.
    node.claim(&order, &delivery.cards[0]).fails(409, "ORDER_BEGUN");
    let (second, _) = node.order(&node.join());
    let _ = node.claim(&second, &delivery.cards[0]).done();
    let _ = node.pay("late-1", "paid", &order, 1000).done();
    until("money that comes too late is an exception", || {
        !site.issuer(&["payment", "list", "--unmatched"]).done()["payments"].as_array().unwrap().is_empty()
    });
    assert_eq!(node.state(&order), "expired");
    let _ = site
        .issuer(&["payment", "match", "webhook/late-1", &order, "--operator", "sato"])
        .fails(4, "ENTITLEMENT_STATE");
    let shown = node.api("GET", &format!("/v1/orders/{second}"), &Value::Null).done();
    assert_eq!(shown["state"], "pending", "{shown}");
}

fn an_order_that_nobody_uses_expires_where_the_site_says_so_and_is_paid_back(engine: Engine) {
    let site = Site::on(engine);
    let delivery = site.stocked(1);
    site.edit("fuda.toml", "indexed = ", "life = { unused_days = 365 }\nindexed = ");
    let node = site.node(&["--dev"]);
    let (order, _) = node.sold(&delivery.cards[0]);
    is_old(&site, &order);
    node.until_state(&order, "expired");
    assert_eq!(site.database().column("SELECT COUNT(*) FROM card_application WHERE claimed_by IS NOT NULL"), ["0"]);
    let _ = node.pay("refund-1", "refunded", &order, 1000).done();
    node.until_state(&order, "reversed");
}

fn a_life_that_is_none_keeps_the_centre_from_serving(engine: Engine) {
    let site = Site::on(engine);
    site.open_market();
    site.edit("fuda.toml", "indexed = ", "life = { job_hours = 0 }\nindexed = ");
    let refused = site.issuer(&["serve", "--dev", "--listen", "127.0.0.1:0"]).fails(5, "INPUT_INVALID");
    assert!(refused.what.contains("no such life"), "{refused:?}");
}

on_both_engines!(
    an_order_that_nobody_pays_frees_its_card,
    an_order_that_nobody_uses_expires_where_the_site_says_so_and_is_paid_back,
    a_life_that_is_none_keeps_the_centre_from_serving,
);
