//! An order as the member page shows it.

use super::OrderError;
use super::claim::last_four;
use crate::error::Error;
use crate::id::OrderId;
use fuda_store::Store;
use serde::Serialize;

/// An order without its token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OrderView {
    /// Its number.
    pub order: String,
    /// The member.
    pub member: String,
    /// What was ordered.
    pub service: String,
    /// The fee in the currency's smallest unit.
    pub fee: i64,
    /// ISO 4217.
    pub currency: String,
    /// State of the entitlement.
    pub state: String,
    /// Last four characters of the claimed card's printed number.
    pub card_last_four: Option<String>,
    /// Member number, once the fee is confirmed.
    pub number: Option<String>,
    /// Last day, once the fee is confirmed.
    pub expiry: Option<String>,
    /// When it was made.
    pub created_at: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    member: String,
    service: String,
    fee: i64,
    currency: String,
    state: String,
    printed: Option<String>,
    number: Option<String>,
    expiry: Option<String>,
    created_at: String,
}

/// Reads an order.
///
/// # Errors
/// [`OrderError::NotFound`].
pub fn show(store: &Store, order: &OrderId) -> Result<OrderView, Error> {
    let id = order.clone();
    let row: Option<Row> = store.read_blocking("order.show", async move |tx| {
        Ok::<_, Error>(
            sqlx::query_as(
                "/* order.show */ SELECT o.member, o.service, o.fee, o.currency, e.state, c.printed, o.number, o.expiry, o.created_at \
                 FROM service_order o JOIN entitlement e ON e.order_id = o.id LEFT JOIN stock_card c ON c.kdd = o.card WHERE o.id = $1",
            )
            .bind(id.as_str())
            .fetch_optional(&mut *tx)
            .await?,
        )
    })?;
    let Row { member, service, fee, currency, state, printed, number, expiry, created_at } =
        row.ok_or(OrderError::NotFound)?;
    let card_last_four = printed.as_deref().map(last_four);
    let order = order.to_string();
    Ok(OrderView { order, member, service, fee, currency, state, card_last_four, number, expiry, created_at })
}
