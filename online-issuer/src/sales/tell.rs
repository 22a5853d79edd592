//! What becomes of a sale, and of a sale that is taken back. The same again changes nothing and is answered the same.

use super::{Sale, SaleError, SaleId};
use crate::error::Error;
use crate::stock::{StockEvent, StockState};
use fuda_issuance::state_table;
use fuda_store::{Conn, Store, clock};

state_table! {
    /// State of a sale.
    states SaleState {
        /// Its card is sold.
        Sold = "sold",
        /// It was taken back; its card is for sale again.
        Reversed = "reversed",
        /// It fits nowhere: a person looks at it.
        Exception = "exception",
    }
    /// What happens to a sale.
    events SaleEvent {
        /// The till takes it back, and nobody uses its card.
        Reverse = "reverse" (Sold => Reversed, Exception => Reversed, Reversed => Reversed),
        /// The till takes it back, and somebody uses its card.
        Strand = "strand" (Sold => Exception),
    }
}

/// What the till is told.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Heard {
    /// Whether it was told before.
    pub known: bool,
    /// State of the sale.
    pub state: String,
    /// Why it is an exception; empty otherwise.
    pub reason: String,
}

/// A sale as stored.
#[derive(sqlx::FromRow)]
struct Stored {
    printed: String,
    card: Option<String>,
    state: String,
    reason: String,
    reversed_at: Option<String>,
}

/// A till sold a card. Durable when this returns.
///
/// # Errors
/// [`SaleError::OtherContent`] when the line was told before, of another card; [`Error::Store`].
pub fn sell(store: &Store, sale: &Sale) -> Result<Heard, Error> {
    let (sale, now) = (sale.clone(), clock::stored(store.clock().now()));
    store.run_tx_blocking("sale.sell", async move |tx| {
        match load(tx, &sale.id).await? {
            // It was taken back before it was told.
            Some(stored) if stored.printed.is_empty() => {
                let SaleId { retailer, shop, receipt, line } = &sale.id;
                sqlx::query(
                    "/* sale.late */ UPDATE sale_notice SET printed = $1, sold_at = $2 WHERE retailer = $3 AND shop = $4 AND receipt = $5 AND line = $6",
                )
                .bind(sale.printed.as_str())
                .bind(sale.sold_at.as_str())
                .bind(retailer.as_str())
                .bind(shop.as_str())
                .bind(receipt.as_str())
                .bind(line)
                .execute(&mut *tx)
                .await?;
                Ok(Heard { known: false, state: stored.state, reason: String::new() })
            }
            Some(stored) if stored.printed == sale.printed => {
                Ok(Heard { known: true, state: stored.state, reason: stored.reason })
            }
            Some(_) => Err(SaleError::OtherContent { sale: sale.id.clone() }.into()),
            None => {
                let (card, state, reason) = hand_over(tx, &sale, &now).await?;
                insert(tx, &sale, (card.as_deref(), state, &reason), &now).await?;
                Ok(Heard { known: false, state: state.as_str().to_owned(), reason })
            }
        }
    })
}

/// A till, or an operator for it, takes a sale back. Durable when this returns; a sale that was never told is taken back beforehand.
///
/// # Errors
/// [`Error::Store`].
pub fn reverse(store: &Store, id: &SaleId, by: &str) -> Result<Heard, Error> {
    let (id, by, now) = (id.clone(), by.to_owned(), clock::stored(store.clock().now()));
    store.run_tx_blocking("sale.reverse", async move |tx| {
        let Some(stored) = load(tx, &id).await? else {
            let sale = Sale { id, printed: String::new(), sold_at: String::new() };
            insert(tx, &sale, (None, SaleState::Reversed, ""), &now).await?;
            mark(tx, &sale.id, SaleState::Reversed, "", (&by, &now)).await?;
            return Ok(Heard { known: false, state: SaleState::Reversed.as_str().to_owned(), reason: String::new() });
        };
        if stored.reversed_at.is_some() {
            return Ok(Heard { known: true, state: stored.state, reason: stored.reason });
        }
        let user = match (&stored.card, stored.state.parse::<SaleState>()?) {
            (Some(card), SaleState::Sold) => take_over(tx, card, &now).await?,
            _ => None,
        };
        let (event, reason) = match user {
            None => (SaleEvent::Reverse, String::new()),
            Some(order) => (SaleEvent::Strand, format!("taken back, and its card is used by order {order}")),
        };
        let state = stored.state.parse::<SaleState>()?.after(event).ok_or(Error::Overtaken)?;
        mark(tx, &id, state, &reason, (&by, &now)).await?;
        Ok(Heard { known: false, state: state.as_str().to_owned(), reason })
    })
}

async fn load(tx: &mut Conn, id: &SaleId) -> Result<Option<Stored>, Error> {
    let query = sqlx::query_as(
        "/* sale.load */ SELECT printed, card, state, reason, reversed_at FROM sale_notice \
         WHERE retailer = $1 AND shop = $2 AND receipt = $3 AND line = $4",
    );
    let query = query.bind(id.retailer.as_str()).bind(id.shop.as_str()).bind(id.receipt.as_str()).bind(id.line);
    Ok(query.fetch_optional(&mut *tx).await?)
}

/// Makes the card of a sale sold, or says why not.
async fn hand_over(tx: &mut Conn, sale: &Sale, now: &str) -> Result<(Option<String>, SaleState, String), Error> {
    let found: Option<(String, String)> = sqlx::query_as(
        "/* sale.card */ SELECT c.kdd, c.state FROM stock_card c \
         JOIN stock_delivery d ON d.order_id = c.delivery_order AND d.number = c.delivery_number WHERE d.state = 'complete' AND c.printed = $1",
    )
    .bind(sale.printed.as_str())
    .fetch_optional(&mut *tx)
    .await?;
    let exception = |card, reason: String| Ok((card, SaleState::Exception, reason));
    let Some((card, state)) = found else {
        return exception(None, "no card in stock has this number".to_owned());
    };
    if let Some(other) = sold_by(tx, &card).await? {
        return exception(Some(card), format!("its card was sold before, by {other}"));
    }
    let Some(to) = state.parse::<StockState>()?.after(StockEvent::Sell) else {
        return exception(Some(card), format!("its card is {state}"));
    };
    move_card(tx, &card, to, Some(&sale.id.shop), now).await?;
    Ok((Some(card), SaleState::Sold, String::new()))
}

/// The sale that sold a card, if one did and was not taken back.
async fn sold_by(tx: &mut Conn, card: &str) -> Result<Option<String>, Error> {
    let row: Option<(String, String, String, i64)> = sqlx::query_as(
        "/* sale.sold_by */ SELECT retailer, shop, receipt, line FROM sale_notice WHERE card = $1 AND state = 'sold'",
    )
    .bind(card)
    .fetch_optional(&mut *tx)
    .await?;
    Ok(row.map(|(retailer, shop, receipt, line)| format!("{retailer}/{shop}/{receipt}/{line}")))
}

/// Whether a till has told that a card was sold.
pub(crate) async fn is_sold(tx: &mut Conn, card: &str) -> Result<bool, Error> {
    Ok(sold_by(tx, card).await?.is_some())
}

/// Puts a card that was sold back into its shop, unless an order uses it: that order.
async fn take_over(tx: &mut Conn, card: &str, now: &str) -> Result<Option<String>, Error> {
    let user: Option<String> = sqlx::query_scalar(
        "/* sale.user */ SELECT COALESCE(claimed_by, 'unknown') FROM card_application WHERE card = $1 AND (claimed_by IS NOT NULL OR state <> 'blank') LIMIT 1",
    )
    .bind(card)
    .fetch_optional(&mut *tx)
    .await?;
    if user.is_some() {
        return Ok(user);
    }
    let state: String = sqlx::query_scalar("/* sale.card_state */ SELECT state FROM stock_card WHERE kdd = $1")
        .bind(card)
        .fetch_one(&mut *tx)
        .await?;
    // What became of the card otherwise stays.
    if let Some(to) = state.parse::<StockState>()?.after(StockEvent::Unsell) {
        move_card(tx, card, to, None, now).await?;
    }
    Ok(None)
}

async fn move_card(tx: &mut Conn, card: &str, to: StockState, shop: Option<&str>, now: &str) -> Result<(), Error> {
    sqlx::query(
        "/* sale.move */ UPDATE stock_card SET state = $1, shop = COALESCE($2, shop), changed_at = $3 WHERE kdd = $4",
    )
    .bind(to.as_str())
    .bind(shop)
    .bind(now)
    .bind(card)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

async fn insert(
    tx: &mut Conn,
    sale: &Sale,
    (card, state, reason): (Option<&str>, SaleState, &str),
    now: &str,
) -> Result<(), Error> {
    let SaleId { retailer, shop, receipt, line } = &sale.id;
    sqlx::query(
        "/* sale.insert */ INSERT INTO sale_notice (retailer, shop, receipt, line, printed, sold_at, card, state, reason, told_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(retailer.as_str())
    .bind(shop.as_str())
    .bind(receipt.as_str())
    .bind(line)
    .bind(sale.printed.as_str())
    .bind(sale.sold_at.as_str())
    .bind(card)
    .bind(state.as_str())
    .bind(reason)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

async fn mark(
    tx: &mut Conn,
    id: &SaleId,
    state: SaleState,
    reason: &str,
    (by, now): (&str, &str),
) -> Result<(), Error> {
    sqlx::query(
        "/* sale.mark */ UPDATE sale_notice SET state = $1, reason = $2, reversed_by = $3, reversed_at = $4 \
         WHERE retailer = $5 AND shop = $6 AND receipt = $7 AND line = $8",
    )
    .bind(state.as_str())
    .bind(reason)
    .bind(by)
    .bind(now)
    .bind(id.retailer.as_str())
    .bind(id.shop.as_str())
    .bind(id.receipt.as_str())
    .bind(id.line)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_matrix_of_state_and_event() {
        insta::assert_snapshot!(SaleState::matrix());
    }
}
