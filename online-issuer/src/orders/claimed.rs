//! An order as the engine takes it: by its token, with the card that it claimed.

use super::{EntitlementState, OrderError};
use crate::error::Error;
use crate::id::MemberId;
use fuda_card::id::{DfName, Kdd};
use fuda_store::Conn;
use jiff::civil::Date;

/// An order that has a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedOrder {
    /// Its number.
    pub id: String,
    /// The member.
    pub member: MemberId,
    /// The chip.
    pub card: Kdd,
    /// The application's DF.
    pub df: DfName,
    /// Name of the product profile.
    pub profile: String,
    /// Its hash, lower-case hex.
    pub profile_sha256: String,
    /// The entitlement.
    pub entitlement: String,
    /// Its state.
    pub entitlement_state: EntitlementState,
    /// The job that has it.
    pub job: Option<String>,
    /// The member's number in the service, from the confirmation of the fee on.
    pub number: Option<String>,
    /// The last day of the membership, likewise.
    pub expiry: Option<Date>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    member: String,
    card: Option<String>,
    df: Option<String>,
    profile: Option<String>,
    profile_sha256: Option<String>,
    entitlement: String,
    state: String,
    job: Option<String>,
    number: Option<String>,
    expiry: Option<String>,
}

/// The order of a token, by the token's SHA-256 in lower-case hex.
///
/// # Errors
/// [`OrderError::NotFound`], [`OrderError::Unclaimed`].
pub async fn claimed(tx: &mut Conn, token_sha256: &str) -> Result<ClaimedOrder, Error> {
    let row: Option<Row> = sqlx::query_as(
        "/* order.claimed */ SELECT o.id, o.member, o.card, o.df, d.profile, d.profile_sha256, e.id AS entitlement, e.state, e.job, o.number, o.expiry \
         FROM service_order o JOIN entitlement e ON e.order_id = o.id LEFT JOIN stock_card c ON c.kdd = o.card \
         LEFT JOIN stock_delivery d ON d.order_id = c.delivery_order AND d.number = c.delivery_number WHERE o.token_sha256 = $1",
    )
    .bind(token_sha256)
    .fetch_optional(&mut *tx)
    .await?;
    let row = row.ok_or(OrderError::NotFound)?;
    let unreadable = || Error::StoreContent { what: format!("order {}", row.id) };
    let (Some(card), Some(df)) = (&row.card, &row.df) else { return Err(OrderError::Unclaimed.into()) };
    Ok(ClaimedOrder {
        id: row.id.clone(),
        member: row.member.parse().map_err(|_| unreadable())?,
        card: card.parse().map_err(|_| unreadable())?,
        df: df.parse().map_err(|_| unreadable())?,
        profile: row.profile.clone().ok_or_else(unreadable)?,
        profile_sha256: row.profile_sha256.clone().ok_or_else(unreadable)?,
        entitlement: row.entitlement.clone(),
        entitlement_state: row.state.parse()?,
        job: row.job.clone(),
        number: row.number.clone(),
        expiry: row.expiry.as_ref().map(|expiry| expiry.parse()).transpose().map_err(|_| unreadable())?,
    })
}
