//! `cargo xtask clean`: removes `target/fuda` and nothing else.

use std::io::ErrorKind;

use crate::args::Args;
use crate::fail::{Exit, Failure};
use crate::places::Places;
use crate::ui;

pub(crate) const HELP: &str = "\
Removes target/fuda: tools fetched for the demo, throw-away tokens and demo folders. Cargo's own files stay.

Usage: cargo xtask clean
";

pub(crate) fn run(args: Args, ui: ui::Ui) -> Result<Exit, Failure> {
    args.finish()?;
    let places = Places::find()?;
    match std::fs::remove_dir_all(&places.fuda) {
        Ok(()) => ui.say(&format!("removed {}", places.short(&places.fuda))),
        Err(error) if error.kind() == ErrorKind::NotFound => ui.say("nothing to remove"),
        Err(error) => return Err(Failure::io("remove", &places.fuda, &error)),
    }
    Ok(Exit::Done)
}
