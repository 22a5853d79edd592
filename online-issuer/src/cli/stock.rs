//! `stock …`.

use crate::stock::hold::Scope;
use clap::{Args, Subcommand};
use std::path::PathBuf;

const IMPORT: &str = "Examples:\n  fuda-issuer stock import deliveries/2026-0417-A-1\n  \
fuda-issuer stock import /media/usb/2026-0417-A-1 --key line.pem   # the line's receipt key, compared by telephone\n\n\
Nothing is taken in unless all of it is sound. An import that was cut goes on with the same command; a delivery that is in stock already changes nothing.";

const HOLD: &str = "Examples:\n  fuda-issuer stock hold lot:L2604A --reason \"ink comes off\" --operator sato\n  \
fuda-issuer stock hold range:88104000000013-88104000000997 --reason stolen --operator sato\n  \
fuda-issuer stock hold                                     # the holds in force\n\nA hold works at once, for cards that are taken in later too.";

const COUNT: &str = "Examples:\n  fuda-issuer stock count\n  \
fuda-issuer stock count --shop shinjuku                    # by the book\n  \
fuda-issuer stock count --shop shinjuku --from scanned.txt # exit 1 when book and count differ\n\n\
The file has a serial or a printed number on each line, in any order, as a scanner writes them; `-` is standard input. Nothing is changed.";

const RECALL: &str = "Examples:\n  fuda-issuer stock recall carton:C-7 --reason \"ink comes off\" --operator sato\n  \
fuda-issuer stock recall --show 1F2E3D4C                   # what is still out (exit 1 while anything is)\n  \
fuda-issuer stock recall                                   # holds and recalls in force\n\n\
A recall holds its cards at once. Each card closes by `stock return`: one from a shop is in stock again, one from its buyer is void. \
When all are back, `stock unhold` ends it.";

/// `stock …`.
#[derive(Debug, Subcommand)]
pub enum StockCommand {
    /// Take a delivery in: signature, sums, rows, profile and mode are checked before anything is written
    #[command(after_help = IMPORT)]
    Import(Import),
    /// Cards by serial
    List(List),
    /// Cards of each delivery by state; or those of a carton or a shop, held against what was counted there
    #[command(after_help = COUNT)]
    Count(CountArgs),
    /// Send cards to a shop
    Ship(Ship),
    /// Take cards back from a shop; sold ones only when they are recalled
    Return(Cards),
    /// Keep cards from being activated, or list the holds in force
    #[command(after_help = HOLD)]
    Hold(HoldArgs),
    /// Have cards come back, and see which are still out
    #[command(after_help = RECALL)]
    Recall(RecallArgs),
    /// Lift a hold or a recall, which takes two people
    Unhold(Unhold),
}

/// `stock import`.
#[derive(Debug, Args)]
pub struct Import {
    /// The delivery's folder
    pub delivery: PathBuf,
    /// A receipt key that is known, PEM (repeatable) [default: issuer.receipt_keys in fuda.toml]
    #[arg(long = "key", value_name = "FILE")]
    pub keys: Vec<PathBuf>,
}

/// `stock list`.
#[derive(Debug, Args)]
pub struct List {
    /// Only cards of this state: stock, in-transit, sold, void, lost, blocked, replaced
    #[arg(long, value_name = "STATE")]
    pub state: Option<crate::stock::StockState>,
    /// Only cards of this lot
    #[arg(long, value_name = "LOT")]
    pub lot: Option<String>,
    /// Only cards after this serial
    #[arg(long, value_name = "SERIAL")]
    pub after: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub limit: u16,
}

/// Which cards are moved.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Cards {
    /// All cards of a carton
    #[arg(long, value_name = "CARTON")]
    pub carton: Option<String>,
    /// Cards by serial, from the first to the last
    #[arg(long, value_name = "FIRST-LAST", value_parser = range)]
    pub range: Option<(String, String)>,
    /// One card, by its serial
    #[arg(long, value_name = "SERIAL")]
    pub card: Option<String>,
}

/// `stock ship`.
#[derive(Debug, Args)]
pub struct Ship {
    /// Which cards
    #[command(flatten)]
    pub cards: Cards,
    /// The shop
    #[arg(long, value_name = "SHOP")]
    pub to: String,
}

/// `stock hold`.
#[derive(Debug, Args)]
pub struct HoldArgs {
    /// lot:LOT, carton:CARTON, range:FIRST-LAST or card:SERIAL
    #[arg(requires = "reason", requires = "operator")]
    pub cards: Option<Scope>,
    /// Why
    #[arg(long, value_name = "TEXT", requires = "cards")]
    pub reason: Option<String>,
    /// Who places it
    #[arg(long, value_name = "ID", requires = "cards")]
    pub operator: Option<String>,
}

/// `stock count`.
#[derive(Debug, Args)]
pub struct CountArgs {
    /// Cards of this carton that nobody has bought
    #[arg(long, value_name = "CARTON", conflicts_with = "shop")]
    pub carton: Option<String>,
    /// Cards in this shop that nobody has bought
    #[arg(long, value_name = "SHOP")]
    pub shop: Option<String>,
    /// What was counted there
    #[arg(long, value_name = "FILE|-")]
    pub from: Option<PathBuf>,
}

/// `stock recall`.
#[derive(Debug, Args)]
pub struct RecallArgs {
    /// Which cards, why, by whom
    #[command(flatten)]
    pub hold: HoldArgs,
    /// How far this recall has come
    #[arg(long, value_name = "RECALL", conflicts_with = "cards")]
    pub show: Option<String>,
}

/// `stock unhold`.
#[derive(Debug, Args)]
pub struct Unhold {
    /// Number of the hold
    pub hold: String,
    /// Who lifts it
    #[arg(long, value_name = "ID")]
    pub operator: String,
    /// The second person
    #[arg(long, value_name = "ID")]
    pub checker: String,
}

fn range(text: &str) -> Result<(String, String), String> {
    match text.split_once('-') {
        Some((first, last)) if !first.is_empty() && first.len() == last.len() && first <= last => {
            Ok((first.to_owned(), last.to_owned()))
        }
        _ => Err("write FIRST-LAST, two serials of the same length".to_owned()),
    }
}
