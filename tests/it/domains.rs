//! GlobalPlatform cards on sale: keys only, through the same line, journal, audit and delivery as cards with files.

mod faults;
mod issue;
mod refused;

use fuda_tests::Chip;

/// The key that cards are sold with.
const PUBLIC: &str = "404142434445464748494A4B4C4D4E4F";

/// The numbers of a card's key sets.
fn kvns(chip: &Chip) -> Vec<String> {
    chip.key_sets("").into_iter().map(|set| set.kvn).collect()
}
