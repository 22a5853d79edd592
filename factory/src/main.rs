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
        Command::Prepare(prepare) => commands::prepare(&globals, &prepare),
        Command::Run(run) => commands::run(&globals, &run),
        Command::Job(job) => commands::job(&globals, &job),
        Command::Reject(reject) => commands::reject(&globals, &reject),
        Command::Encoder(encoder) => commands::encoder(&globals, &encoder),
        Command::Deliver(deliver) => commands::deliver(&globals, &deliver),
        Command::Pack(pack) => commands::pack(&globals, &pack),
        Command::Verify(verify) => commands::verify(&globals, &verify),
        Command::Receive(receive) => commands::receive(&globals, &receive),
        Command::Card(card) => commands::card(&globals, &card),
        Command::Store(store) => commands::store(&globals, &store),
        Command::Completions { shell } => {
            fuda_cli::program::completions::<Cli>(shell);
            Ok(Exit::Done)
        }
    }
}
