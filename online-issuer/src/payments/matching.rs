//! `payment match`: a person says which order a payment is for that fits nowhere by itself.

use super::PaymentError;
use super::settle::{Moment, Order, Payment};
use crate::error::Error;
use crate::id::OrderId;
use crate::members::Services;
use crate::orders::{EntitlementEvent, EntitlementState, OrderError};
use fuda_store::Store;

/// Matches a payment with an order that waits for its fee. More than the fee is taken, less is not.
///
/// # Errors
/// [`PaymentError::NotFound`], [`PaymentError::NotOpen`], [`PaymentError::Amount`], [`OrderError::NotFound`], [`Error::Transition`].
pub fn match_by_hand(
    store: &Store,
    services: &Services,
    event: &str,
    order: &OrderId,
    person: &str,
) -> Result<(), Error> {
    let (event, id, person) = (event.to_owned(), order.clone(), person.to_owned());
    let (services, moment) = (services.clone(), Moment::of(store));
    store.run_tx_blocking("payment.match", async move |tx| {
        let payment = Payment::load(tx, &event).await?.ok_or_else(|| PaymentError::NotFound { event: event.clone() })?;
        if payment.state != "exception" || payment.kind != "paid" {
            return Err(PaymentError::NotOpen { event, state: payment.state }.into());
        }
        let order = Order::load(tx, &id).await?.ok_or(OrderError::NotFound)?;
        if payment.currency != order.currency || payment.amount < order.fee {
            let (amount, currency) = (payment.amount, payment.currency);
            return Err(PaymentError::Amount { amount, currency, fee: order.fee, fee_currency: order.currency }.into());
        }
        let from: EntitlementState = order.state.parse()?;
        if from != EntitlementState::Pending {
            return Err(Error::Transition { from, event: EntitlementEvent::Confirm });
        }
        order.confirm(tx, &services, &moment).await?;
        sqlx::query(
            "/* payment.match */ UPDATE payment SET state = 'settled', order_id = $1, settled_by = $2 WHERE event = $3 AND state = 'exception'",
        )
        .bind(id.as_str())
        .bind(person)
        .bind(event)
        .execute(&mut *tx)
        .await?;
        Ok(())
    })
}
