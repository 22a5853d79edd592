//! Two terminals that have a session for the same card: whatever one of them was given, the other one's result is answered by what the card
//! proves, and never as a fault of the centre's.

use super::{Centre, Relay, Terminal};
use fuda_card_sim::Card;
use fuda_tests_cluster::Engine;

/// Somebody asks the card who it is, so that its count moves on.
fn ask(card: &mut Card) {
    for command in ["00A4040006F0465544410100", "8050300008010203040506070800"] {
        let answer = card.transmit(&hex::decode(command).unwrap());
        assert!(answer.ends_with(&[0x90, 0x00]), "{answer:02X?}");
    }
}

#[test]
fn a_script_whose_count_is_elsewhere_is_followed_by_a_look_once_another_session_began() {
    let (centre, node) = Centre::new(Engine::Sqlite, 1);
    let (mut relay, mut other) = (Relay::post(&node.address), Relay::post(&node.address));
    let mut card = centre.card(0);
    let mut first = Terminal::new(&mut relay);
    let script = first.open("activate", &centre.token(0)).body;
    // The second session makes of the first one's script one that may have run.
    let look = Terminal::new(&mut other).open("activate", &centre.token(0)).body;
    assert_eq!((&script["type"], &look["type"]), (&"script".into(), &"script".into()));
    ask(&mut card);
    let result = first.play(&script, &mut card);
    let mut answer = first.say(&result).body;
    while answer["type"] == "script" {
        let result = first.play(&answer, &mut card);
        answer = first.say(&result).body;
    }
    assert_eq!((&answer["outcome"], first.scripts), (&"written".into(), 3), "{answer}");
    assert_eq!((centre.jobs(0), centre.entitlement(0)), (vec!["confirmed".to_owned()], "consumed".to_owned()));
}

#[test]
fn a_card_that_was_asked_by_two_terminals_goes_on_with_the_last_one() {
    let (centre, node) = Centre::new(Engine::Sqlite, 1);
    let kdd = &centre.sales[0].kdd;
    let known = format!(
        "INSERT INTO key_set_counter (card, df, kvn, verified, challenge, at) VALUES ('{kdd}', 'F04655444101', 48, 0, 'random', 'now')"
    );
    assert_eq!(centre.site.database().change(&known), 1);
    let (mut relay, mut other) = (Relay::post(&node.address), Relay::post(&node.address));
    let mut card = centre.card(0);
    let (mut first, mut second) = (Terminal::new(&mut relay), Terminal::new(&mut other));
    let questions = [first.open("activate", &centre.token(0)).body, second.open("activate", &centre.token(0)).body];
    let result = first.play(&questions[0], &mut card);
    let write = first.say(&result).body;
    assert_eq!(write["type"], "script", "{write}");
    // The first one's script ran nowhere when the second one has the card; the centre cannot know that, and looks.
    let result = second.play(&questions[1], &mut card);
    let mut answer = second.say(&result).body;
    while answer["type"] == "script" {
        let result = second.play(&answer, &mut card);
        answer = second.say(&result).body;
    }
    assert_eq!((&answer["outcome"], second.scripts), (&"written".into(), 3), "{answer}");
    // The kept script gains nothing.
    let result = first.play(&write, &mut card);
    let late = first.say(&result).body;
    assert_eq!(late["outcome"], "already_written", "{late}");
    assert_eq!((centre.jobs(0), centre.entitlement(0)), (vec!["confirmed".to_owned()], "consumed".to_owned()));
}
