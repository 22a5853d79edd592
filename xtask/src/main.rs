//! `cargo xtask`: everything a newcomer or a build machine does with this workspace, by one command each.
//!
//! It uses the standard library alone, so that it compiles before anything is fetched, imports none of the crates
//! beside it and drives the real binaries as a user would.

mod args;
mod bench;
mod clean;
mod demo;
mod doctor;
mod fail;
mod json;
mod leash;
mod peers;
mod places;
mod ports;
mod process;
mod sysroot;
mod test;
mod torture;
mod ui;

use std::process::ExitCode;

use args::Args;
use fail::{Exit, Failure};

const HELP: &str = "\
cargo xtask: set up, try and check Fuda. Nothing is installed and nothing is changed outside of target/.

Usage: cargo xtask COMMAND [OPTIONS]

  doctor   what this machine has, what is missing and what to do about it
  demo     issue cards on a simulated line, kill the line half-way, go on, check the delivery
  test     every test, lint and document check of the workspace
  bench    what this machine makes of it, each figure beside its bound
  torture  tests in their long form: lines, cards, activations and HSM workers killed by the hundred
  peers    bring the programs of others that tests drive
  clean    remove target/fuda (tools fetched for the demo, throw-away tokens, demo folders)

`cargo xtask COMMAND --help` says more. Exit codes: 0 done, 1 done but not complete, 2 usage, 3 stopped,
5 input, 6 integrity, 7 HSM, 9 something this machine lacks, 70 a bug in Fuda.
";

fn main() -> ExitCode {
    let mut args = Args::new(std::env::args().skip(1));
    let ui = ui::Ui::from_args(&mut args);
    match dispatch(args, ui) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            ui.failure(&failure);
            failure.exit.into()
        }
    }
}

/// A command: the rest of its line in, an exit code out.
type Body = fn(Args, ui::Ui) -> Result<Exit, Failure>;

fn dispatch(mut args: Args, ui: ui::Ui) -> Result<Exit, Failure> {
    let wants_help = args.flag("--help") || args.flag("-h");
    let command = args.word();
    let (help, body): (&str, Body) = match command.as_deref() {
        Some("doctor") => (doctor::HELP, doctor::run),
        Some("demo") => (demo::HELP, demo::run),
        Some("test") => (test::HELP, test::run),
        Some("bench") => (bench::HELP, bench::run),
        Some("torture") => (torture::HELP, torture::run),
        Some("peers") => (peers::HELP, peers::run),
        Some("clean") => (clean::HELP, clean::run),
        None | Some("help") => {
            ui.say(HELP.trim_end());
            return Ok(if wants_help || command.is_some() { Exit::Done } else { Exit::Usage });
        }
        Some(other) => {
            return Err(Failure::usage(format!("there is no command `{other}`"), "cargo xtask --help lists them"));
        }
    };
    if wants_help {
        ui.say(help.trim_end());
        return Ok(Exit::Done);
    }
    body(args, ui)
}
