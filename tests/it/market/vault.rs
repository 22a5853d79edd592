//! Personal data: sealed in the database, found without being there, given to whom it is about, and gone when it is erased.

use fuda_tests::Site;
use fuda_tests_cluster::{Engine, on_both_engines};
use serde_json::{Value, json};

/// What must be nowhere but in an export.
const PERSONAL: [&str; 2] = ["ﾔﾏﾀﾞ ﾊﾅｺ", "hanako@example.com"];

fn member(site: &Site) -> String {
    let input = json!({ "name_kana": PERSONAL[0], "email": PERSONAL[1] }).to_string();
    let joined = site.issuer_reads(&["member", "join", "--locale", "ja"], &input).done();
    joined["member"].as_str().unwrap().to_owned()
}

fn personal_data_is_in_no_table_log_or_report(engine: Engine) {
    let site = Site::on(engine);
    site.open_market();
    let node = site.node(&["--dev", "-v"]);
    let member = node.join();
    let shown = node.api("GET", &format!("/v1/members/{member}"), &Value::Null).done().to_string();
    let exported = node.api("GET", &format!("/v1/members/{member}/export"), &Value::Null).done();
    assert_eq!(exported["fields"], json!({ "name_kana": PERSONAL[0], "email": PERSONAL[1] }));
    let (order, _) = node.order(&member);
    let _ = node.pay("evt-1", "paid", &order, 1000).done();
    node.until_state(&order, "granted");
    let said = format!("{shown}{}{}", node.running.printed(), node.running.complained());
    let mut tables = String::new();
    for table in ["member", "member_field", "member_index", "service_order", "payment", "claim_try"] {
        tables.push_str(&format!("{:?}", site.database().rows(&format!("SELECT * FROM {table}"))));
    }
    for personal in PERSONAL {
        assert!(!said.contains(personal) && !tables.contains(personal), "{personal}\n{said}");
    }
}

fn a_member_is_found_by_a_value_that_is_not_stored(engine: Engine) {
    let site = Site::on(engine);
    site.open_market();
    let (first, second) = (member(&site), member(&site));
    let found = site.issuer_reads(&["member", "show", "--by", "email"], "Hanako@Example.com \n").done();
    let mut members: Vec<_> =
        found["members"].as_array().unwrap().iter().map(|member| member.as_str().unwrap()).collect();
    members.sort_unstable();
    let mut wanted = [first.as_str(), second.as_str()];
    wanted.sort_unstable();
    assert_eq!(members, wanted);
    let none = site.issuer_reads(&["member", "show", "--by", "email"], "taro@example.com").done();
    assert_eq!(none["members"], json!([]));
    let _ = site.issuer_reads(&["member", "show", "--by", "name_kana"], "x").fails(5, "MEMBER_NOT_INDEXED");
}

fn a_member_who_changes_is_found_by_the_new_value_alone(engine: Engine) {
    let site = Site::on(engine);
    site.open_market();
    let member = member(&site);
    let input = json!({ "name_kana": PERSONAL[0], "email": "hanako@example.org" }).to_string();
    assert_eq!(site.issuer_reads(&["member", "update", &member], &input).done()["changed"], member.as_str());
    let find = |email: &str| site.issuer_reads(&["member", "show", "--by", "email"], email).done()["members"].clone();
    assert_eq!((find(PERSONAL[1]), find("hanako@example.org")), (json!([]), json!([member])));
    assert_eq!(site.issuer(&["member", "export", &member]).done()["fields"]["email"], "hanako@example.org");
    let _ = site.issuer_reads(&["member", "update", "0123456789ABCDEF"], &input).fails(5, "MEMBER_NOT_FOUND");
    assert_eq!(site.issuer(&["member", "erase", &member]).done()["erased"], 1);
    let _ = site.issuer_reads(&["member", "update", &member], &input).fails(4, "MEMBER_ERASED");
}

fn what_is_sealed_for_one_member_opens_for_no_other(engine: Engine) {
    let site = Site::on(engine);
    site.open_market();
    let (first, second) = (member(&site), member(&site));
    let _ = site.issuer(&["member", "export", &first]).done();
    // A row that was moved by other hands, key and all.
    for sql in [
        format!(
            "UPDATE member_field SET sealed = (SELECT sealed FROM member_field WHERE member = '{second}') WHERE member = '{first}'"
        ),
        format!(
            "UPDATE member SET data_key = (SELECT data_key FROM member WHERE id = '{second}') WHERE id = '{first}'"
        ),
    ] {
        assert_eq!(site.database().change(&sql), 1);
        let _ = site.issuer(&["member", "export", &first]).fails(6, "SEAL_BROKEN");
    }
    let _ = site.issuer(&["member", "export", &second]).done();
}

fn an_erased_member_stays_erased_after_a_restore(engine: Engine) {
    let site = Site::on(engine);
    site.open_market();
    let member = member(&site);
    let columns = "SELECT key_version, data_key FROM member";
    let before = site.database().rows(columns).remove(0);
    let sealed = site.database().column("SELECT sealed FROM member_field").remove(0);
    assert_eq!(site.issuer(&["member", "erase", &member]).done()["erased"], 1);
    let _ = site.issuer(&["member", "export", &member]).fails(4, "MEMBER_ERASED");
    let shown = site.issuer(&["member", "show", &member]).done();
    assert!(shown["member"]["erased_at"].is_string(), "{shown}");
    for table in ["member_field", "member_index"] {
        assert_eq!(site.database().column(&format!("SELECT COUNT(*) FROM {table}")), ["0"]);
    }
    // Yesterday's backup comes back, and with it the member.
    let restore = || {
        for sql in [
            format!("UPDATE member SET data_key = '{}', erased_at = NULL", before[1]),
            format!(
                "INSERT INTO member_field (member, field_set, sealed, changed_at) VALUES ('{member}', 'person', '{sealed}', 'then')"
            ),
        ] {
            assert_eq!(site.database().change(&sql), 1);
        }
        let _ = site.issuer(&["member", "export", &member]).done();
    };
    restore();
    assert_eq!(site.issuer(&["member", "erase", "--replay"]).done()["erased"], 1);
    let _ = site.issuer(&["member", "export", &member]).fails(4, "MEMBER_ERASED");
    restore();
    drop(site.node(&["--dev"]));
    let _ = site.issuer(&["member", "export", &member]).fails(4, "MEMBER_ERASED");
    site.write("erasures.list", "nobody\n");
    let _ = site.issuer(&["member", "erase", "--replay"]).fails(6, "ERASURES_UNSOUND");
}

fn a_member_with_money_at_stake_is_not_erased(engine: Engine) {
    let site = Site::on(engine);
    let delivery = site.stocked(1);
    let node = site.node(&["--dev"]);
    let (order, _) = node.sold(&delivery.cards[0]);
    let shown = node.api("GET", &format!("/v1/orders/{order}"), &Value::Null).done();
    let member = shown["member"].as_str().unwrap();
    node.api("DELETE", &format!("/v1/members/{member}"), &Value::Null).fails(409, "MEMBER_BUSY");
    let _ = node.pay("refund-1", "refunded", &order, 1000).done();
    node.until_state(&order, "reversed");
    let _ = node.api("DELETE", &format!("/v1/members/{member}"), &Value::Null).done();
    node.api("POST", "/v1/orders", &json!({ "member": member, "service": "ticket" })).fails(410, "MEMBER_ERASED");
}

on_both_engines!(
    personal_data_is_in_no_table_log_or_report,
    a_member_is_found_by_a_value_that_is_not_stored,
    a_member_who_changes_is_found_by_the_new_value_alone,
    what_is_sealed_for_one_member_opens_for_no_other,
    an_erased_member_stays_erased_after_a_restore,
    a_member_with_money_at_stake_is_not_erased,
);
