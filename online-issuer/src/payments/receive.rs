//! Stores what was told. Once it is stored it may be acknowledged; the same event again changes nothing.

use super::{PaymentError, PaymentEvent};
use crate::error::Error;
use fuda_store::{Store, clock};
use sha2::{Digest, Sha256};

/// What became of an event that was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// It is new.
    New,
    /// It was told before.
    Known,
}

/// Stores an event; durable when this returns.
///
/// # Errors
/// [`PaymentError::OtherContent`] when the event's name was used for something else.
pub fn receive(store: &Store, event: &PaymentEvent) -> Result<Receipt, Error> {
    let (event, sha256, now) = (event.clone(), sha256(event), clock::stored(store.clock().now()));
    store.run_tx_blocking("payment.receive", async move |tx| {
        let inserted = sqlx::query(
            "/* payment.receive */ INSERT INTO payment (event, source, kind, reference, amount, currency, sha256, state, told_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'received', $8) ON CONFLICT (event) DO NOTHING",
        )
        .bind(event.key())
        .bind(event.source.as_str())
        .bind(event.kind.as_str())
        .bind(event.reference.as_str())
        .bind(event.amount)
        .bind(event.currency.as_str())
        .bind(sha256.as_str())
        .bind(now)
        .execute(&mut *tx)
        .await?;
        if inserted.rows_affected() == 1 {
            return Ok(Receipt::New);
        }
        let known: String = sqlx::query_scalar("/* payment.known */ SELECT sha256 FROM payment WHERE event = $1")
            .bind(event.key())
            .fetch_one(&mut *tx)
            .await?;
        if known == sha256 { Ok(Receipt::Known) } else { Err(PaymentError::OtherContent { event: event.id }.into()) }
    })
}

/// Of what an event says, each part with its length before it: a provider may repeat it in another spelling.
fn sha256(event: &PaymentEvent) -> String {
    let amount = event.amount.to_string();
    let mut hash = Sha256::new();
    for part in [event.kind.as_str(), &event.reference, &amount, &event.currency] {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}
