//! `fuda-terminal`: the readers of this machine, what the cards in them are, and the service centre at their other end.

use fuda_card::cardscript::Purpose;
use fuda_cli::{Exit, Failure};
use fuda_terminal::cli::{Cli, Command};
use fuda_terminal::commands;
use std::process::ExitCode;

fn main() -> ExitCode {
    fuda_cli::run(dispatch)
}

fn dispatch(cli: Cli) -> Result<Exit, Failure> {
    match cli.command {
        Command::List => commands::list(&cli.globals),
        Command::Probe(probe) => commands::probe(&cli.globals, &probe),
        Command::Watch(watch) => commands::watch(&cli.globals, &watch),
        Command::Activate(activate) => commands::relay(&cli.globals, Purpose::Activate, &activate),
        Command::Read(read) => commands::relay(&cli.globals, Purpose::Read, &read),
        Command::Completions { shell } => {
            fuda_cli::program::completions::<Cli>(shell);
            Ok(Exit::Done)
        }
    }
}
