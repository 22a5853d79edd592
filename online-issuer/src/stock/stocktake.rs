//! Stocktaking (棚卸): what lies in a carton or a shop by the book, and what was counted there.

use crate::error::Error;
use fuda_store::Store;
use serde::Serialize;
use std::collections::BTreeSet;

/// Where cards are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Site {
    /// A carton.
    Carton(String),
    /// A shop.
    Shop(String),
}

/// A card by the book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Booked {
    /// Serial.
    pub serial: String,
    /// Number on card or package.
    pub printed: String,
    /// State.
    pub state: String,
    /// Carton.
    pub carton: String,
    /// Shop.
    pub shop: String,
}

/// A number that was counted where the book has no such card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Surplus {
    /// The number.
    pub number: String,
    /// Where the book has it; `None` when no card has this number.
    pub booked: Option<Booked>,
}

/// What a count found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stocktake {
    /// Cards that are there by the book.
    pub booked: usize,
    /// Cards that were counted, each once.
    pub counted: usize,
    /// Cards of the book that were not counted.
    pub missing: Vec<Booked>,
    /// Cards that were counted and are not of the book.
    pub surplus: Vec<Surplus>,
}

/// The cards that lie there by the book: those that nobody has bought.
///
/// # Errors
/// [`Error::Store`].
pub fn booked(store: &Store, site: &Site) -> Result<Vec<Booked>, Error> {
    let (column, value) = match site.clone() {
        Site::Carton(carton) => ("carton", carton),
        Site::Shop(shop) => ("shop", shop),
    };
    store.read_blocking("stock.booked", async move |tx| {
        let text = format!(
            "/* stock.booked */ SELECT serial, printed, state, carton, shop FROM stock_card \
             WHERE {column} = $1 AND state IN ('stock', 'in-transit') ORDER BY serial"
        );
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(text)).bind(value).fetch_all(&mut *tx).await?)
    })
}

/// Holds the book against numbers that were counted: serials or printed numbers, in any order, twice or once.
///
/// # Errors
/// [`Error::Store`].
pub fn compare(store: &Store, site: &Site, numbers: &[String]) -> Result<Stocktake, Error> {
    let booked = booked(store, site)?;
    let counted: BTreeSet<&str> = numbers.iter().map(String::as_str).collect();
    let is_counted = |card: &&Booked| counted.contains(card.serial.as_str()) || counted.contains(card.printed.as_str());
    let known: BTreeSet<&str> = booked.iter().flat_map(|card| [card.serial.as_str(), card.printed.as_str()]).collect();
    let mut surplus = Vec::new();
    for number in counted.iter().filter(|number| !known.contains(*number)) {
        surplus.push(Surplus { number: (*number).to_owned(), booked: find(store, (*number).to_owned())? });
    }
    let missing: Vec<Booked> = booked.iter().filter(|card| !is_counted(card)).cloned().collect();
    let counted = booked.len() - missing.len() + surplus.len();
    Ok(Stocktake { booked: booked.len(), counted, missing, surplus })
}

fn find(store: &Store, number: String) -> Result<Option<Booked>, Error> {
    store.read_blocking("stock.counted", async move |tx| {
        let query = sqlx::query_as(
            "/* stock.counted */ SELECT serial, printed, state, carton, shop FROM stock_card WHERE serial = $1 OR printed = $1",
        );
        Ok(query.bind(number).fetch_optional(&mut *tx).await?)
    })
}
