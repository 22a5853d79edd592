//! Whoever stands between terminal and centre and changes, repeats, drops, swaps or invents messages gains nothing: no card has what it should not
//! have, no right is used without a card that proves it, and the next honest contact brings every card to where it should be.

use super::Centre;
use super::between::{Between, Way};
use fuda_tests::Ended;
use fuda_tests_cluster::Engine;
use serde_json::{Value, json};
use std::time::Duration;

const EXTERNAL_AUTHENTICATE: &str = "8482";

/// Changes the lowest bit of the byte in the middle of a hex string.
fn bend(hex: &mut Value) {
    let mut bytes = hex::decode(hex.as_str().unwrap()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    *hex = hex::encode_upper(bytes).into();
}

/// What is done to the first message of a kind that passes by.
fn once(
    way: Way,
    kind: &'static str,
    mut change: impl FnMut(&mut Value) -> Option<()> + Send + 'static,
) -> impl FnMut(Way, Value) -> Option<Value> + Send + 'static {
    let mut is_done = false;
    move |passing, mut message| {
        if passing == way && message["type"] == kind && !std::mem::replace(&mut is_done, true) {
            change(&mut message)?;
        }
        Some(message)
    }
}

/// Lets somebody have their way with one contact, then checks that nothing was gained, and finishes with an honest one.
fn gains_nothing(centre: &Centre, url: &str, sale: usize, what: &str, hostile: &Between) -> Ended {
    let ended = centre.relayed(sale, "activate", &hostile.url, &["--transport", "post", "--patience", "3"]);
    let (right, life) = (centre.entitlement(sale), centre.life_cycle(sale));
    assert!(right != "consumed" || life == "activated", "{what}: a right was used without a card\n{ended}");
    assert!(!ended.status.success() || right == "consumed", "{what}: a receipt without a right\n{ended}");

    let honest = centre.relayed(sale, "activate", url, &["--transport", "post"]).done();
    assert!(["written", "already_written"].contains(&honest["outcome"].as_str().unwrap()), "{what}: {honest}");
    assert_eq!((centre.entitlement(sale), centre.life_cycle(sale)), ("consumed".into(), "activated".into()), "{what}");
    assert_eq!(centre.jobs(sale), ["confirmed"], "{what}");
    ended
}

#[test]
fn changed_dropped_and_swapped_commands_gain_nothing() {
    let (centre, node) = Centre::new(Engine::Sqlite, 7);
    let url = format!("http://{}", node.address);
    let plain = centre.relayed(0, "activate", &url, &["--transport", "post"]).done();
    assert_eq!(plain["round_trips_card_held"], 0, "{plain}");
    let script = |change: fn(&mut Vec<Value>)| {
        once(Way::ToTerminal, "script", move |message| {
            change(message["steps"].as_array_mut()?);
            Some(())
        })
    };
    type Attack = fn(&mut Vec<Value>);
    let attacks: [(&str, Attack); 6] = [
        ("another host cryptogram", |steps| {
            let step = steps.iter_mut().find(|step| step["c"].as_str().unwrap().starts_with(EXTERNAL_AUTHENTICATE));
            bend(&mut step.unwrap()["c"]);
        }),
        ("a changed write", |steps| {
            let middle = steps.len() / 2;
            bend(&mut steps[middle]["c"]);
        }),
        ("a changed commit", |steps| bend(&mut steps.last_mut().unwrap()["c"])),
        ("a write left out", |steps| {
            let _ = steps.remove(steps.len() / 2);
        }),
        ("a write twice", |steps| {
            let step = steps[steps.len() / 2].clone();
            steps.insert(steps.len() / 2, step);
        }),
        ("two writes swapped, and no rule left to be met", |steps| {
            let middle = steps.len() / 2;
            steps.swap(middle, middle + 1);
            for step in steps {
                (step["match"], step["sw"], step["stop"]) =
                    (json!([]), json!(["90", "69", "6A", "67"]), json!("go_on"));
            }
        }),
    ];
    for (sale, (what, change)) in (1..).zip(attacks) {
        let hostile = Between::new(&node, Duration::ZERO, script(change));
        let _ = gains_nothing(&centre, &url, sale, what, &hostile);
    }
}

#[test]
fn changed_invented_repeated_and_lost_results_gain_nothing() {
    let (centre, node) = Centre::new(Engine::Sqlite, 5);
    let url = format!("http://{}", node.address);

    let hostile = Between::new(
        &node,
        Duration::ZERO,
        once(Way::ToCentre, "result", |message| {
            let answers = message["r"].as_array_mut()?;
            bend(answers.last_mut()?);
            Some(())
        }),
    );
    let _ = gains_nothing(&centre, &url, 0, "another answer of the card", &hostile);

    // The card is never asked: its last command is answered by somebody else.
    let hostile = Between::new(
        &node,
        Duration::ZERO,
        once(Way::ToTerminal, "script", |message| {
            message["steps"].as_array_mut()?.truncate(2);
            Some(())
        }),
    );
    let _ = gains_nothing(&centre, &url, 1, "a script that ends before its time", &hostile);

    let hostile = Between::new(
        &node,
        Duration::ZERO,
        once(Way::ToCentre, "result", |message| {
            message["end"] = json!("done");
            message["at"] = json!(message["n"].as_u64()? + 1);
            Some(())
        }),
    );
    let _ = gains_nothing(&centre, &url, 2, "a result that claims more than the card did", &hostile);

    // The result is heard and its answer lost: the terminal sends it again, and it counts once.
    let hostile = Between::new(&node, Duration::ZERO, once(Way::ToTerminal, "done", |_| None));
    let ended = gains_nothing(&centre, &url, 3, "an answer that was lost", &hostile);
    let report = ended.done();
    assert_eq!((&report["outcome"], &report["resent"]), (&json!("written"), &json!(1)), "{report}");

    // The order is told to a stranger, who activates another card with it.
    let stranger = centre.hand(4);
    let reader = format!("vpcd:127.0.0.1:{}", centre.site.first_port());
    let token = centre.token(0);
    let arguments =
        ["activate", "--dev", "--json", "--no-input", "--centre", &url, "--reader", &reader, "--order", &token];
    let ended = centre.site.start(&fuda_tests::program::binary("fuda-terminal"), &arguments).wait();
    drop(stranger);
    assert!(!ended.status.success() || ended.json()["outcome"] == "already_written", "{ended}");
    assert_eq!(centre.entitlement(4), "granted", "the other card's order is as it was");
}

#[test]
fn the_owner_is_shown_what_is_on_the_card_and_nothing_in_plain() {
    let (centre, node) = Centre::new(Engine::Sqlite, 1);
    let url = format!("http://{}", node.address);
    let seen = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let kept = std::sync::Arc::clone(&seen);
    let between = Between::new(&node, Duration::ZERO, move |_, message| {
        kept.lock().unwrap().push_str(&message.to_string());
        Some(message)
    });
    let _ = centre.relayed(0, "activate", &between.url, &["--transport", "post"]).done();
    let read = centre.relayed(0, "read", &between.url, &["--transport", "post"]).done();
    assert_eq!((&read["outcome"], &read["round_trips_card_held"]), (&json!("read"), &json!(0)), "{read}");
    let names: Vec<&str> =
        read["shown"].as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"member_number"), "{read}");
    let seen = seen.lock().unwrap();
    // The member's name, as text and as the bytes on the card.
    assert!(!seen.contains("ﾔﾏﾀﾞ") && !seen.contains("D4CFC0DE20CAC5BA"), "the way carries the member's name");
    drop(url);
}
