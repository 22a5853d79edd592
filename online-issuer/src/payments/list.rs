//! Payments for a person to look at.

use crate::error::Error;
use fuda_store::Store;
use serde::Serialize;

/// Most payments that are listed at once.
const LISTED_MAX: i64 = 1000;

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Listed {
    /// Its name: SOURCE/EVENT.
    pub event: String,
    /// What happened.
    pub kind: String,
    /// The order as the payer gave it.
    pub reference: String,
    /// In the currency's smallest unit.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
    /// State.
    pub state: String,
    /// Why it fits nowhere.
    pub reason: String,
    /// The order that it settled.
    pub order_id: Option<String>,
    /// When it was told.
    pub told_at: String,
}

/// Payments of a state, or all of them, newest first.
///
/// # Errors
/// [`Error::Store`].
pub fn list(store: &Store, state: Option<&str>) -> Result<Vec<Listed>, Error> {
    let state = state.unwrap_or_default().to_owned();
    store.read_blocking("payment.list", async move |tx| {
        Ok(sqlx::query_as(
            "/* payment.list */ SELECT event, kind, reference, amount, currency, state, reason, order_id, told_at FROM payment \
             WHERE ($1 = '' OR state = $1) ORDER BY told_at DESC, event LIMIT $2",
        )
        .bind(state)
        .bind(LISTED_MAX)
        .fetch_all(&mut *tx)
        .await?)
    })
}
