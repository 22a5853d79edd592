//! The command line of `fuda-terminal`.

use crate::pattern::Pattern;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use fuda_cli::{Globals, Program};
use std::path::PathBuf;
use std::sync::LazyLock;

static VERSION: LazyLock<String> = LazyLock::new(|| fuda_cli::version::text(env!("CARGO_PKG_VERSION"), &[]));

/// Look at the card readers of this machine and at the cards in them
///
/// Nothing here needs a key or changes a card.
#[derive(Debug, Parser)]
#[command(name = "fuda-terminal", version = VERSION.as_str(), max_term_width = 110, after_help = EXIT_CODES)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str =
    "Exit codes: 0 done · 2 usage · 3 no card came in time · 5 input file wrong · 9 reader or card · 70 our bug";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the readers and what is in them
    List,
    /// Say what the card in a reader is
    Probe(Probe),
    /// Say what each card is that is put in, until interrupted
    Watch(Watch),
    /// Write a shell completion script to standard output
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// `probe`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  fuda-terminal probe\n  fuda-terminal probe --reader 'ACS*' --wait 30 --json")]
pub struct Probe {
    /// The reader's name; `*` is any text, `?` one character [default: the first with a card]
    #[arg(long, value_name = "R", default_value = "*", hide_default_value = true)]
    pub reader: Pattern,
    /// Wait so many seconds for a card [default: take the one that is there]
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true)]
    pub wait: u32,
    /// Profiles whose applications are looked for besides the house's names F0465544 41 01 to 10
    #[arg(long, value_name = "FILE")]
    pub profile: Vec<PathBuf>,
}

/// `watch`.
#[derive(Debug, Args)]
pub struct Watch {
    /// Readers to watch; `*` is any text, `?` one character [default: all]
    #[arg(long, value_name = "R", default_value = "*", hide_default_value = true)]
    pub reader: Pattern,
    /// End after so many cards [default: never]
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// Profiles whose applications are looked for besides the house's names F0465544 41 01 to 10
    #[arg(long, value_name = "FILE")]
    pub profile: Vec<PathBuf>,
}

impl Program for Cli {
    fn globals(&self) -> &Globals {
        &self.globals
    }
}
