//! An order from blank chips to stock: every card's memory, the delivery and the database say the same.

use fuda_tests::program::binary;
use fuda_tests::site::repository;
use fuda_tests::{Chip, Order, Site, agree};
use fuda_tests_cluster::{Engine, on_both_engines};
use std::collections::BTreeSet;

fn an_order_becomes_stock_and_everything_agrees(engine: Engine) {
    let site = Site::on(engine);
    site.order(&Order { spares: 3, ..Order::of(24) });
    site.blank("stack", 27);
    let maker_keys: BTreeSet<String> =
        site.chips("stack").iter().flat_map(|file| Chip::read(&site, file).keys()).collect();
    assert_eq!(maker_keys.len(), 27 * 3);

    let feeder = site.feeder("stack", 4, &[]);
    let report = site.line(4, &[]).wait().done();
    assert_eq!((&report["job"], &report["state"]), (&"T-1".into(), &"complete".into()));
    drop(feeder);

    let delivery = site.deliver("T-1", "T-1");
    let counts = agree::everything(&site, "T-1", &delivery);
    assert_eq!((counts.count("ordered"), counts.count("good"), counts.count("fed")), (24, 24, 24));
    for kdd in delivery.column("chip_id") {
        let chip = Chip::ejected(&site, kdd);
        assert!(chip.keys().iter().all(|key| !maker_keys.contains(key)), "{kdd} still has a key of its maker");
    }
    // Serials follow the order's counter without a gap, each with its check digit; and three chips were never touched.
    assert_eq!(delivery.column("serial")[..2], ["88104000000013", "88104000000021"]);
    assert_eq!(delivery.column("serial")[23], "88104000000245");
    let left = site.chips("stack");
    assert_eq!(left.len(), 3);
    assert!(left.iter().all(|file| Chip::read(&site, file).state == "blank"));
    let encoders: BTreeSet<&str> = delivery.column("encoder").into_iter().collect();
    assert_eq!(encoders.len(), 4, "every encoder worked: {encoders:?}");
}

fn cards_that_speak_t0_are_issued_like_the_others(engine: Engine) {
    let site = Site::on(engine);
    site.order(&Order { spares: 0, ..Order::small(2) });
    let _ = site.sim(&["blank", "--count", "2", "--dir", "stack", "--atr", "t0"]).done();
    let feeder = site.feeder("stack", 1, &["--trace", "trace"]);
    let report = site.line(1, &[]).wait().done();
    assert_eq!((&report["good"], &report["state"]), (&2.into(), &"complete".into()));
    drop(feeder);
    let counts = agree::everything(&site, "T-1", &site.deliver("T-1", "T-1"));
    assert_eq!((counts.count("good"), counts.count("rejected")), (2, 0));
    let trace = std::fs::read_to_string(site.path("trace")).unwrap();
    assert!(trace.contains("00C00000"), "no answer was fetched: {trace}");
}

fn card_maker_and_service_provider_work_in_two_jobs(engine: Engine) {
    let site = Site::on(engine);
    let maker = Order {
        id: "MAKER".to_owned(),
        stages: "[0]".to_owned(),
        keys: vec!["transport".to_owned()],
        ..Order::small(3)
    };
    site.make(&maker, 2);
    let delivery = site.deliver("MAKER", "MAKER");
    assert_eq!(delivery.column("stage"), ["zeroth"; 3]);
    assert_eq!(delivery.column("keys"), ["transport@1"; 3]);
    for kdd in delivery.column("chip_id") {
        let chip = Chip::ejected(&site, kdd);
        let kvns: Vec<String> = chip.key_sets("").into_iter().map(|set| set.kvn).collect();
        assert_eq!((kvns, chip.folders().len(), chip.state.as_str()), (vec!["3D".to_owned()], 0, "initialisation"));
    }

    std::fs::rename(site.path("ejected"), site.path("received")).unwrap();
    // A blank chip among them has no transport key, and is nobody's to issue here.
    let _ = site.sim(&["blank", "--count", "1", "--dir", "received", "--kdd-from", "00000000000000000001"]).done();
    site.order(&Order {
        id: "PROVIDER".to_owned(),
        stages: "[1]".to_owned(),
        first: 9_000_000_000_001,
        ..Order::small(3)
    });
    let feeder = site.feeder("received", 2, &[]);
    let report = site.line(2, &[]).wait().done();
    assert_eq!((&report["good"], &report["rejected"]), (&3.into(), &1.into()), "{report}");
    let _ = feeder.wait().done();
    let delivery = site.deliver("PROVIDER", "PROVIDER");
    let counts = agree::everything(&site, "PROVIDER", &delivery);
    assert_eq!(counts.count("fed"), 4);
    let reject = &delivery.rejects[0];
    let told = ["chip_id", "serial", "class", "sw", "disposition"].map(|name| reject[name].as_str());
    assert_eq!(told, ["00000000000000000001", "", "card", "", "foreign"], "it has no such key set");
    let codes = site.database().column("SELECT code FROM reject WHERE job = 'PROVIDER'");
    assert_eq!(codes, ["CARD_KEY_SET_MISSING"]);
    assert_eq!(Chip::ejected(&site, "00000000000000000001").state, "blank");
    // What the maker counted as good stays so.
    assert_eq!(agree::accounts(&site, "MAKER").count("good"), 3);
}

fn an_order_as_a_table_gives_every_card_its_printed_number(engine: Engine) {
    let site = Site::on(engine);
    let text = std::fs::read_to_string(repository("examples/order.csv")).unwrap();
    site.write("order.toml", &text);
    std::fs::rename(site.path("order.toml"), site.path("order.csv")).unwrap();
    site.blank("stack", 3);
    let feeder = site.feeder("stack", 1, &[]);
    let spec = format!("vpcd:{}", site.address(1));
    let report = site.factory(&["run", "order.csv", "--encoders", &spec, "--no-progress", "--idle", "20s"]).done();
    let _ = feeder.wait().done();
    let job = report["job"].as_str().unwrap();
    let delivery = site.deliver(job, "table");
    let _ = agree::everything(&site, job, &delivery);
    assert_eq!(delivery.column("serial"), ["79927398713", "88104000000013", "4111111111111111"]);
    assert_eq!(delivery.column("printed"), ["7992-7398-713", "8810-4000-0000-13", "4111-1111-1111-1111"]);
}

fn two_orders_run_at_once_on_two_lines_of_one_site(engine: Engine) {
    let site = Site::on(engine);
    let orders = [("A", 8_810_400_000_001), ("B", 9_000_000_000_001)];
    let lines = [0, 1].map(|encoder: u16| {
        let (id, first) = orders[usize::from(encoder)];
        site.write(&format!("{id}.toml"), &Order { id: id.to_owned(), first, ..Order::small(6) }.text());
        site.blank(&format!("stack-{id}"), 6);
        let spec = format!("vpcd:127.0.0.1:{}", site.first_port() + encoder);
        let file = format!("{id}.toml");
        let arguments = ["run", &file, "--encoders", &spec, "--no-progress", "--idle", "20s", "--json"];
        (site.feeder_at(&format!("stack-{id}"), encoder, &[]), site.start(&binary("fuda-factory"), &arguments))
    });
    for (feeder, line) in lines {
        assert_eq!(line.wait().done()["good"], 6);
        let _ = feeder.wait().done();
    }
    for (id, _) in orders {
        let counts = agree::everything(&site, id, &site.deliver(id, id));
        assert_eq!((counts.count("good"), counts.count("fed")), (6, 6));
        let _ = site.factory(&["verify", id]).done();
    }
    let jobs = site.factory(&["job", "list"]).done();
    assert_eq!(jobs["jobs"].as_array().unwrap().len(), 2);
}

on_both_engines!(
    an_order_becomes_stock_and_everything_agrees,
    cards_that_speak_t0_are_issued_like_the_others,
    card_maker_and_service_provider_work_in_two_jobs,
    an_order_as_a_table_gives_every_card_its_printed_number,
    two_orders_run_at_once_on_two_lines_of_one_site,
);
