//! Contacts that are cut: the next one asks the card how far it came, and goes on from there. Nothing is written twice as different, no right
//! is used twice, no try is burned.

use super::{Centre, Cut, Mode, Relay, Terminal, on_both};
use fuda_card_sim::Card;
use fuda_tests_cluster::Engine;
use serde_json::Value;

/// Commands of a whole activation of `membership-1ap`.
fn commands(relay: &mut Relay, centre: &Centre, order: usize) -> usize {
    let mut card = centre.card(order);
    let mut terminal = Terminal::new(relay);
    let done = terminal.run("activate", &centre.token(order), &mut card);
    assert_eq!(done["outcome"], "written", "{done}");
    terminal.commands.len()
}

/// Cuts one contact, then lets another one go to its end.
fn survives(relay: &mut Relay, centre: &Centre, order: usize, card: &mut Card, cut: Cut) -> Value {
    let mut first = Terminal::new(relay).cut(cut);
    let lost = first.run("activate", &centre.token(order), card);
    assert_eq!(
        (&lost["type"], &lost["code"], &lost["retriable"]),
        (&"error".into(), &"CONTACT_LOST".into(), &true.into()),
        "{cut:?}: {lost}"
    );
    assert_eq!(
        (centre.jobs(order), centre.entitlement(order)),
        (vec!["unknown".to_owned()], "reserved".to_owned()),
        "{cut:?}"
    );
    let mut second = Terminal::new(relay);
    let done = second.run("activate", &centre.token(order), card);
    assert_eq!(done["type"], "done", "{cut:?}: {done}");
    assert!(second.scripts <= 2, "{cut:?}: a look and the rest, {} scripts", second.scripts);
    done
}

#[test]
fn a_cut_anywhere_is_finished_at_the_next_contact() {
    on_both("activation::cuts::a_cut_anywhere", |engine| {
        // Every place on one engine, some on the other: the road through the store is the same.
        let places: &[f64] = if engine == Engine::Sqlite { &[0.0, 0.35, 0.7, 1.0] } else { &[0.2, 0.8] };
        let cards = u32::try_from(2 * places.len() + 1).unwrap();
        let (centre, node) = Centre::new(engine, cards);
        let mut relay = Relay::post(&node.address);
        let all = commands(&mut relay, &centre, 0);
        let mut order = 0;
        for place in places {
            for mode in [Mode::Before, Mode::After] {
                order += 1;
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    clippy::cast_precision_loss,
                    reason = "a part"
                )]
                let command = (place * (all - 1) as f64) as usize;
                let mut card = centre.card(order);
                let done = survives(&mut relay, &centre, order, &mut card, Cut { command, mode });
                let was_whole = command == all - 1 && mode == Mode::After;
                assert_eq!(done["outcome"], if was_whole { "already_written" } else { "written" }, "{place} {mode:?}");
                drop(card);
                assert_eq!(
                    (centre.jobs(order), centre.entitlement(order)),
                    (vec!["confirmed".to_owned()], "consumed".to_owned())
                );
                assert_eq!(centre.life_cycle(order), "activated");
            }
        }
        let open = "SELECT COUNT(*) FROM online_script WHERE kind = 'write' AND state IN ('offered', 'unknown')";
        assert_eq!(centre.site.database().count(open), 0);
    });
}

#[test]
fn a_script_that_never_came_back_is_asked_for_at_the_next_contact() {
    let (centre, node) = Centre::new(Engine::Sqlite, 2);
    let mut relay = Relay::websocket(&node.address);
    // The terminal runs the whole script and is never heard of again.
    let mut card = centre.card(0);
    let mut silent = Terminal::new(&mut relay);
    let script = silent.open("activate", &centre.token(0)).body;
    let _ = silent.play(&script, &mut card);
    let mut second = Terminal::new(&mut relay);
    let done = second.run("activate", &centre.token(0), &mut card);
    // The count has moved on unseen, which costs a look of its own.
    assert_eq!((&done["outcome"], second.scripts), (&"already_written".into(), 2), "{done}");
    // Another one does not run it at all, until somebody else has activated the card.
    let mut card = centre.card(1);
    let mut late = Terminal::new(&mut relay);
    let script = late.open("activate", &centre.token(1)).body;
    let (sid, late_script) = (late.sid.clone(), script);
    let done = Terminal::new(&mut relay).run("activate", &centre.token(1), &mut card);
    assert_eq!(done["outcome"], "written", "{done}");
    // The kept script stops at the count, before EXTERNAL AUTHENTICATE, and gains nothing.
    let mut late = Terminal::new(&mut relay);
    late.sid = sid;
    let result = late.play(&late_script, &mut card);
    assert_eq!((&result["end"], &result["at"]), (&"match".into(), &1.into()), "{result}");
    let answer = late.say(&result).body;
    assert_eq!(answer["outcome"], "already_written", "{answer}");
    assert_eq!((centre.jobs(1), centre.entitlement(1)), (vec!["confirmed".to_owned()], "consumed".to_owned()));
}
