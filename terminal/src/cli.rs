//! The command line of `fuda-terminal`.

use crate::encoder::ReaderSpec;
use crate::pattern::Pattern;
use crate::relay::{Centre, Choice};
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use fuda_cli::{Globals, Program};
use std::path::PathBuf;
use std::sync::LazyLock;

static VERSION: LazyLock<String> = LazyLock::new(|| fuda_cli::version::text(env!("CARGO_PKG_VERSION"), &[]));

/// Look at the card readers of this machine and at the cards in them; activate a card over the network
///
/// Nothing here holds a key: what is written to a card comes from the service centre, sealed for that card.
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

const EXIT_CODES: &str = "Exit codes: 0 done · 2 usage · 3 stopped, try again · 4 refused · 5 input file wrong · 9 reader or card · 10 network or centre · 70 our bug";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the readers and what is in them
    List,
    /// Say what the card in a reader is
    Probe(Probe),
    /// Say what each card is that is put in, until interrupted
    Watch(Watch),
    /// Write onto a card what an order is for
    Activate(Relay),
    /// Show what is on a card, for its owner
    Read(Relay),
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

/// `activate`, `read`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fuda-terminal activate --centre https://centre.example --order 8Q0J…
  fuda-terminal activate --centre https://127.0.0.1:8443 --ca root.pem --reader vpcd:127.0.0.1:35963 --order - --json <token
The commands for the card come from the service centre, sealed for that card alone. When something breaks, the same command
goes on; docs/TERMINAL.md says for every failure whether the money is safe.")]
pub struct Relay {
    /// The service centre: https://HOST or https://HOST:PORT
    #[arg(long, value_name = "URL")]
    pub centre: Centre,
    /// Token of the order, as the member's page shows it; `-` reads it from standard input
    #[arg(long, value_name = "TOKEN")]
    pub order: Option<String>,
    /// The reader's name, with * for any text, or vpcd:HOST:PORT to listen for a card [default: any PC/SC reader]
    #[arg(long, value_name = "R", default_value = "*", hide_default_value = true)]
    pub reader: ReaderSpec,
    /// What carries the messages; auto: a WebSocket, and after three that failed HTTPS POST
    #[arg(long, value_enum, default_value_t = Choice::Auto, value_name = "auto|ws|post", hide_possible_values = true)]
    pub transport: Choice,
    /// Trust the root certificates of this PEM file alone [default: those that this machine trusts]
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Development: the centre is on this machine and has no certificate (http://127.0.0.1:PORT)
    #[arg(long, conflicts_with = "ca")]
    pub dev: bool,
    /// Wait so many seconds for the card
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=300))]
    pub wait: u32,
    /// Try so many seconds to get the card's answers through when the connection is lost
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub patience: u32,
    /// Agree to what the centre asks, without being asked
    #[arg(long)]
    pub yes: bool,
}

impl Program for Cli {
    fn globals(&self) -> &Globals {
        &self.globals
    }
}
