//! The command line of `fuda-factory`.

mod steer;

use crate::delivery::CsvEncoding;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use fuda_cli::{Globals, Program};
use fuda_terminal::EncoderSpec;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::LazyLock;
use std::time::Duration;

pub use steer::{CardSample, Close, Destroy, EncoderCommand, Fence, RejectCommand, Said};

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
    /// Fix printed numbers and activation codes, and encrypt them to the printer, before chips are encoded
    Prepare(Prepare),
    /// Make the cards of an order; goes on with what exists
    Run(Run),
    /// List, show and steer jobs
    #[command(subcommand)]
    Job(JobCommand),
    /// The reject bin of a job: what lies there, and its destruction
    #[command(subcommand)]
    Reject(RejectCommand),
    /// Encoders of running lines
    #[command(subcommand)]
    Encoder(EncoderCommand),
    /// Hand the good cards of a job over as a signed folder
    Deliver(Deliver),
    /// Match printed numbers to good cards and fill a carton
    Pack(Pack),
    /// Check a delivery, or cards in hand against it
    Verify(Verify),
    /// Take in another company's chips after 0th issuance, for orders of 1st issuance
    Receive(Receive),
    /// Look at cards
    #[command(subcommand)]
    Card(CardCommand),
    /// Look at the store, or bring its schema up to this program
    #[command(subcommand)]
    Store(StoreCommand),
    /// Write a shell completion script to standard output
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// `prepare`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  fuda-factory prepare order.toml --print-to age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\n  \
fuda-factory prepare order.toml --print-to printer.txt --again   # lost or damaged: the same codes once more\n\n\
The printer opens the file with `age -d -i KEY FILE > packages.csv`: columns serial, printed, activation_code, one row per package, spares included.\n\
The codes are made by the HSM from the serials and never lie on this disk in clear."
)]
pub struct Prepare {
    /// Order file: TOML, or CSV with a header
    pub order: PathBuf,
    /// Who can open the file: an age recipient (age1…), or a file with one on each line (repeatable)
    #[arg(long, value_name = "RECIPIENT", required = true)]
    pub print_to: Vec<String>,
    /// The file to make; must not exist [default: JOB-print-N.age in factory.out of fuda.toml]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Make another copy, which the journal records: packages may be printed twice from now on
    #[arg(long)]
    pub again: bool,
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
    /// Work on this chip alone, named by identity or serial; others are given back as they are
    #[arg(long, value_name = "CHIP", conflicts_with = "limit")]
    pub only: Option<String>,
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
    /// One job: accounts, keys, lines, withdrawn serials, reject bin, journal
    Show {
        /// Order number
        job: String,
    },
    /// Write the report of a job: Markdown, and one HTML page with its charts
    Report {
        /// Order number
        job: String,
        /// The folder to write into; files of an earlier report in it are replaced
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Watch the lines that work on a job: encoders, totals, time left; on a terminal a picture that moves, elsewhere lines, with --json one object
    Watch {
        /// Order number
        job: String,
    },
    /// Hold every line of a job: cards in hand are finished, none more is taken
    Pause(Said),
    /// Let the lines of a paused job go on
    Continue(Said),
    /// End the work on a job for good; what is good can still be delivered
    Cancel {
        /// Order number and who says so
        #[command(flatten)]
        said: Said,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Let the line go on after a second person has looked at the first articles
    Approve {
        /// Order number
        job: String,
        /// Who looked at them; nobody who worked at a line of the job
        #[arg(long, value_name = "ID")]
        checker: String,
    },
    /// Count the chips of a finished or cancelled job with a second person: drawn = fed + returned, or it stays open
    Close(Close),
}

/// `store …`.
#[derive(Debug, Clone, Subcommand)]
pub enum StoreCommand {
    /// Say where the store is, how safely it keeps what it acknowledged, whether its schema is this program's, and whether it is an old copy
    Check,
    /// Fence what a restored store has forgotten: no serial of a delivery is given out again, and counters stand above all that were used
    Fence(Fence),
    /// Bring the schema up to this program; stop every line that uses the store first
    Migrate,
}

/// `deliver`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  fuda-factory deliver 2026-0417-A                                  # all that is good and undelivered\n  \
fuda-factory deliver 2026-0417-A --carton C-0001 --carton C-0002   # what is in these cartons"
)]
pub struct Deliver {
    /// Order number
    pub job: String,
    /// Deliver only so many cards, lowest serials first [default: all that are good and undelivered]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "carton")]
    pub quantity: Option<u64>,
    /// Deliver the cards of this carton (repeatable)
    #[arg(long, value_name = "LABEL")]
    pub carton: Vec<Label>,
    /// How the CSV tables are written; cards.jsonl is always UTF-8
    #[arg(long, value_name = "utf-8|cp932", default_value = "utf-8")]
    pub csv_encoding: CsvEncoding,
    /// The folder to make; must not exist [default: JOB-N in factory.out of fuda.toml]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `pack`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  fuda-factory pack 2026-0417-A --carton C-0001 --size 100      # a scanner types one number a line\n  \
fuda-factory pack 2026-0417-A --carton C-0001 --size 100 --match-every 25 --encoders vpcd:127.0.0.1:3500\n  \
fuda-factory pack 2026-0417-A --carton C-0002 --size 100 --from scanned.txt\n\n\
Every number that is taken is kept before the next is read: the same command goes on with a carton that is not full."
)]
pub struct Pack {
    /// Order number
    pub job: String,
    /// Label of the carton: 1 to 32 of A-Z a-z 0-9 . _ -
    #[arg(long, value_name = "LABEL")]
    pub carton: Label,
    /// Cards that the carton holds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub size: u32,
    /// Where printed numbers come from, one a line: a file, or - for standard input
    #[arg(long, value_name = "FILE|-", default_value = "-")]
    pub from: PathBuf,
    /// Hold every Nth package against the chip in it, which is put into an encoder
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), requires = "encoders")]
    pub match_every: Option<u32>,
    /// Who packs; production needs one
    #[arg(long, value_name = "ID", default_value = "-")]
    pub operator: String,
    /// Where the card is put in
    #[arg(long, value_name = "SPEC")]
    pub encoders: Vec<EncoderSpec>,
    /// How long to wait for the card
    #[arg(long, value_name = "TIME", default_value = "60s")]
    pub wait: Period,
}

/// Label of a carton or name of a peer: 1 to 32 of `A-Z a-z 0-9 . _ -`, which every bar code and every file name has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label(pub String);

/// Longest label, in characters: what a bar code on a box holds.
const LABEL_CHARS_MAX: usize = 32;

impl FromStr for Label {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = (1..=LABEL_CHARS_MAX).contains(&text.len())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        if fits { Ok(Self(text.to_owned())) } else { Err("give 1 to 32 of A-Z a-z 0-9 . _ -".to_owned()) }
    }
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
    /// Whose delivery it is: the receipt key must be the one in peers/PEER.pem beside fuda.toml
    #[arg(long, value_name = "PEER")]
    pub from: Option<Label>,
    /// Re-open so many cards with their keys and read everything back (a number, or `all`)
    #[arg(long, value_name = "N", requires = "encoders")]
    pub cards: Option<CardCount>,
    /// Where the cards are put in
    #[arg(long, value_name = "SPEC")]
    pub encoders: Vec<EncoderSpec>,
}

/// `receive`.
#[derive(Debug, Args)]
#[command(
    after_help = "The delivery must be signed by the key in peers/PEER.pem beside fuda.toml, of this site's mode and of stage 0, and the transport key on its chips \
must be registered here. All of its chips become known, or none."
)]
pub struct Receive {
    /// The delivery's folder
    pub dir: PathBuf,
    /// Whose delivery it is
    #[arg(long, value_name = "PEER")]
    pub from: Label,
}

/// `card …`.
#[derive(Debug, Subcommand)]
pub enum CardCommand {
    /// Say what a card is, from what it tells anybody; no key is used and nothing is written
    Read(CardRead),
    /// Draw a good card as a sample: it leaves with no delivery, and another is made in its place
    Sample(CardSample),
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
