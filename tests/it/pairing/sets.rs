//! The KEK of sealed sets is made by a pairing as well: a line puts recovery sets onto its cards, and no maker's ceremony was held.

use super::{pair, site};
use crate::opened::{self, Opening};
use crate::recovery;
use fuda_tests::{Chip, Order, Site};

fn sealed_under_a_pairing(test: &str, token: Site, line: &Site) {
    if opened::is_opened_here() {
        return;
    }
    let token = site(token, "recovery", "[[key]]\nname = \"recovery\"\n");
    line.write("keys.toml", recovery::KEYS);
    let _ = line.kms(&["init", "keys.toml"]).done();
    let _ = pair(&token, line, "card-kek/line@1", "card-kek/line@1");
    line.blank("stack", 1);
    let chips: Vec<String> = line.chips("stack").iter().map(|file| Chip::read(line, file).kdd).collect();
    recovery::seal(&token, line, &chips);
    recovery::order(line, &Order { spares: 0, ..Order::small(1) });
    let feeder = line.feeder("stack", 1, &[]);
    assert_eq!(line.line(1, &[]).wait().done()["good"], 1);
    let _ = feeder.wait().done();
    let card = line.chips("ejected").remove(0);
    opened::open(&token, test, &Opening { card: &card, df: "", key: "recovery@1", kvn: "3F" });
}

#[test]
fn a_line_puts_recovery_sets_onto_cards_after_a_pairing() {
    let test = "pairing::sets::a_line_puts_recovery_sets_onto_cards_after_a_pairing";
    sealed_under_a_pairing(test, Site::bare(), &Site::bare());
}

#[test]
fn the_same_with_the_line_on_kryoptic() {
    let test = "pairing::sets::the_same_with_the_line_on_kryoptic";
    let Some(line) = Site::kryoptic(test) else { return };
    sealed_under_a_pairing(test, Site::bare(), &line);
}
