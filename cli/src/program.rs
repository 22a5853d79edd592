//! The frame of every binary's `main`: arguments, logging, report of a failure, exit code.

use crate::globals::{Color, LogFormat};
use crate::{Exit, Failure, Globals, output};
use clap::Parser;
use rustix::process::{Resource, Rlimit, setrlimit};
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// A command line that carries the global options.
pub trait Program: Parser {
    /// The global options as given.
    fn globals(&self) -> &Globals;
}

/// Parses the command line, switches core dumps off, sets up logging, runs `body`, reports its failure and returns the exit code.
pub fn run<P: Program>(body: impl FnOnce(P) -> Result<Exit, Failure>) -> ExitCode {
    let program = match P::try_parse() {
        Ok(program) => program,
        Err(error) => return usage(&error),
    };
    let globals = program.globals().clone();
    start_logging(&globals);
    match no_core_dumps().and_then(|()| body(program)) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::note(&failure.report(globals.lang));
            if globals.json {
                output::json(&failure.to_json());
            }
            failure.exit.into()
        }
    }
}

/// Writes the completion script of a program for one shell to standard output.
pub fn completions<P: Program>(shell: clap_complete::Shell) {
    let mut command = P::command();
    let name = command.get_name().to_owned();
    clap_complete::generate(shell, &mut command, name, &mut io::stdout());
}

/// Help and version go to standard output with exit 0, mistakes to standard error with exit 2.
fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if error.exit_code() == 0 {
        return Exit::Done.into();
    }
    if std::env::args().any(|argument| argument == "--json") {
        let text = error.to_string();
        let what = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        output::json(&Failure::new("USAGE", Exit::Usage, what).remedy("see --help").to_json());
    }
    Exit::Usage.into()
}

/// A core dump would write PINs, session keys and, on a soft token, keys to disk.
fn no_core_dumps() -> Result<(), Failure> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).map_err(|error| {
        Failure::new("CORE_DUMPS", Exit::Refused, format!("core dumps cannot be switched off: {error}"))
    })
}

fn start_logging(globals: &Globals) {
    let level = match (globals.quiet, globals.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, _) => "debug",
    };
    // The PKCS#11 binding calls every mechanism that it has no name for an error; a token's list is full of them.
    let filter = EnvFilter::new(format!("{level},cryptoki=off"));
    let colour = match globals.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
    };
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(colour);
    // A second start (tests that call `run` twice in a process) keeps the first logger: nothing to report.
    let _ = match globals.log_format {
        LogFormat::Text => log.with_target(false).try_init(),
        LogFormat::Json => log.json().try_init(),
    };
}
