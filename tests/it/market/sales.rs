//! Tills tell of cards that went over the counter, and take it back, as often as they like: each line of a receipt counts once.

use fuda_tests::Site;
use fuda_tests::delivery::Row;
use fuda_tests::market::{Answer, Node};
use fuda_tests_cluster::{Engine, on_both_engines};
use serde_json::{Value, json};

const TILL_KEY: &str = "key-of-the-retailer-ueno";

/// A site with so many cards in stock that believes a retailer.
fn with_till(engine: Engine, cards: u32, more: &str) -> (Site, fuda_tests::Delivery) {
    let site = Site::on(engine);
    let delivery = site.stocked(cards);
    site.write_secret("till.key", TILL_KEY);
    site.edit("fuda.toml", "indexed = ", &format!("till_keys = [\"till.key\"]\n{more}indexed = "));
    (site, delivery)
}

fn tell(node: &Node, path: &str, body: &Value) -> Answer {
    node.request("POST", path, &[("Authorization", &format!("Bearer {TILL_KEY}"))], &body.to_string())
}

fn sale(receipt: &str, printed: &str) -> Value {
    json!({ "retailer": "ueno", "shop": "3", "receipt": receipt, "line": 1, "printed": printed, "sold_at": "2026-04-17T09:30:00+09:00" })
}

fn sell(node: &Node, receipt: &str, card: &Row) -> Answer {
    tell(node, "/v1/sales", &sale(receipt, &card["printed"]))
}

fn take_back(node: &Node, receipt: &str) -> Answer {
    tell(node, "/v1/sales/reverse", &json!({ "retailer": "ueno", "shop": "3", "receipt": receipt, "line": 1 }))
}

fn states(site: &Site) -> Vec<Vec<String>> {
    site.database().rows("SELECT state, shop FROM stock_card ORDER BY serial")
}

fn heard(known: bool, state: &str) -> Value {
    json!({ "known": known, "state": state, "reason": "" })
}

fn a_sale_is_heard_once_and_taken_back_once(engine: Engine) {
    let (site, delivery) = with_till(engine, 2, "");
    let node = site.node(&["--dev"]);
    let [card, other] = [&delivery.cards[0], &delivery.cards[1]];
    assert_eq!(sell(&node, "R-1", card).done(), heard(false, "sold"));
    assert_eq!(sell(&node, "R-1", card).done(), heard(true, "sold"), "told again, because the answer was lost");
    assert_eq!(states(&site), [["sold", "3"], ["stock", ""]]);
    sell(&node, "R-1", other).fails(409, "SALE_OTHER_CONTENT");
    let twice = sell(&node, "R-2", card).done();
    assert_eq!(
        (&twice["state"], &twice["reason"]),
        (&"exception".into(), &"its card was sold before, by ueno/3/R-1/1".into())
    );
    let unknown = tell(&node, "/v1/sales", &sale("R-3", "000")).done();
    assert_eq!(unknown["state"], "exception", "the till can do nothing about it: {unknown}");

    assert_eq!(take_back(&node, "R-1").done(), heard(false, "reversed"));
    assert_eq!(take_back(&node, "R-1").done(), heard(true, "reversed"));
    assert_eq!(sell(&node, "R-1", card).done(), heard(true, "reversed"), "the same line does not sell it again");
    assert_eq!(states(&site), [["in-transit", "3"], ["stock", ""]], "it lies in the shop again");
    assert_eq!(sell(&node, "R-4", card).done(), heard(false, "sold"));

    // The notices of a till may overtake one another.
    assert_eq!(take_back(&node, "R-5").done(), heard(false, "reversed"));
    assert_eq!(sell(&node, "R-5", other).done(), heard(false, "reversed"));
    assert_eq!(states(&site)[1], ["stock", ""]);
    let shown = site.issuer(&["sale", "show", "--exceptions"]).done();
    assert_eq!(shown["sales"].as_array().unwrap().len(), 2, "{shown}");
    let one = site.issuer(&["sale", "show", "ueno/3/R-1/1"]).done();
    assert_eq!(
        (&one["sales"][0]["reversed_by"], &one["sales"][0]["serial"]),
        (&"till".into(), &card["serial"].clone().into())
    );
    let _ = site.issuer(&["sale", "show", "ueno/3/R-9/1"]).fails(5, "SALE_NOT_FOUND");
    let _ = site.issuer(&["sale", "show", "R-9"]).exits(2);
}

fn a_sale_of_a_card_that_somebody_uses_is_taken_back_by_a_person(engine: Engine) {
    let (site, delivery) = with_till(engine, 1, "");
    let node = site.node(&["--dev"]);
    let card = &delivery.cards[0];
    let _ = sell(&node, "R-1", card).done();
    let (order, _) = node.order(&node.join());
    let _ = node.claim(&order, card).done();
    let stranded = take_back(&node, "R-1").done();
    assert_eq!(stranded["state"], "exception");
    assert!(stranded["reason"].as_str().unwrap().contains(&order), "{stranded}");
    assert_eq!(take_back(&node, "R-1").done()["known"], true, "the till is answered all the same");
    assert_eq!(states(&site), [["sold", "3"]]);
    let _ = site.issuer(&["sale", "reverse", "ueno/3/R-1/1", "--operator", "sato"]).exits(1);
    let listed = site.issuer(&["sale", "show", "--exceptions"]).done();
    assert_eq!(listed["sales"][0]["reason"], stranded["reason"], "{listed}");
}

fn where_the_site_wants_it_a_card_is_claimed_after_its_sale(engine: Engine) {
    let (site, delivery) = with_till(engine, 1, "require_sale = true\n");
    let node = site.node(&["--dev"]);
    let (order, _) = node.order(&node.join());
    node.claim(&order, &delivery.cards[0]).fails(409, "CLAIM_NOT_SOLD");
    let _ = sell(&node, "R-1", &delivery.cards[0]).done();
    let _ = take_back(&node, "R-1").done();
    node.claim(&order, &delivery.cards[0]).fails(409, "CLAIM_NOT_SOLD");
    let _ = sell(&node, "R-2", &delivery.cards[0]).done();
    let _ = node.claim(&order, &delivery.cards[0]).done();
}

fn a_till_may_do_nothing_else_and_nobody_else_may_do_it(engine: Engine) {
    let (site, delivery) = with_till(engine, 1, "");
    let node = site.node(&["--dev"]);
    let body = sale("R-1", &delivery.cards[0]["printed"]);
    node.api("POST", "/v1/sales", &body).fails(401, "API_KEY");
    node.api("POST", "/v1/sales/reverse", &body).fails(401, "API_KEY");
    let member = node.join();
    tell(&node, "/v1/members/find", &json!({})).fails(401, "API_KEY");
    let key = format!("Bearer {TILL_KEY}");
    node.request("GET", &format!("/v1/members/{member}/export"), &[("Authorization", &key)], "").fails(401, "API_KEY");
    for (name, wrong) in
        [("line", json!(0)), ("receipt", json!("a/b")), ("sold_at", json!("yesterday")), ("printed", json!(""))]
    {
        let mut body = body.clone();
        body[name] = wrong;
        tell(&node, "/v1/sales", &body).fails(422, "SALE_BODY");
    }
    assert_eq!(site.database().column("SELECT COUNT(*) FROM sale_notice"), ["0"]);
}

fn a_retailers_file_is_taken_in_row_by_row(engine: Engine) {
    let (site, delivery) = with_till(engine, 2, "");
    let printed = delivery.column("printed");
    let rows = format!(
        "retailer,shop,receipt,line,printed,sold_at\nueno,3,R-1,1,{},2026-04-17T09:30:00+09:00\nueno,3,R-1,2,000,2026-04-17T09:30:00+09:00\n\
         ueno,3,R-2,1,{},today\nueno,3\n",
        printed[0], printed[1]
    );
    site.write("sales.csv", &rows);
    let report = site.issuer(&["sale", "import", "sales.csv"]).exits(1).json();
    assert_eq!(report["sold"], 1);
    let lines: Vec<_> =
        report["exceptions"].as_array().unwrap().iter().map(|row| row["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [3, 4, 5]);
    let again = site.issuer(&["sale", "import", "sales.csv"]).exits(1).json();
    assert_eq!((&again["sold"], &again["known"]), (&0.into(), &1.into()), "{again}");
    assert_eq!(states(&site)[0], ["sold", "3"]);
    site.write("sales.csv", "receipt,line\n");
    let _ = site.issuer(&["sale", "import", "sales.csv"]).fails(5, "INPUT_INVALID");
}

on_both_engines!(
    a_sale_is_heard_once_and_taken_back_once,
    a_sale_of_a_card_that_somebody_uses_is_taken_back_by_a_person,
    where_the_site_wants_it_a_card_is_claimed_after_its_sale,
    a_till_may_do_nothing_else_and_nobody_else_may_do_it,
    a_retailers_file_is_taken_in_row_by_row,
);
