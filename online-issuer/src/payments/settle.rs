//! The worker: takes events that are stored and brings them to their orders, each in one transaction.

use super::PaymentKind;
use crate::error::Error;
use crate::id::OrderId;
use crate::members::{MemberError, Service, Services, assign_number};
use crate::orders::{EntitlementEvent, EntitlementState, free_card, happen};
use fuda_store::{Conn, Store, clock};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Events that are looked at in one round; what is left is the next round's.
const EVENTS_PER_ROUND: i64 = 200;

/// What a round of the worker did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settled {
    /// Events that reached their orders.
    pub settled: u64,
    /// Events that fit nowhere.
    pub exceptions: u64,
    /// Charge-backs of orders that are in work: the card has to say first how far it is.
    pub waiting: u64,
}

/// What becomes of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Settled(String),
    Exception(String),
    Wait,
}

/// Settles what is stored, oldest first.
///
/// # Errors
/// [`Error::Store`]; what was settled before stays.
pub fn settle_all(store: &Store, services: &Services) -> Result<Settled, Error> {
    let events: Vec<String> = store.read_blocking("payment.received", async |tx| {
        Ok::<_, Error>(
            sqlx::query_scalar(
                "/* payment.received */ SELECT event FROM payment WHERE state = 'received' ORDER BY told_at, event LIMIT $1",
            )
            .bind(EVENTS_PER_ROUND)
            .fetch_all(&mut *tx)
            .await?,
        )
    })?;
    let mut sum = Settled::default();
    for event in events {
        match settle_event(store, services, event)? {
            Outcome::Settled(_) => sum.settled += 1,
            Outcome::Exception(_) => sum.exceptions += 1,
            Outcome::Wait => sum.waiting += 1,
        }
    }
    Ok(sum)
}

/// Settles one event by its name in the store, and tells why it fits nowhere.
///
/// # Errors
/// [`Error::Store`].
pub fn settle_one(store: &Store, services: &Services, event: String) -> Result<Option<String>, Error> {
    match settle_event(store, services, event)? {
        Outcome::Exception(reason) => Ok(Some(reason)),
        Outcome::Settled(_) | Outcome::Wait => Ok(None),
    }
}

fn settle_event(store: &Store, services: &Services, event: String) -> Result<Outcome, Error> {
    let (services, moment) = (services.clone(), Moment::of(store));
    store.run_tx_blocking("payment.settle", async move |tx| {
        let Some(payment) = Payment::load(tx, &event).await? else { return Ok(Outcome::Wait) };
        if payment.state == "exception" {
            return Ok(Outcome::Exception(payment.reason));
        }
        if payment.state != "received" {
            return Ok(Outcome::Settled(payment.reference));
        }
        let outcome = payment.outcome(tx, &services, &moment).await?;
        let (state, order, reason) = match &outcome {
            Outcome::Settled(order) => ("settled", Some(order.as_str()), ""),
            Outcome::Exception(reason) => ("exception", None, reason.as_str()),
            Outcome::Wait => return Ok(outcome),
        };
        let moved = sqlx::query(
            "/* payment.settle */ UPDATE payment SET state = $1, order_id = $2, reason = $3 WHERE event = $4 AND state = 'received'",
        )
        .bind(state)
        .bind(order)
        .bind(reason)
        .bind(event.as_str())
        .execute(&mut *tx)
        .await?;
        if moved.rows_affected() == 1 { Ok(outcome) } else { Err(Error::Overtaken) }
    })
}

/// When something is settled, and what day that is here.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    now: Timestamp,
    zone: TimeZone,
}

impl Moment {
    pub(super) fn of(store: &Store) -> Self {
        Self { now: store.clock().now(), zone: store.clock().zone() }
    }

    pub(super) fn stored(&self) -> String {
        clock::stored(self.now)
    }
}

/// A payment as far as settling needs it.
#[derive(sqlx::FromRow)]
pub(super) struct Payment {
    pub(super) kind: String,
    pub(super) reference: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) state: String,
    reason: String,
}

impl Payment {
    pub(super) async fn load(tx: &mut Conn, event: &str) -> Result<Option<Self>, Error> {
        let query = sqlx::query_as(
            "/* payment.load */ SELECT kind, reference, amount, currency, state, reason FROM payment WHERE event = $1",
        );
        Ok(query.bind(event).fetch_optional(&mut *tx).await?)
    }

    async fn outcome(&self, tx: &mut Conn, services: &Services, moment: &Moment) -> Result<Outcome, Error> {
        let exception = |reason: String| Ok(Outcome::Exception(reason));
        let Ok(id) = self.reference.parse::<OrderId>() else {
            return exception("no order has this reference".to_owned());
        };
        let Some(order) = Order::load(tx, &id).await? else {
            return exception("no order has this reference".to_owned());
        };
        if self.amount != order.fee || self.currency != order.currency {
            return exception(format!(
                "{} {} is not the fee of {} {}",
                self.amount, self.currency, order.fee, order.currency
            ));
        }
        let state: EntitlementState = order.state.parse()?;
        let kind = PaymentKind::from_word(&self.kind);
        let event = match kind {
            Some(PaymentKind::Paid) => EntitlementEvent::Confirm,
            Some(PaymentKind::Refunded) => EntitlementEvent::Refund,
            Some(PaymentKind::ChargedBack) => EntitlementEvent::ChargeBack,
            None => return Err(Error::StoreContent { what: "the kind of a payment".to_owned() }),
        };
        if kind == Some(PaymentKind::ChargedBack) && state == EntitlementState::Reserved {
            return Ok(Outcome::Wait);
        }
        if state.after(event).is_none() {
            return exception(format!("an order whose entitlement is {state} cannot `{event}`"));
        }
        match event {
            EntitlementEvent::Confirm => match order.confirm(tx, services, moment).await {
                Err(Error::Member(error)) => return exception(error.to_string()),
                done => done?,
            },
            _ => order.reverse(tx, event, state, moment).await?,
        }
        Ok(Outcome::Settled(order.id))
    }
}

/// An order as far as money needs it.
#[derive(sqlx::FromRow)]
pub(super) struct Order {
    id: String,
    service: String,
    pub(super) fee: i64,
    pub(super) currency: String,
    entitlement: String,
    pub(super) state: String,
    card: Option<String>,
    df: Option<String>,
    erased_at: Option<String>,
}

impl Order {
    pub(super) async fn load(tx: &mut Conn, id: &OrderId) -> Result<Option<Self>, Error> {
        let query = sqlx::query_as(
            "/* payment.order */ SELECT o.id, o.service, o.fee, o.currency, e.id AS entitlement, e.state, o.card, o.df, m.erased_at \
             FROM service_order o JOIN entitlement e ON e.order_id = o.id JOIN member m ON m.id = o.member WHERE o.id = $1",
        );
        Ok(query.bind(id.as_str()).fetch_optional(&mut *tx).await?)
    }

    /// The fee is there: the entitlement is granted, and the member number and last day are assigned.
    pub(super) async fn confirm(&self, tx: &mut Conn, services: &Services, moment: &Moment) -> Result<(), Error> {
        if self.erased_at.is_some() {
            return Err(MemberError::Erased { member: "of the order".to_owned() }.into());
        }
        let service: &Service = services.named(&self.service)?;
        let today = moment.now.to_zoned_datetime(moment.zone.clone()).date();
        let expiry = service.expiry(today).map(|expiry| expiry.to_string());
        let number = assign_number(tx, service).await?;
        happen(tx, &self.entitlement, EntitlementEvent::Confirm, None, &moment.stored()).await?;
        sqlx::query("/* payment.confirm */ UPDATE service_order SET number = $1, expiry = $2 WHERE id = $3")
            .bind(number)
            .bind(expiry)
            .bind(self.id.as_str())
            .execute(&mut *tx)
            .await?;
        Ok(())
    }

    /// The money went back. A card that was not written is free for another order; one that was is to be blocked for the service.
    async fn reverse(
        &self,
        tx: &mut Conn,
        event: EntitlementEvent,
        from: EntitlementState,
        moment: &Moment,
    ) -> Result<(), Error> {
        let now = moment.stored();
        happen(tx, &self.entitlement, event, None, &now).await?;
        if from != EntitlementState::Consumed {
            return free_card(tx, &self.id, &now).await;
        }
        let (Some(card), Some(df)) = (&self.card, &self.df) else { return Ok(()) };
        sqlx::query("/* payment.suspend */ UPDATE card_application SET state = 'suspended', changed_at = $1 WHERE card = $2 AND df = $3")
            .bind(now.as_str())
            .bind(card.as_str())
            .bind(df.as_str())
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "/* payment.block */ INSERT INTO card_block (card, df, order_id, reason, state, begun_at) VALUES ($1, $2, $3, 'charge-back', 'open', $4) \
             ON CONFLICT DO NOTHING",
        )
        .bind(card.as_str())
        .bind(df.as_str())
        .bind(self.id.as_str())
        .bind(now.as_str())
        .execute(&mut *tx)
        .await?;
        Ok(())
    }
}
