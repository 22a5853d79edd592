//! An order from blank chips to stock: every card's memory, the delivery and the database say the same.

use fuda_tests::{Chip, Order, Site, agree};
use std::collections::BTreeSet;

#[test]
fn an_order_becomes_stock_and_everything_agrees() {
    let site = Site::new();
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
