//! Cards that go to a shop and come back.

use super::{StockError, StockEvent, StockState};
use crate::error::Error;
use fuda_store::{Store, clock};
use std::fmt;
use std::sync::LazyLock;

/// Narrows a movement to cards that are recalled.
static RECALLED: LazyLock<String> = LazyLock::new(|| {
    format!(
        " AND kdd IN (SELECT c.kdd FROM stock_card c \
         JOIN stock_delivery d ON d.order_id = c.delivery_order AND d.number = c.delivery_number \
         JOIN stock_hold h ON h.lifted_at IS NULL AND h.kind = 'recall' AND {})",
        super::hold::COVERS
    )
});

/// Which cards are moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// All in a carton.
    Carton(String),
    /// Serials from the first to the last, of the same length.
    Range(String, String),
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Carton(carton) => write!(f, "carton {carton}"),
            Self::Range(first, last) => write!(f, "serials {first} to {last}"),
        }
    }
}

/// Sends cards to a shop; returns how many.
///
/// # Errors
/// [`StockError::NothingToMove`].
pub fn ship(store: &Store, which: &Which, shop: &str) -> Result<u64, Error> {
    movement(store, which, &[StockEvent::Ship], shop)
}

/// Takes cards back: from a shop into the store, and from buyers, where a recall is in force, out of trade; returns how many.
///
/// # Errors
/// [`StockError::NothingToMove`].
pub fn return_cards(store: &Store, which: &Which) -> Result<u64, Error> {
    movement(store, which, &[StockEvent::Return, StockEvent::TakeBack], "")
}

/// Moves every card that the table allows to be moved by one of the events; the others stay where they are.
fn movement(store: &Store, which: &Which, events: &[StockEvent], shop: &str) -> Result<u64, Error> {
    let (column, first, last) = match which.clone() {
        Which::Carton(carton) => ("carton", carton.clone(), carton),
        Which::Range(first, last) => ("serial", first, last),
    };
    let (shop, now) = (shop.to_owned(), clock::stored(store.clock().now()));
    let moves: Vec<_> = events
        .iter()
        .flat_map(|event| StockState::ALL.iter().filter_map(|from| Some((*event, *from, from.after(*event)?))))
        .collect();
    let moved = store.run_tx_blocking("stock.move", async move |tx| {
        let mut moved = 0;
        for (event, from, to) in moves {
            let recalled = if event == StockEvent::TakeBack { RECALLED.as_str() } else { "" };
            let text = format!(
                "/* stock.move */ UPDATE stock_card SET state = $1, shop = $2, changed_at = $3 \
                 WHERE state = $4 AND {column} BETWEEN $5 AND $6 AND length({column}) = length($5){recalled}"
            );
            let query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(to.as_str()).bind(shop.as_str()).bind(now.as_str());
            let query = query.bind(from.as_str()).bind(first.as_str()).bind(last.as_str());
            moved += query.execute(&mut *tx).await?.rows_affected();
        }
        Ok::<_, Error>(moved)
    })?;
    if moved == 0 {
        let event = events.first().map_or("move", |event| event.as_str());
        return Err(StockError::NothingToMove { which: which.to_string(), event }.into());
    }
    Ok(moved)
}
