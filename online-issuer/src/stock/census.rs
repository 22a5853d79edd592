//! What is in stock: counts by delivery and state, and single cards.

use crate::error::Error;
use fuda_store::Store;

/// Most cards that are listed at once; a list for a person, not an export.
pub const CARDS_LISTED_MAX: i64 = 1000;

/// So many cards of a delivery are in a state.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct Count {
    /// The line's order.
    pub order_id: String,
    /// The delivery within it.
    pub number: i64,
    /// Lot.
    pub lot: String,
    /// Profile.
    pub profile: String,
    /// State of the cards.
    pub state: String,
    /// How many.
    pub cards: i64,
}

/// Counts all cards of complete deliveries.
///
/// # Errors
/// [`Error::Store`].
pub fn count(store: &Store) -> Result<Vec<Count>, Error> {
    store.read_blocking("stock.count", async |tx| {
        Ok(sqlx::query_as(
            "/* stock.count */ SELECT d.order_id, d.number, d.lot, d.profile, c.state, COUNT(*) AS cards FROM stock_card c \
             JOIN stock_delivery d ON d.order_id = c.delivery_order AND d.number = c.delivery_number WHERE d.state = 'complete' \
             GROUP BY d.order_id, d.number, d.lot, d.profile, c.state ORDER BY d.order_id, d.number, c.state",
        )
        .fetch_all(&mut *tx)
        .await?)
    })
}

/// A card in stock.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct Listed {
    /// Serial.
    pub serial: String,
    /// Number on card or package.
    pub printed: String,
    /// The chip.
    pub kdd: String,
    /// Lot.
    pub lot: String,
    /// Carton.
    pub carton: String,
    /// State.
    pub state: String,
    /// Shop.
    pub shop: String,
}

/// Which cards are listed.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only of this state.
    pub state: Option<String>,
    /// Only of this lot.
    pub lot: Option<String>,
    /// Only with a serial after this one.
    pub after: Option<String>,
}

/// Cards by serial, at most `limit` and [`CARDS_LISTED_MAX`].
///
/// # Errors
/// [`Error::Store`].
pub fn list(store: &Store, filter: Filter, limit: i64) -> Result<Vec<Listed>, Error> {
    store.read_blocking("stock.list", async move |tx| {
        Ok(sqlx::query_as(
            "/* stock.list */ SELECT c.serial, c.printed, c.kdd, d.lot, c.carton, c.state, c.shop FROM stock_card c \
             JOIN stock_delivery d ON d.order_id = c.delivery_order AND d.number = c.delivery_number \
             WHERE d.state = 'complete' AND ($1 = '' OR c.state = $1) AND ($2 = '' OR d.lot = $2) AND c.serial > $3 ORDER BY c.serial LIMIT $4",
        )
        .bind(filter.state.unwrap_or_default())
        .bind(filter.lot.unwrap_or_default())
        .bind(filter.after.unwrap_or_default())
        .bind(limit.min(CARDS_LISTED_MAX))
        .fetch_all(&mut *tx)
        .await?)
    })
}
