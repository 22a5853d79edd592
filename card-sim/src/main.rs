//! `fuda-card-sim`: blank chips as files, readers that they are put into, and a look inside.

mod commands;

use clap::{Parser, Subcommand};
use fuda_cli::{Exit, Failure, Globals, Program};
use std::process::ExitCode;
use std::sync::LazyLock;

static VERSION: LazyLock<String> = LazyLock::new(|| fuda_cli::version::text(env!("CARGO_PKG_VERSION"), &[]));

/// Simulated smart cards: make blank chips, put them into readers, look inside
#[derive(Debug, Parser)]
#[command(name = "fuda-card-sim", version = VERSION.as_str())]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make blank chips, one file each
    Blank(commands::blank::Blank),
    /// Put the cards of a folder into readers that speak the vpcd protocol
    Serve(commands::serve::Serve),
    /// Show what is on a card
    Show(commands::show::Show),
    /// Print the completion script of a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

impl Program for Cli {
    fn globals(&self) -> &Globals {
        &self.globals
    }
}

fn main() -> ExitCode {
    fuda_cli::run(|cli: Cli| {
        match cli.command {
            Command::Blank(blank) => blank.run(&cli.globals)?,
            Command::Serve(serve) => return serve.run(&cli.globals),
            Command::Show(show) => show.run(&cli.globals)?,
            Command::Completions { shell } => fuda_cli::program::completions::<Cli>(shell),
        }
        Ok::<_, Failure>(Exit::Done)
    })
}
