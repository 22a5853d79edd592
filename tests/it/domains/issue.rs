//! Both stages on one line, and the card maker's and the service provider's jobs apart.

use super::{PUBLIC, kvns};
use fuda_tests::{Chip, Order, Site, agree};

#[test]
fn cards_with_public_keys_become_stock() {
    let site = Site::for_domains();
    site.order(&Order { spares: 1, ..Order::domain(6) });
    site.blank_domains("stack", 6, &[]);
    for file in site.chips("stack") {
        assert_eq!(Chip::read(&site, &file).keys(), [PUBLIC; 3], "they have the public keys");
    }
    let feeder = site.feeder("stack", 2, &["--trace", "trace"]);
    let report = site.line(2, &[]).wait().done();
    assert_eq!((&report["good"], &report["rejected"], &report["state"]), (&6.into(), &0.into(), &"complete".into()));
    let _ = feeder.wait().done();
    let delivery = site.deliver("T-1", "T-1");
    let _ = agree::everything(&site, "T-1", &delivery);
    assert_eq!(delivery.column("keys"), ["issuer@1"; 6]);
    for kdd in delivery.column("chip_id") {
        assert!(!Chip::ejected(&site, kdd).keys().contains(&PUBLIC.to_owned()), "{kdd}");
    }
    let _ = site.factory(&["verify", "T-1"]).done();
}

#[test]
fn card_maker_and_service_provider_work_in_two_jobs() {
    let site = Site::for_domains();
    let maker = Order {
        id: "MAKER".to_owned(),
        stages: "[0]".to_owned(),
        keys: vec!["transport".to_owned()],
        ..Order::domain(3)
    };
    site.order(&maker);
    site.blank_domains("stack", 3, &["--challenge", "random"]);
    let feeder = site.feeder("stack", 2, &[]);
    assert_eq!(site.line(2, &[]).wait().done()["good"], 3);
    let _ = feeder.wait().done();
    let delivery = site.deliver("MAKER", "MAKER");
    assert_eq!((delivery.column("stage"), delivery.column("keys")), (vec!["zeroth"; 3], vec!["transport@1"; 3]));
    for kdd in delivery.column("chip_id") {
        assert_eq!(kvns(&Chip::ejected(&site, kdd)), ["3D"]);
    }

    std::fs::rename(site.path("ejected"), site.path("received")).unwrap();
    // One that never got its transport set: put in twice, it is one chip.
    let stray = ["--kdd-from", "00000000000000000001"];
    site.blank_domains("received", 1, &stray);
    let keys = vec!["transport".to_owned(), "issuer".to_owned()];
    let first = 9_000_000_000_001;
    let provider = Order { id: "PROVIDER".to_owned(), stages: "[1]".to_owned(), first, keys, ..Order::domain(3) };
    site.order(&provider);
    let feeder = site.feeder("received", 1, &[]);
    let report = site.line(1, &["--limit", "1"]).wait().exits(3).json();
    assert_eq!((&report["good"], &report["rejected"]), (&1.into(), &1.into()), "{report}");
    drop(feeder);
    let stray = "00000000000000000001.card";
    std::fs::rename(site.path("ejected").join(stray), site.path("received").join(stray)).unwrap();
    let feeder = site.feeder("received", 1, &["--trace", "trace"]);
    let report = site.line(1, &[]).wait().done();
    assert_eq!((&report["good"], &report["rejected"], &report["fed"]), (&3.into(), &1.into(), &4.into()), "{report}");
    let _ = feeder.wait().done();
    let delivery = site.deliver("PROVIDER", "PROVIDER");
    let _ = agree::everything(&site, "PROVIDER", &delivery);
    let reject = &delivery.rejects[0];
    let told = ["chip_id", "serial", "class", "live_keys", "disposition"].map(|name| reject[name].as_str());
    assert_eq!(told, ["00000000000000000001", "", "card", "0", "foreign"]);
    assert_eq!(kvns(&Chip::ejected(&site, "00000000000000000001")), ["FF"]);
}
