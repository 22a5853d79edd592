//! `fuda-kms`: the security officer's program. Makes tokens and keys from reviewed files, shows them, checks them.

mod commands;

use commands::Cli;
use fuda_cli::{Exit, Failure};
use std::process::ExitCode;

fn main() -> ExitCode {
    fuda_cli::run(body)
}

fn body(cli: Cli) -> Result<Exit, Failure> {
    no_core_dumps()?;
    cli.run()
}

/// A core dump would write PINs and, on a soft token, keys to disk.
fn no_core_dumps() -> Result<(), Failure> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).map_err(|error| {
        Failure::new("CORE_DUMPS", Exit::Refused, format!("core dumps cannot be switched off: {error}"))
    })
}
