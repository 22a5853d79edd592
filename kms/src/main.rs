//! `fuda-kms`: the security officer's program. Makes tokens and keys from reviewed files, shows them, checks them.

mod commands;

use commands::Cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    fuda_cli::run(Cli::run)
}
