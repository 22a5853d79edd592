//! The order behind a session, as the engine needs it, and what must be true of it before a script leaves.

use super::job::Job;
use super::refusal::Refusal;
use super::shut;
use super::target::is_blocked;
use crate::error::Error;
use crate::orders::{ClaimedOrder, EntitlementState};
use crate::stock::hold;
use fuda_store::Conn;

/// What must be true before a script that writes leaves for a card: asked when the session is opened, and again in the transaction that
/// stores the script.
pub(crate) async fn pass_gates(tx: &mut Conn, order: &ClaimedOrder, job: Option<&Job>) -> Result<(), Error> {
    may_meet(tx, order).await?;
    let is_own = order.job.is_some() && order.job.as_deref() == job.map(|job| job.id.as_str());
    match order.entitlement_state {
        EntitlementState::Granted => {}
        EntitlementState::Reserved if is_own => {}
        EntitlementState::Pending => return Err(Refusal::OrderUnpaid.into()),
        _ => return Err(Refusal::OrderClosed.into()),
    }
    if Job::another_confirmed(tx, order.card, &order.df, job).await? {
        return Err(Refusal::ApplicationInUse.into());
    }
    Ok(())
}

/// What must be true before any script leaves for a card, but the one that shuts its application.
pub(crate) async fn may_meet(tx: &mut Conn, order: &ClaimedOrder) -> Result<(), Error> {
    if shut::of(tx, order.card, &order.df).await?.is_some() {
        return Err(Refusal::CardBlocked.into());
    }
    if is_blocked(tx, order.card).await? {
        return Err(Refusal::CardBlocked.into());
    }
    if hold::on_card(tx, order.card).await?.is_some() {
        return Err(Refusal::CardOnHold.into());
    }
    Ok(())
}
