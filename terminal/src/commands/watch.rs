//! `watch`: what each card is that is put in.

use super::list::{object, said};
use super::{names, read};
use crate::cli::Watch;
use crate::error::Error;
use crate::reader::{ReaderView, Readers, Slot};
use fuda_card::id::DfName;
use fuda_cli::{Exit, Failure, Globals, output};
use std::time::Duration;

/// How long one wait lasts before readers that were plugged in since are looked for.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Watches until so many cards were seen, or for ever. With `--json` every event is one object on one line.
///
/// # Errors
/// `READER_SERVICE` when the service ends.
pub fn watch(globals: &Globals, args: &Watch) -> Result<Exit, Failure> {
    let names = names(&args.profile)?;
    let readers = Readers::open()?;
    let mut known: Vec<ReaderView> = Vec::new();
    let mut cards = 0;
    loop {
        let now = readers.list(&args.reader)?;
        for view in &now {
            let before = known.iter().find(|before| before.name == view.name);
            if before.is_some_and(|before| before.events == view.events && same_place(before, view)) {
                continue;
            }
            tell(globals, view);
            if matches!(view.slot, Slot::Card { .. }) {
                probe(globals, view, &names);
                cards += 1;
                if args.count.is_some_and(|count| cards >= count) {
                    return Ok(Exit::Done);
                }
            }
        }
        // Whether the card is in use changes while we look ourselves, and is no event.
        known = readers.list(&args.reader)?;
        match readers.wait(&known, LOOK_AGAIN) {
            Ok(_) | Err(Error::ReaderGone { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        if known.is_empty() {
            std::thread::sleep(LOOK_AGAIN);
        }
    }
}

/// Whether the same thing is in the reader.
fn same_place(before: &ReaderView, now: &ReaderView) -> bool {
    std::mem::discriminant(&before.slot) == std::mem::discriminant(&now.slot)
}

fn tell(globals: &Globals, view: &ReaderView) {
    if !globals.json {
        output::line(&format!("{}: {}", view.name, said(view, globals.lang)));
    } else if !matches!(view.slot, Slot::Card { .. }) {
        output::json(&object(view));
    }
}

/// A card that fails is news as a card that answers is; the watch goes on.
fn probe(globals: &Globals, view: &ReaderView, names: &[DfName]) {
    match (read(&view.name, names), globals.json) {
        (Ok(report), true) => output::json(&report.object()),
        (Ok(report), false) => output::line(&report.text(globals.lang)),
        (Err(error), true) => output::json(&Failure::from(error).at(view.name.clone()).to_json()),
        (Err(error), false) => output::note(&Failure::from(error).report(globals.lang)),
    }
}
