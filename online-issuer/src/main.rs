//! `fuda-issuer`: the service centre on the network.

use fuda_cli::{Exit, Failure, Program};
use fuda_online_issuer::cli::{Cli, Command};
use fuda_online_issuer::commands::{self, Road};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    fuda_cli::run(dispatch)
}

fn dispatch(cli: Cli) -> Result<Exit, Failure> {
    let globals = cli.globals().clone();
    match cli.command {
        Command::Serve { listen, dev } => {
            let road = if dev { Road::Development } else { Road::Service };
            commands::serve(&globals, listen.as_deref(), road)
        }
        Command::Job(job) => commands::job(&globals, &job),
        Command::Card(card) => commands::card(&globals, &card),
        Command::Drain { node } => commands::drain(&globals, node.as_deref()),
        Command::Check => commands::check(&globals),
        Command::Stock(stock) => commands::stock(&globals, &stock),
        Command::Member(member) => commands::member(&globals, &member),
        Command::Sale(sale) => commands::sale(&globals, &sale),
        Command::Payment(payment) => commands::payment(&globals, &payment),
        Command::Store(store) => commands::store(&globals, &store),
        Command::Completions { shell } => {
            fuda_cli::program::completions::<Cli>(shell);
            Ok(Exit::Done)
        }
    }
}
