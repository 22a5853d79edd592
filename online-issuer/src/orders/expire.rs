//! Orders that nobody paid or used in their time: the right lapses, and the card that was claimed is free for another order.

use super::{EntitlementEvent, EntitlementState, Lives, happen};
use crate::error::Error;
use fuda_store::clock::stored;
use fuda_store::{Conn, Store};

/// Orders that are looked at in one round; what is left is the next round's.
const ORDERS_PER_ROUND: i64 = 200;

/// Expires orders; returns how many. Each goes in a transaction of its own, so that any number of nodes may do the same at once.
///
/// # Errors
/// [`Error::Store`]; what expired before stays so.
pub fn expire_orders(store: &Store, lives: &Lives) -> Result<u64, Error> {
    let now = store.clock().now();
    let before = |life: jiff::SignedDuration| stored(now.checked_sub(life).unwrap_or(now));
    // No time is before the empty text.
    let (unpaid, unused) = (before(lives.unpaid), lives.unused.map(before).unwrap_or_default());
    let due: Vec<(String, String)> = store.read_blocking("order.due", async move |tx| {
        Ok::<_, Error>(
            sqlx::query_as(
                "/* order.due */ SELECT id, state FROM entitlement WHERE (state = 'pending' AND changed_at < $1) \
                 OR (state = 'granted' AND changed_at < $2) ORDER BY changed_at, id LIMIT $3",
            )
            .bind(unpaid)
            .bind(unused)
            .bind(ORDERS_PER_ROUND)
            .fetch_all(&mut *tx)
            .await?,
        )
    })?;
    let mut expired = 0;
    for (entitlement, state) in due {
        let (state, now) = (state.parse::<EntitlementState>()?, stored(now));
        let expire = async move |tx: &mut Conn| expire(tx, &entitlement, state, &now).await;
        match store.run_tx_blocking("order.expire", expire) {
            Ok(()) => expired += 1,
            // Somebody paid, used or expired it meanwhile.
            Err(error) if error.is_overtaken() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(expired)
}

async fn expire(tx: &mut Conn, entitlement: &str, found: EntitlementState, now: &str) -> Result<(), Error> {
    let (order, state): (String, String) =
        sqlx::query_as("/* order.expire */ SELECT order_id, state FROM entitlement WHERE id = $1")
            .bind(entitlement)
            .fetch_one(&mut *tx)
            .await?;
    if state != found.as_str() {
        return Err(Error::Overtaken);
    }
    happen(tx, entitlement, EntitlementEvent::Expire, None, now).await?;
    free_card(tx, &order, now).await
}

/// The card that an order claimed, and on which nothing of it was written, is free for another order.
pub(crate) async fn free_card(tx: &mut Conn, order: &str, now: &str) -> Result<(), Error> {
    sqlx::query(
        "/* order.free_card */ UPDATE card_application SET claimed_by = NULL, changed_at = $1 WHERE claimed_by = $2 AND state = 'blank'",
    )
    .bind(now)
    .bind(order)
    .execute(&mut *tx)
    .await?;
    Ok(())
}
