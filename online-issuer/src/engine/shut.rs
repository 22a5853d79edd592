//! Applications that are to be shut, because their fee was charged back: at the next contact the card gets the one script that deactivates them, and
//! no other. Until the card has proved that it did so, each contact tries again.

use crate::error::Error;
use fuda_card::id::{DfName, Kdd};
use fuda_store::Conn;

/// How far the shutting of an application is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shutting {
    /// The card has not proved it yet.
    Open,
    /// It has.
    Done,
}

/// A shutting, as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct ShutRow {
    /// The application's DF.
    pub df: String,
    /// The order whose fee went back.
    pub order_id: String,
    /// Why.
    pub reason: String,
    /// `open` until the card has proved it, then `done`.
    pub state: String,
    /// Since when.
    pub begun_at: String,
    /// When the card proved it.
    pub done_at: Option<String>,
}

/// Whether an application of a card is to be shut, or is.
pub(crate) async fn of(tx: &mut Conn, card: Kdd, df: &DfName) -> Result<Option<Shutting>, Error> {
    let states: Vec<String> =
        sqlx::query_scalar("/* online.shut */ SELECT state FROM card_block WHERE card = $1 AND df = $2")
            .bind(card.to_string())
            .bind(df.to_string())
            .fetch_all(&mut *tx)
            .await?;
    Ok(match states.as_slice() {
        [] => None,
        states if states.iter().any(|state| state == "open") => Some(Shutting::Open),
        _ => Some(Shutting::Done),
    })
}

/// The card has proved that its application is shut.
pub(crate) async fn done(tx: &mut Conn, card: Kdd, df: &DfName, now: &str) -> Result<(), Error> {
    sqlx::query(
        "/* online.shut_done */ UPDATE card_block SET state = 'done', done_at = $1 WHERE card = $2 AND df = $3 AND state = 'open'",
    )
    .bind(now)
    .bind(card.to_string())
    .bind(df.to_string())
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// All of a card, oldest first.
pub(crate) async fn of_card(tx: &mut Conn, card: Kdd) -> Result<Vec<ShutRow>, Error> {
    let query = sqlx::query_as(
        "/* online.shut_rows */ SELECT df, order_id, reason, state, begun_at, done_at FROM card_block WHERE card = $1 ORDER BY begun_at, df",
    );
    Ok(query.bind(card.to_string()).fetch_all(&mut *tx).await?)
}
