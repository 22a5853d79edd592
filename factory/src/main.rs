//! `fuda-factory`: batch issuance on a production line.

use fuda_cli::{Exit, Failure, Program};
use fuda_factory::cli::{Cli, Command};
use fuda_factory::commands;
use std::process::ExitCode;

fn main() -> ExitCode {
    fuda_cli::run(dispatch)
}

fn dispatch(cli: Cli) -> Result<Exit, Failure> {
    let globals = cli.globals().clone();
    match cli.command {
        Command::Check { order } => commands::check(&globals, &order),
        Command::Run(run) => commands::run(&globals, &run),
        Command::Job(job) => commands::job(&globals, &job),
        Command::Deliver(deliver) => commands::deliver(&globals, &deliver),
        Command::Verify(verify) => commands::verify(&globals, &verify),
        Command::Card(card) => commands::card(&globals, &card),
        Command::Completions { shell } => {
            fuda_cli::program::completions::<Cli>(shell);
            Ok(Exit::Done)
        }
    }
}
