//! The command line of `fuda-factory`.

use crate::encoder::EncoderSpec;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use fuda_cli::{Globals, Program};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::LazyLock;
use std::time::Duration;

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let schema = fuda_store::SchemaVersion::known().to_string();
    fuda_cli::version::text(env!("CARGO_PKG_VERSION"), &[("schema", schema.as_str())])
});

/// Issue cards in batches: 0th and 1st issuance on many encoders, every chip accounted for, signed deliveries.
///
/// An order file says what to make. `check` reads it without touching anything, `run` makes the cards and goes on after any stop,
/// `deliver` hands the good ones over as a signed folder, `verify` checks such a folder or cards in hand.
#[derive(Debug, Parser)]
#[command(name = "fuda-factory", version = VERSION.as_str(), max_term_width = 110, after_help = EXIT_CODES)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done · 1 done but not complete · 2 usage · 3 stopped, the same command continues · 4 refused by policy · \
5 input file wrong · 6 integrity · 7 HSM or PIN · 8 store · 9 reader or card · 70 our bug";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check an order, its profile, its keys and the HSM, and change nothing
    Check {
        /// Order file: TOML, or CSV with a header
        order: PathBuf,
    },
    /// Make the cards of an order; goes on with what exists
    Run(Run),
    /// List, show and approve jobs
    #[command(subcommand)]
    Job(JobCommand),
    /// Hand the good cards of a job over as a signed folder
    Deliver(Deliver),
    /// Check a delivery, or cards in hand against it
    Verify(Verify),
    /// Look at cards
    #[command(subcommand)]
    Card(CardCommand),
    /// Write a shell completion script to standard output
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// `run`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  fuda-factory run order.toml --encoders vpcd:127.0.0.1:3500-3507 --operator sato\n  \
fuda-factory run order.toml --limit 20      # the next 20 good cards, then stop (exit 3)\n\n\
Ctrl-C or SIGTERM finishes the cards in hand and stops; a second one ends at once. Both, a crash and a power cut continue with the same command."
)]
pub struct Run {
    /// Order file: TOML, or CSV with a header
    pub order: PathBuf,
    /// Where cards come from: pcsc:READERS or vpcd:HOST:PORT[-PORT] (repeatable) [default: factory.encoders in fuda.toml]
    #[arg(long, value_name = "SPEC")]
    pub encoders: Vec<EncoderSpec>,
    /// HSM workers [default: hsm.workers in fuda.toml]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub hsm_workers: Option<u16>,
    /// Who works the line; goes into every card's record
    #[arg(long, value_name = "ID", default_value = "-")]
    pub operator: String,
    /// Stop after so many good cards in this run
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Stop when no card was put in for so long, such as 30s or 5m [default: wait]
    #[arg(long, value_name = "TIME")]
    pub idle: Option<Period>,
    /// No progress bar, even on a terminal
    #[arg(long)]
    pub no_progress: bool,
}

/// `job …`.
#[derive(Debug, Subcommand)]
pub enum JobCommand {
    /// All jobs with their accounts
    List,
    /// Let the line go on after a second person has looked at the first articles
    Approve {
        /// Order number
        job: String,
        /// Who looked at them; not an operator of these cards
        #[arg(long, value_name = "ID")]
        checker: String,
    },
    /// One job: accounts, keys, reject bin, journal
    Show {
        /// Order number
        job: String,
    },
}

/// `deliver`.
#[derive(Debug, Args)]
pub struct Deliver {
    /// Order number
    pub job: String,
    /// Deliver only so many cards, lowest serials first [default: all that are good and undelivered]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub quantity: Option<u64>,
    /// The folder to make; must not exist [default: JOB-N in factory.out of fuda.toml]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `verify`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  fuda-factory verify out/2026-0417-A-1                 # sums, signature, counts, every row\n  \
fuda-factory verify out/2026-0417-A-1 --cards 10 --encoders vpcd:127.0.0.1:3500   # and ten cards as they are put in\n  \
fuda-factory verify 2026-0417-A                       # the job's journal and accounts"
)]
pub struct Verify {
    /// A delivery's folder, or an order number
    pub what: PathBuf,
    /// Re-open so many cards with their keys and read everything back (a number, or `all`)
    #[arg(long, value_name = "N", requires = "encoders")]
    pub cards: Option<CardCount>,
    /// Where the cards are put in
    #[arg(long, value_name = "SPEC")]
    pub encoders: Vec<EncoderSpec>,
}

/// `card …`.
#[derive(Debug, Subcommand)]
pub enum CardCommand {
    /// Say what a card is, from what it tells anybody; no key is used and nothing is written
    Read(CardRead),
}

/// `card read`.
#[derive(Debug, Args)]
pub struct CardRead {
    /// Where the card is put in: pcsc:READERS or vpcd:HOST:PORT[-PORT] (repeatable) [default: any PC/SC reader]
    #[arg(long, value_name = "SPEC")]
    pub encoders: Vec<EncoderSpec>,
    /// How long to wait for a card
    #[arg(long, value_name = "TIME", default_value = "30s")]
    pub wait: Period,
}

/// A number of cards, or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardCount {
    /// So many.
    Number(u64),
    /// Every card of the delivery.
    All,
}

impl FromStr for CardCount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            _ if text == "all" => Ok(Self::All),
            Ok(number) if number > 0 => Ok(Self::Number(number)),
            _ => Err("give a number from 1, or `all`".to_owned()),
        }
    }
}

/// A time to wait: `30s`, `5m`, `1h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period(pub Duration);

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unit_s = match text.chars().last() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3_600,
            _ => 0,
        };
        let number = text.get(..text.len().saturating_sub(1)).and_then(|number| number.parse::<u32>().ok());
        match number {
            Some(number) if unit_s > 0 && number > 0 => Ok(Self(Duration::from_secs(u64::from(number) * unit_s))),
            _ => Err("give a time such as 30s, 5m or 1h".to_owned()),
        }
    }
}

impl Program for Cli {
    fn globals(&self) -> &Globals {
        &self.globals
    }
}
