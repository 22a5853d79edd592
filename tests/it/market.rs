//! The commercial side of the centre, from outside: deliveries into stock, members, orders, payments, the vault.

mod bulk;
mod expiry;
mod manual;
mod orders;
mod payments;
mod sales;
mod stock;
mod vault;

use age::x25519::Identity;
use fuda_tests::{Delivery, Order, Site};
use std::collections::BTreeMap;
use std::io::Read;

/// Cards with activation codes, delivered and not taken in yet, and their codes by serial, as the printer reads them.
fn printed(site: &Site, cards: u32) -> (Delivery, BTreeMap<String, String>) {
    let order = Order { spares: 0, ..Order::small(cards) };
    site.order(&order);
    let printer = Identity::generate();
    let _ = site.factory(&["prepare", "order.toml", "--print-to", &printer.to_public().to_string()]).done();
    let encrypted = std::fs::read(site.path("deliveries/T-1-print-1.age")).unwrap();
    let decryptor = age::Decryptor::new_buffered(&encrypted[..]).unwrap();
    let mut text = String::new();
    decryptor.decrypt(std::iter::once(&printer as &dyn age::Identity)).unwrap().read_to_string(&mut text).unwrap();
    let fields = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
    let codes = text.lines().skip(1).map(fields).map(|row| (row[0].clone(), row[2].clone())).collect();
    site.make(&order, 1);
    (site.deliver("T-1", "out"), codes)
}
