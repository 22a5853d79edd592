//! The card's memory in a file: what survives a power cut of the simulator itself.

use crate::host::{KDD, blank, plain};
use crate::issuance::{first, zeroth};
use fuda_card_sim::report::Secrets;
use fuda_card_sim::{Card, Error};
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

fn issued_file(folder: &tempfile::TempDir) -> PathBuf {
    let path = folder.path().join(format!("{KDD}.card"));
    let mut card = Card::create(&path, blank()).unwrap();
    card.power_on();
    zeroth(&mut card);
    first(&mut card);
    path
}

#[test]
fn a_card_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = issued_file(&folder);
    let mut in_memory = crate::issuance::issued_card();
    let mut card = Card::open(&path).unwrap();
    assert_eq!(card.report(Secrets::Shown), in_memory.report(Secrets::Shown));
    card.power_on();
    for command in ["00A40004023F0000", "80CA00E000", "00A4080004DF01001100", "80CA9F7F00"] {
        assert_eq!(plain(&mut card, command), plain(&mut in_memory, command));
    }
}

#[test]
fn a_card_is_in_one_reader_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = issued_file(&folder);
    let held = Card::open(&path).unwrap();
    assert!(matches!(Card::open(&path), Err(Error::CardBusy { .. })));
    assert_eq!(Card::report_of(&path, Secrets::Hidden).unwrap().state, "activated", "but anyone may look");
    drop(held);
    Card::open(&path).unwrap();
}

#[test]
fn a_file_is_never_made_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = issued_file(&folder);
    let error = Card::create(&path, blank()).unwrap_err();
    assert_eq!(error.code(), "CARD_FILE_UNREADABLE");
}

#[test]
fn a_write_that_was_cut_leaves_the_state_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = issued_file(&folder);
    let before = Card::report_of(&path, Secrets::Shown).unwrap();
    let original = std::fs::read(&path).unwrap();
    // One more command changes one slot; then its bytes are written only up to `cut`.
    let mut card = Card::open(&path).unwrap();
    card.power_on();
    plain(&mut card, "80503000085A5A5A5A5A5A5A5A00");
    drop(card);
    let after = Card::report_of(&path, Secrets::Shown).unwrap();
    assert_ne!(before, after);
    let changed = std::fs::read(&path).unwrap();
    let begin = (0..changed.len()).find(|at| original.get(*at) != Some(&changed[*at])).unwrap() & !0xFFFF;
    let end = (begin..changed.len()).rev().find(|at| original.get(*at) != Some(&changed[*at])).unwrap();
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    for cut in (begin..=end).step_by(7) {
        file.write_all_at(&original, 0).unwrap();
        file.write_all_at(&changed[begin..cut], begin as u64).unwrap();
        assert_eq!(Card::report_of(&path, Secrets::Shown).unwrap(), before, "cut at {cut}");
    }
}

#[test]
fn what_is_no_card_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.card");
    std::fs::write(&path, b"FUDACARD and nothing more").unwrap();
    assert_eq!(Card::open(&path).unwrap_err().code(), "CARD_FILE_DAMAGED");
    assert_eq!(Card::open(&folder.path().join("y.card")).unwrap_err().code(), "CARD_FILE_UNREADABLE");
}
