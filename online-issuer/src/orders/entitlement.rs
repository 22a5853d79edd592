//! Events of an entitlement, in the caller's transaction. The same event by the same job again changes nothing.

use super::{EntitlementEvent, EntitlementState, OrderError};
use crate::error::Error;
use fuda_store::Conn;

/// A job takes a granted entitlement.
///
/// # Errors
/// [`Error::Transition`] when it is not granted, [`Error::Overtaken`].
pub async fn reserve(tx: &mut Conn, entitlement: &str, job: &str, now: &str) -> Result<(), Error> {
    happen(tx, entitlement, EntitlementEvent::Reserve, Some(job), now).await
}

/// The card proved that it carries what was paid for: the entitlement is used up, and the application on the card is active.
///
/// # Errors
/// [`Error::Transition`] when the job does not have it, [`Error::Overtaken`].
pub async fn consume(tx: &mut Conn, entitlement: &str, job: &str, now: &str) -> Result<(), Error> {
    happen(tx, entitlement, EntitlementEvent::Consume, Some(job), now).await?;
    sqlx::query(
        "/* entitlement.consume */ UPDATE card_application SET state = 'active', changed_at = $1 WHERE state = 'blank' AND claimed_by = \
         (SELECT order_id FROM entitlement WHERE id = $2)",
    )
    .bind(now)
    .bind(entitlement)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// The card proved that the job is not written: the entitlement is free again.
///
/// # Errors
/// [`Error::Transition`] when the job does not have it, [`Error::Overtaken`].
pub async fn release(tx: &mut Conn, entitlement: &str, job: &str, now: &str) -> Result<(), Error> {
    happen(tx, entitlement, EntitlementEvent::Release, Some(job), now).await
}

/// A job ends that may have the entitlement, and nothing of which is on a card: what it had is free again.
pub(crate) async fn let_go(tx: &mut Conn, entitlement: &str, job: &str, now: &str) -> Result<(), Error> {
    let held: i64 = sqlx::query_scalar(
        "/* entitlement.let_go */ SELECT COUNT(*) FROM entitlement WHERE id = $1 AND state = 'reserved' AND job = $2",
    )
    .bind(entitlement)
    .bind(job)
    .fetch_one(&mut *tx)
    .await?;
    if held == 0 { Ok(()) } else { release(tx, entitlement, job, now).await }
}

/// Lets an event happen by the table. Events of a job need the job that has the entitlement.
pub(crate) async fn happen(
    tx: &mut Conn,
    entitlement: &str,
    event: EntitlementEvent,
    job: Option<&str>,
    now: &str,
) -> Result<(), Error> {
    let row: Option<(String, Option<String>)> =
        sqlx::query_as("/* entitlement.happen */ SELECT state, job FROM entitlement WHERE id = $1")
            .bind(entitlement)
            .fetch_optional(&mut *tx)
            .await?;
    let (state, holder) = row.ok_or(OrderError::NotFound)?;
    let from: EntitlementState = state.parse()?;
    let is_own = holder.as_deref() == job;
    if is_own && job.is_some() && is_done(from, event) {
        return Ok(());
    }
    let needs_holder = matches!(event, EntitlementEvent::Consume | EntitlementEvent::Release);
    let to = from.after(event).filter(|_| is_own || !needs_holder).ok_or(Error::Transition { from, event })?;
    let keeps = match event {
        EntitlementEvent::Release => None,
        EntitlementEvent::ChargeBack => holder.as_deref(),
        _ => job,
    };
    let moved = sqlx::query(
        "/* entitlement.happen */ UPDATE entitlement SET state = $1, job = $2, changed_at = $3 WHERE id = $4 AND state = $5",
    )
    .bind(to.as_str())
    .bind(keeps)
    .bind(now)
    .bind(entitlement)
    .bind(from.as_str())
    .execute(&mut *tx)
    .await?;
    if moved.rows_affected() == 1 { Ok(()) } else { Err(Error::Overtaken) }
}

/// Whether a job's event has brought its entitlement here already.
const fn is_done(state: EntitlementState, event: EntitlementEvent) -> bool {
    matches!(
        (state, event),
        (EntitlementState::Reserved, EntitlementEvent::Reserve)
            | (EntitlementState::Consumed, EntitlementEvent::Consume)
    )
}
