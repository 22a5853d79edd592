//! What a user must not get away with: each by its exit code, stable code and place, and nothing done.

mod chips;
mod input;
mod keys;
mod line;
mod pin;
mod store;

use fuda_tests::{Order, Site};

/// A site with an order of two cards that nothing is wrong with yet.
fn site() -> Site {
    let site = Site::new();
    site.order(&Order::small(2));
    site
}

/// Nothing was begun: no job, no chip, no serial, no delivery.
fn nothing_started(site: &Site) {
    for table in ["job", "chip", "card", "serial", "reject", "delivery", "journal"] {
        assert_eq!(site.database().count(&format!("SELECT COUNT(*) FROM {table}")), 0, "{table}");
    }
}
