//! The operator's side: jobs and cards as the engine knows them, what is given up, what is blocked, nodes that are told to stop.

use super::{Centre, Cut, Mode, Relay, Terminal};
use fuda_tests_cluster::Engine;

#[test]
fn a_job_that_waits_for_its_card_is_listed_and_given_up_by_two() {
    let (centre, node) = Centre::new(Engine::Sqlite, 2);
    let mut relay = Relay::post(&node.address);
    let nothing = centre.site.issuer(&["job", "reconcile"]).done();
    assert_eq!(nothing["jobs"], serde_json::json!([]));
    let mut card = centre.card(0);
    let lost = Terminal::new(&mut relay).cut(Cut { command: 8, mode: Mode::After }).run(
        "activate",
        &centre.token(0),
        &mut card,
    );
    assert_eq!(lost["code"], "CONTACT_LOST");
    let waiting = centre.site.issuer(&["job", "reconcile"]).exits(1).json();
    let job = waiting["jobs"][0]["job"].as_str().unwrap().to_owned();
    assert_eq!((&waiting["jobs"][0]["state"], waiting["jobs"].as_array().unwrap().len()), (&"unknown".into(), 1));
    let shown = centre.site.issuer(&["job", "show", &job]).done();
    assert_eq!(
        (&shown["scripts"][0]["kind"], &shown["scripts"][0]["state"]),
        (&"write".into(), &"unknown".into()),
        "{shown}"
    );
    let _ = centre.site.issuer(&["job", "show", "0123456789ABCDEF"]).fails(5, "JOB_NOT_FOUND");

    let give_up = |operator: &str, checker: &str| {
        centre.site.issuer(&[
            "job",
            "reconcile",
            &job,
            "--write-off",
            "--operator",
            operator,
            "--checker",
            checker,
            "--reason",
            "lost",
        ])
    };
    let _ = give_up("sato", "sato").fails(4, "JOB_SAME_PERSON");
    assert_eq!(give_up("sato", "tanaka").done()["state"], "failed");
    assert_eq!((centre.jobs(0), centre.entitlement(0)), (vec!["failed".to_owned()], "granted".to_owned()));
    let _ = give_up("sato", "tanaka").fails(4, "JOB_RESOLVED");
    // The card was found: a new job asks it first, and goes on.
    let done = Terminal::new(&mut relay).run("activate", &centre.token(0), &mut card);
    assert_eq!(done["outcome"], "written", "{done}");
    drop(card);
    assert_eq!(
        (centre.jobs(0), centre.entitlement(0)),
        (vec!["failed".to_owned(), "confirmed".to_owned()], "consumed".to_owned())
    );
    assert_eq!(centre.life_cycle(0), "activated");
    let listed = centre.site.issuer(&["job", "list", "--state", "confirmed"]).done();
    assert_eq!(listed["jobs"].as_array().unwrap().len(), 1);
    let _ = centre.site.issuer(&["job", "list", "--state", "gone"]).fails(2, "USAGE");
}

#[test]
fn a_result_that_comes_after_its_job_was_given_up_is_told_so() {
    let (centre, node) = Centre::new(Engine::Sqlite, 1);
    let mut relay = Relay::post(&node.address);
    let mut card = centre.card(0);
    let mut terminal = Terminal::new(&mut relay);
    let script = terminal.open("activate", &centre.token(0)).body;
    let job = centre.site.issuer(&["job", "reconcile"]).exits(1).json()["jobs"][0]["job"].as_str().unwrap().to_owned();
    let by = ["--write-off", "--operator", "sato", "--checker", "tanaka", "--reason", "lost"];
    let _ = centre.site.issuer(&[&["job", "reconcile", &job], &by[..]].concat()).done();
    let result = terminal.play(&script, &mut card);
    let late = terminal.say(&result);
    assert_eq!((late.status, &late.body["code"]), (409, &"SCRIPT_OVERTAKEN".into()), "{late:?}");
    assert_eq!((centre.jobs(0), centre.entitlement(0)), (vec!["failed".to_owned()], "granted".to_owned()));
}

#[test]
fn a_blocked_card_gets_no_script_and_a_drained_node_ends() {
    let (centre, mut node) = Centre::new(Engine::Sqlite, 1);
    let mut relay = Relay::post(&node.address);
    let serial = &centre.delivery.cards[1]["serial"];
    let blocked = centre.site.issuer(&["card", "block", serial, "--reason", "stolen", "--operator", "sato"]).done();
    assert_eq!(blocked["blocked"], centre.sales[0].kdd.as_str());
    let refused = Terminal::new(&mut relay).open("activate", &centre.token(0));
    assert_eq!((refused.status, &refused.body["code"]), (403, &"CARD_BLOCKED".into()));
    assert_eq!(centre.site.issuer(&["card", "show", serial]).done()["blocked"], "stolen");
    let _ = centre.site.issuer(&["card", "show", "nobody"]).fails(5, "CARD_NOT_IN_STOCK");

    let drained = centre.site.issuer(&["drain"]).done();
    assert_eq!((&drained["told"], &drained["stopped"]), (&1.into(), &1.into()));
    fuda_tests::running::until("the node has ended", || node.running.has_ended());
    let _ = node.running.wait().exits(0);
    assert_eq!(centre.site.issuer(&["drain"]).done()["told"], 0);
}
