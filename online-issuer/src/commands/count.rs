//! `stock count`: by the book, and held against what was counted.

use crate::cli::stock::CountArgs;
use crate::stock::census;
use crate::stock::stocktake::{self, Site};
use fuda_cli::table::Table;
use fuda_cli::{Exit, Failure, Globals, output};
use fuda_store::Store;
use serde_json::json;
use std::io::Read;
use std::path::Path;

/// Columns of a terminal that a table may take.
const COLUMNS_MAX: usize = 80;
/// Largest list of a scanner that is read, in bytes: more cards than a shop has room for.
const SCANNED_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Counts.
///
/// # Errors
/// `USAGE` for a list without a place; `INPUT_UNREADABLE` (exit 5); the store.
pub(super) fn count(globals: &Globals, store: &Store, args: &CountArgs) -> Result<Exit, Failure> {
    let site = match (&args.carton, &args.shop) {
        (Some(carton), _) => Site::Carton(carton.clone()),
        (None, Some(shop)) => Site::Shop(shop.clone()),
        (None, None) if args.from.is_some() => {
            return Err(Failure::new("USAGE", Exit::Usage, "a list of counted cards belongs to a carton or a shop")
                .remedy("give --carton or --shop"));
        }
        (None, None) => return everything(globals, store),
    };
    let numbers = match &args.from {
        Some(path) => scanned(path)?,
        None => return by_the_book(globals, store, &site),
    };
    let found = stocktake::compare(store, &site, &numbers)?;
    output::line(&format!(
        "{} by the book, {} counted: {} missing, {} too many",
        found.booked,
        found.counted,
        found.missing.len(),
        found.surplus.len()
    ));
    let mut table = Table::new(["", "NUMBER", "STATE", "CARTON", "SHOP"]);
    for card in &found.missing {
        table.row(["missing", &card.printed, &card.state, &card.carton, &card.shop]);
    }
    for surplus in &found.surplus {
        let [state, carton, shop] = match &surplus.booked {
            Some(card) => [&card.state, &card.carton, &card.shop].map(String::as_str),
            None => ["unknown", "", ""],
        };
        table.row(["too many", &surplus.number, state, carton, shop]);
    }
    let agree = found.missing.is_empty() && found.surplus.is_empty();
    if !agree {
        output::line(&table.within(COLUMNS_MAX).to_string());
    }
    done(globals, &json!(found))?;
    Ok(if agree { Exit::Done } else { Exit::Incomplete })
}

fn everything(globals: &Globals, store: &Store) -> Result<Exit, Failure> {
    let counts = census::count(store)?;
    let mut table = Table::new(["DELIVERY", "LOT", "PROFILE", "STATE", "CARDS"]);
    for count in &counts {
        let (delivery, cards) = (format!("{}-{}", count.order_id, count.number), count.cards.to_string());
        table.row([&delivery, &count.lot, &count.profile, &count.state, &cards].map(String::as_str));
    }
    output::line(&table.within(COLUMNS_MAX).to_string());
    let total: i64 = counts.iter().map(|count| count.cards).sum();
    done(globals, &json!({ "cards": total, "counts": counts }))
}

fn by_the_book(globals: &Globals, store: &Store, site: &Site) -> Result<Exit, Failure> {
    let booked = stocktake::booked(store, site)?;
    let mut table = Table::new(["SERIAL", "PRINTED", "STATE", "CARTON", "SHOP"]);
    for card in &booked {
        table.row([&card.serial, &card.printed, &card.state, &card.carton, &card.shop].map(String::as_str));
    }
    output::line(&table.within(COLUMNS_MAX).to_string());
    output::line(&format!("{} cards by the book", booked.len()));
    done(globals, &json!({ "booked": booked }))
}

/// The lines of a scanner's list that hold something.
fn scanned(path: &Path) -> Result<Vec<String>, Failure> {
    let name = path.display().to_string();
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().take(SCANNED_BYTES_MAX).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(SCANNED_BYTES_MAX).read_to_string(&mut text))
    };
    read.map_err(|error| Failure::new("INPUT_UNREADABLE", Exit::Input, format!("cannot be read: {error}")).at(name))?;
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

fn done(globals: &Globals, object: &serde_json::Value) -> Result<Exit, Failure> {
    if globals.json {
        output::json(object);
    }
    Ok(Exit::Done)
}
