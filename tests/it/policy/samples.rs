//! Samples: a good card that is drawn for inspection leaves with no delivery, and another is made in its place.

use fuda_tests::{Order, Site, agree};
use fuda_tests_cluster::{Engine, on_both_engines};

fn a_sample_is_no_card_of_the_order_and_another_takes_its_place(engine: Engine) {
    let site = Site::on(engine);
    site.make(&Order::small(2), 1);
    let draw =
        |card: &str| ["card", "sample", "T-1", card, "--reason", "bending", "--operator", "yamada"].map(str::to_owned);
    let run = |card: &str| {
        let arguments = draw(card);
        site.factory(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let drawn = run("88104000000013").done();
    let _ = run("88104000000013").fails(5, "CARD_NOT_FOUND");
    let counts = agree::accounts(&site, "T-1");
    assert_eq!((counts.count("samples"), counts.count("good"), counts.count("unfilled")), (1, 1, 1));
    assert_eq!(site.factory(&["job", "show", "T-1"]).done()["withdrawn"][0]["serial"], "88104000000013");

    site.blank("stack", 1);
    let chip = format!("{}.card", drawn["chip_id"].as_str().unwrap());
    std::fs::rename(site.path("ejected").join(&chip), site.path("stack/0.card")).unwrap();
    let feeder = site.feeder("stack", 1, &[]);
    let ended = site.line(1, &[]).wait();
    assert!(ended.stderr.contains("CARD_SAMPLE"), "{ended}");
    assert_eq!(ended.done()["good"], 2);
    let _ = feeder.wait().done();
    let delivery = site.deliver("T-1", "T-1");
    assert_eq!(delivery.column("serial"), ["88104000000021", "88104000000039"]);
    let counts = agree::everything(&site, "T-1", &delivery);
    assert_eq!((counts.count("fed"), counts.count("samples")), (3, 1));
    let _ = run("88104000000021").fails(4, "SAMPLE_DELIVERED");
}

fn a_sample_leaves_its_carton_and_another_card_goes_in(engine: Engine) {
    let site = Site::on(engine);
    site.make(&Order::small(3), 1);
    let numbers = site.database().column("SELECT printed FROM card WHERE job = 'T-1' ORDER BY position");
    site.write("scanned.txt", &format!("{}\n{}\n", numbers[0], numbers[1]));
    let pack = ["pack", "T-1", "--carton", "C-1", "--size", "2", "--from", "scanned.txt", "--operator", "suzuki"];
    assert_eq!(site.factory(&pack).done()["full"], true);
    let draw = ["card", "sample", "T-1", "88104000000013", "--reason", "bending", "--operator", "yamada"];
    let _ = site.factory(&draw).done();
    let shown = site.factory(&["job", "show", "T-1"]).exits(0);
    assert!(shown.stdout.contains("C-1: 1 of 2 cards, 0 matched"), "{shown}");
    assert_eq!(shown.done()["state"], "open");
    site.write("scanned.txt", &format!("{}\n", numbers[2]));
    let full = site.factory(&pack).done();
    assert_eq!((&full["cards"], &full["full"]), (&2.into(), &true.into()), "{full}");
    let told = site.database().column("SELECT detail FROM journal WHERE event = 'pack' ORDER BY seq");
    assert_eq!(told, ["by suzuki: carton C-1 by its number"; 3]);
}

on_both_engines!(
    a_sample_is_no_card_of_the_order_and_another_takes_its_place,
    a_sample_leaves_its_carton_and_another_card_goes_in,
);
