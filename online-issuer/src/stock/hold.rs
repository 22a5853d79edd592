//! Holds (利用停止): cards that may not be activated for now, by lot, carton, range or card.
//!
//! One person places a hold and it works at once; lifting it takes two. A recall is a hold whose cards are to come back. It is looked at when a card is claimed, when a session is opened and
//! once more before a script leaves.

use super::StockError;
use crate::error::Error;
use fuda_card::id::Kdd;
use fuda_store::{Conn, Store, clock};
use sqlx::AssertSqlSafe;
use std::fmt;
use std::str::FromStr;

/// Which cards a hold is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All of a lot.
    Lot(String),
    /// All in a carton.
    Carton(String),
    /// Serials from the first to the last; those of another length are not in it.
    Range(String, String),
    /// One card, by its serial.
    Card(String),
}

/// Text that names no cards.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write lot:LOT, carton:CARTON, range:FIRST-LAST or card:SERIAL")]
pub struct NoScope;

impl FromStr for Scope {
    type Err = NoScope;

    fn from_str(text: &str) -> Result<Self, NoScope> {
        let (word, value) = text.split_once(':').filter(|(_, value)| !value.is_empty()).ok_or(NoScope)?;
        match word {
            "lot" => Ok(Self::Lot(value.to_owned())),
            "carton" => Ok(Self::Carton(value.to_owned())),
            "card" => Ok(Self::Card(value.to_owned())),
            "range" => match value.split_once('-') {
                Some((first, last)) if first.len() == last.len() && first <= last => {
                    Ok(Self::Range(first.to_owned(), last.to_owned()))
                }
                _ => Err(NoScope),
            },
            _ => Err(NoScope),
        }
    }
}

impl Scope {
    /// Word, first and last, as the store has them.
    fn parts(&self) -> (&'static str, &str, &str) {
        match self {
            Self::Lot(lot) => ("lot", lot, lot),
            Self::Carton(carton) => ("carton", carton, carton),
            Self::Range(first, last) => ("range", first, last),
            Self::Card(serial) => ("card", serial, serial),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range(first, last) => write!(f, "range:{first}-{last}"),
            other => {
                let (word, value, _) = other.parts();
                write!(f, "{word}:{value}")
            }
        }
    }
}

/// What becomes of the cards of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// They stay where they are.
    Hold,
    /// They are to come back (回収).
    Recall,
}

impl Kind {
    /// The word in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Recall => "recall",
        }
    }
}

/// Cards of a hold: joins a card `c`, its delivery `d` and the hold `h`.
pub(crate) const COVERS: &str = "((h.scope = 'lot' AND h.first = d.lot) OR (h.scope = 'carton' AND h.first = c.carton) \
     OR (h.scope IN ('range', 'card') AND c.serial BETWEEN h.first AND h.last AND length(c.serial) = length(h.first)))";

/// A hold that is to be placed.
#[derive(Debug, Clone)]
pub struct NewHold {
    /// Its cards.
    pub scope: Scope,
    /// What becomes of them.
    pub kind: Kind,
    /// Why.
    pub reason: String,
    /// Who places it.
    pub person: String,
}

/// Places a hold in the caller's transaction; returns the number of cards in stock that it stops now.
pub(crate) async fn place(tx: &mut Conn, id: &str, hold: &NewHold, now: &str) -> Result<i64, Error> {
    let NewHold { scope, kind, reason, person } = hold;
    let (word, first, last) = scope.parts();
    sqlx::query(
        "/* hold.place */ INSERT INTO stock_hold (id, scope, first, last, kind, reason, placed_by, placed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(id)
    .bind(word)
    .bind(first)
    .bind(last)
    .bind(kind.as_str())
    .bind(reason.as_str())
    .bind(person.as_str())
    .bind(now)
    .execute(&mut *tx)
    .await?;
    let text = format!(
        "/* hold.count */ SELECT COUNT(*) FROM stock_card c \
         JOIN stock_delivery d ON d.order_id = c.delivery_order AND d.number = c.delivery_number JOIN stock_hold h ON h.id = $1 WHERE {COVERS}"
    );
    Ok(sqlx::query_scalar(AssertSqlSafe(text)).bind(id).fetch_one(&mut *tx).await?)
}

/// Lifts a hold, which takes two people.
///
/// # Errors
/// [`StockError::SamePerson`], [`StockError::NoHold`].
pub fn lift(store: &Store, id: &str, person: &str, checker: &str) -> Result<(), Error> {
    if person == checker {
        return Err(StockError::SamePerson { person: person.to_owned() }.into());
    }
    let (id, person, checker, now) =
        (id.to_owned(), person.to_owned(), checker.to_owned(), clock::stored(store.clock().now()));
    store.run_tx_blocking("hold.lift", async move |tx| {
        let lifted = sqlx::query(
            "/* hold.lift */ UPDATE stock_hold SET lifted_by = $1, checked_by = $2, lifted_at = $3 WHERE id = $4 AND lifted_at IS NULL",
        )
        .bind(person)
        .bind(checker)
        .bind(now)
        .bind(id.as_str())
        .execute(&mut *tx)
        .await?;
        if lifted.rows_affected() == 0 { Err(StockError::NoHold { id }.into()) } else { Ok(()) }
    })
}

/// The number and reason of a hold that stops a card, if there is one.
///
/// # Errors
/// [`Error::Store`].
pub async fn on_card(tx: &mut Conn, card: Kdd) -> Result<Option<String>, Error> {
    let text = format!(
        "/* hold.on_card */ SELECT h.id FROM stock_card c \
         JOIN stock_delivery d ON d.order_id = c.delivery_order AND d.number = c.delivery_number \
         JOIN stock_hold h ON h.lifted_at IS NULL AND {COVERS} WHERE c.kdd = $1 LIMIT 1"
    );
    Ok(sqlx::query_scalar(AssertSqlSafe(text)).bind(card.to_string()).fetch_optional(&mut *tx).await?)
}

/// A hold in force.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct Hold {
    /// Its number.
    pub id: String,
    /// Lot, carton, range or card.
    pub scope: String,
    /// The first, or the only one.
    pub first: String,
    /// The last.
    pub last: String,
    /// Hold or recall.
    pub kind: String,
    /// Why.
    pub reason: String,
    /// Who placed it.
    pub placed_by: String,
    /// When.
    pub placed_at: String,
}

/// The holds in force, oldest first.
///
/// # Errors
/// [`Error::Store`].
pub fn list(store: &Store) -> Result<Vec<Hold>, Error> {
    store.read_blocking("hold.list", async |tx| {
        Ok(sqlx::query_as(
            "/* hold.list */ SELECT id, scope, first, last, kind, reason, placed_by, placed_at FROM stock_hold WHERE lifted_at IS NULL ORDER BY placed_at, id",
        )
        .fetch_all(&mut *tx)
        .await?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_written_as_they_are_read() {
        for text in ["lot:L1", "carton:C-7", "card:88104000000013", "range:100-199"] {
            assert_eq!(text.parse::<Scope>().unwrap().to_string(), text);
        }
        for text in ["", "lot:", "shop:1", "range:1", "range:9-10", "range:20-10", "88104"] {
            assert_eq!(text.parse::<Scope>(), Err(NoScope), "{text}");
        }
    }
}
