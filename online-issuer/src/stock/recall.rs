//! Where the cards of a recall (回収) are, and which of them have come back.
//!
//! A card is back when it lies in the centre's own store, or was taken out of trade when its buyer returned it; the others are out.

use super::hold::COVERS;
use super::{StockError, StockState};
use crate::error::Error;
use fuda_store::Store;
use serde::Serialize;
use sqlx::AssertSqlSafe;

/// Most cards of one recall that are listed; more of them are asked for by carton or range.
const CARDS_LISTED_MAX: i64 = 1000;

/// A card of a recall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Recalled {
    /// Serial.
    pub serial: String,
    /// Number on card or package.
    pub printed: String,
    /// State.
    pub state: String,
    /// The shop that has it, or sold it.
    pub shop: String,
    /// The last order that claimed it, so that the member can be told.
    pub order_id: Option<String>,
}

/// A recall, as far as it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Its number.
    pub recall: String,
    /// Cards that are out, by serial, at most a thousand of them.
    pub out: Vec<Recalled>,
    /// How many are out.
    pub out_cards: i64,
    /// How many are back, or had never left.
    pub back_cards: i64,
}

/// Looks where the cards of a recall in force are.
///
/// # Errors
/// [`StockError::NoHold`]; [`Error::Store`].
pub fn progress(store: &Store, id: &str) -> Result<Progress, Error> {
    let id = id.to_owned();
    store.read_blocking("recall.progress", async move |tx| {
        let known: Option<String> = sqlx::query_scalar(
            "/* recall.known */ SELECT id FROM stock_hold WHERE id = $1 AND kind = 'recall' AND lifted_at IS NULL",
        )
        .bind(id.as_str())
        .fetch_optional(&mut *tx)
        .await?;
        let recall = known.ok_or_else(|| StockError::NoHold { id: id.clone() })?;
        let from = format!(
            "FROM stock_card c JOIN stock_delivery d ON d.order_id = c.delivery_order AND d.number = c.delivery_number \
             JOIN stock_hold h ON h.id = $1 AND {COVERS}"
        );
        let words = |is_back: fn(&StockState) -> bool| {
            let states = StockState::ALL.iter().filter(|state| is_back(state));
            states.map(|state| format!("'{state}'")).collect::<Vec<_>>().join(", ")
        };
        let (back, out) = (words(StockState::is_back), words(|state| !state.is_back()));
        let count = |states: &str| format!("/* recall.count */ SELECT COUNT(*) {from} WHERE c.state IN ({states})");
        let out_cards =
            sqlx::query_scalar(AssertSqlSafe(count(&out))).bind(recall.as_str()).fetch_one(&mut *tx).await?;
        let back_cards =
            sqlx::query_scalar(AssertSqlSafe(count(&back))).bind(recall.as_str()).fetch_one(&mut *tx).await?;
        let text = format!(
            "/* recall.out */ SELECT c.serial, c.printed, c.state, c.shop, \
             (SELECT MAX(a.claimed_by) FROM card_application a WHERE a.card = c.kdd) AS order_id {from} \
             WHERE c.state IN ({out}) ORDER BY c.serial LIMIT $2"
        );
        let query = sqlx::query_as(AssertSqlSafe(text)).bind(recall.as_str()).bind(CARDS_LISTED_MAX);
        let out = query.fetch_all(&mut *tx).await?;
        Ok(Progress { recall, out, out_cards, back_cards })
    })
}
