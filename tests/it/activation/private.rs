//! What is nobody's business stands nowhere: no personal data, token, session name or command in logs, metrics or errors.

use super::relay::http_text;
use super::{Centre, Cut, Mode, Relay, Terminal};
use fuda_tests_cluster::Engine;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// One object of the log: what was said, and its fields.
fn object(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

#[test]
fn a_session_has_one_number_in_the_log_and_what_others_told_is_not_in_it() {
    let (centre, node) = Centre::new(Engine::Sqlite, 1);
    drop(node);
    centre.site.write_secret("till.key", "key-of-the-retailer-ueno");
    centre.site.edit("fuda.toml", "indexed = ", "till_keys = [\"till.key\"]\nindexed = ");
    let node = centre.site.node(&["--dev", "--log-format", "json"]);
    let mut relay = Relay::post(&node.address);
    let mut card = centre.card(0);
    let mut numbers = Vec::new();
    let lost = Terminal::new(&mut relay).cut(Cut { command: 9, mode: Mode::After }).run(
        "activate",
        &centre.token(0),
        &mut card,
    );
    numbers.push(lost["trace"].as_str().unwrap().to_owned());
    // A member who changes their name, a till, a payer's bank: none of what they say is anybody else's business.
    let order = &centre.sales[0].order;
    let member = centre.site.database().column("SELECT member FROM service_order").remove(0);
    let fields = json!({ "fields": { "name_kana": "ｽｽﾞｷ ｲﾁﾛｳ", "email": "ichiro@example.com" } });
    let _ = node.api("PUT", &format!("/v1/members/{member}"), &fields).done();
    let printed = &centre.delivery.cards[0]["printed"];
    let sale = json!({ "retailer": "ueno", "shop": "3", "receipt": "R-1", "line": 1, "printed": printed, "sold_at": "2026-04-17T09:30:00+09:00" });
    let till = [("Authorization", "Bearer key-of-the-retailer-ueno")];
    let _ = node.request("POST", "/v1/sales", &till, &sale.to_string()).done();
    let done = Terminal::new(&mut relay).run("activate", &centre.token(0), &mut card);
    assert_eq!(done["outcome"], "written", "{done}");
    let _ = node.pay("back-1", "charged-back", order, 1000).done();
    node.until_state(order, "reversed");
    let shut = Terminal::new(&mut relay).run("read", &centre.token(0), &mut card);
    numbers.push(shut["trace"].as_str().unwrap().to_owned());

    let number = centre.site.database().column("SELECT number FROM service_order").remove(0);
    let ended = node.running.kill();
    let answered: Vec<Value> =
        ended.stderr.lines().map(object).filter(|line| line["fields"]["message"] == "answered").collect();
    for told in &numbers {
        let kinds: Vec<_> = answered
            .iter()
            .filter(|line| line["fields"]["session"] == told.as_str())
            .map(|line| line["fields"]["kind"].as_str().unwrap())
            .collect();
        assert_eq!(kinds, ["open", "result"], "{told}: {answered:?}");
    }
    let sessions: BTreeSet<_> = answered.iter().map(|line| line["fields"]["session"].to_string()).collect();
    assert_eq!(sessions.len(), 3, "three contacts: {answered:?}");
    let said = format!("{}{}", ended.stdout, ended.stderr);
    for secret in ["ｽｽﾞｷ", "ichiro", "ﾔﾏﾀﾞ", "hanako", printed, &number, "key-of-the-retailer", &centre.token(0)]
    {
        assert!(!said.contains(secret), "`{secret}` in {said}");
    }
}

#[test]
fn logs_and_metrics_tell_no_secret() {
    let (centre, node) = Centre::new(Engine::Sqlite, 2);
    let mut relay = Relay::post(&node.address);
    let mut secrets: Vec<String> = ["ﾔﾏﾀﾞ", "D4CFC0DE", "HANAKO"].map(str::to_owned).into();
    secrets.extend([centre.token(0), centre.token(1)]);
    let mut card = centre.card(0);
    let mut terminal = Terminal::new(&mut relay).cut(Cut { command: 9, mode: Mode::After });
    let _ = terminal.run("activate", &centre.token(0), &mut card);
    secrets.push(terminal.sid.clone());
    secrets.extend(terminal.commands.iter().filter(|command| command.len() > 40).cloned());
    let mut terminal = Terminal::new(&mut relay);
    let done = terminal.run("activate", &centre.token(0), &mut card);
    assert_eq!(done["type"], "done", "{done}");
    secrets.push(terminal.sid.clone());
    let refused = http_text(
        &node.address,
        "POST",
        "/v1/cardscript",
        &format!("{{\"type\":\"open\",\"order\":\"{}\"}}", centre.token(1)),
    );
    assert_eq!(refused.0, 400);
    let (_, metrics) = http_text(&node.address, "GET", "/metrics", "");
    let ended = node.running.kill();
    let said = format!("{}{}{metrics}{}", ended.stdout, ended.stderr, refused.1).to_uppercase();
    assert!(said.contains("ANSWERED"), "{said}");
    for secret in secrets {
        assert!(!said.contains(&secret), "`{secret}` in what the node said");
    }
}
