//! `probe`: what the card in a reader is.

use super::{names, read};
use crate::cli::Probe;
use crate::error::Error;
use crate::pattern::Pattern;
use crate::reader::{Readers, Slot};
use fuda_cli::{Exit, Failure, Globals, output};
use std::time::{Duration, Instant};

/// Says what a card is.
///
/// # Errors
/// `READER_NONE`, `CARD_ABSENT`, and what the reader or the card does wrong; `CARD_AWAITED` (exit 3) when none came in time.
pub fn probe(globals: &Globals, args: &Probe) -> Result<Exit, Failure> {
    let names = names(&args.profile)?;
    let reader = choose(&args.reader, Duration::from_secs(args.wait.into()))?;
    let report = read(&reader, &names)?;
    if globals.json {
        output::json(&report.object());
    } else {
        output::line(&report.text(globals.lang));
    }
    Ok(Exit::Done)
}

/// The first reader with a card, of those that fit.
fn choose(pattern: &Pattern, wait: Duration) -> Result<String, Failure> {
    let readers = Readers::open()?;
    let until = Instant::now() + wait;
    let mut views = readers.list(pattern)?;
    loop {
        let holding = views.iter().find(|view| matches!(view.slot, Slot::Card { .. } | Slot::Mute));
        if let Some(view) = holding {
            return Ok(view.name.clone());
        }
        let Some(first) = views.first() else {
            return Err(Error::NoReader { pattern: pattern.to_string() }.into());
        };
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(absent(&first.name, wait));
        }
        if let Some(now) = readers.wait(&views, left)? {
            views = now;
        }
    }
}

fn absent(reader: &str, wait: Duration) -> Failure {
    let failure = Failure::from(Error::CardAbsent { reader: reader.to_owned() });
    if wait.is_zero() {
        return failure;
    }
    Failure::new("CARD_AWAITED", Exit::Stopped, format!("no card was put in within {} s", wait.as_secs()))
        .at(reader)
        .remedy("put a card in and try again")
}
