//! First articles: the line stops after the first cards until a second person has looked at them.

use fuda_tests::{Order, Site};

/// An order of four cards whose first two wait.
fn waiting() -> Site {
    let site = Site::new();
    site.order(&Order { line: "first_article = 2".to_owned(), ..Order::small(4) });
    site.blank("stack", 4);
    site
}

#[test]
fn the_line_waits_after_the_first_articles_until_somebody_else_approves() {
    let site = waiting();
    let feeder = site.feeder("stack", 2, &[]);
    let stopped = site.line(2, &[]).wait().exits(3).json();
    assert_eq!((&stopped["good"], &stopped["unfilled"]), (&2.into(), &2.into()), "{stopped}");
    let _ = site.line(2, &[]).wait().fails(3, "FIRST_ARTICLE");
    let _ = site.factory(&["job", "approve", "T-1", "--checker", "tester"]).fails(4, "JOB_SAME_PERSON");
    assert_eq!(site.factory(&["job", "show", "T-1"]).done()["approved_by"], "");

    let approved = site.factory(&["job", "approve", "T-1", "--checker", "tanaka"]).done();
    assert_eq!(approved["approved_by"], "tanaka");
    let report = site.line(2, &[]).wait().done();
    assert_eq!((&report["state"], &report["good"]), (&"complete".into(), &4.into()));
    let _ = feeder.wait().done();
}

#[test]
fn nothing_is_approved_before_a_card_is_good() {
    let site = waiting();
    let _ = site.factory(&["job", "approve", "T-1", "--checker", "tanaka"]).fails(5, "JOB_NOT_FOUND");
    let feeder = site.feeder("stack", 1, &[]);
    let limited = site.line(1, &["--limit", "1"]).wait().exits(3).json();
    assert_eq!(limited["good"], 1, "a smaller limit counts first");
    drop(feeder);
}
