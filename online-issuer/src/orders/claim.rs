//! A buyer claims a card for an order: who knows the code under its cover has the card in hand.

use super::tries::Subjects;
use super::{EntitlementState, OrderError};
use crate::error::Error;
use crate::id::OrderId;
use crate::sales;
use crate::stock::{CODE_FIELD, StockEvent, StockState, hold};
use crate::vault::BlindIndex;
use fuda_card::id::Kdd;
use fuda_issuance::ActivationCode;
use fuda_store::{Conn, Store, clock};
use jiff::Timestamp;

/// Name of the index of clients, whose addresses are personal data.
const CLIENT_FIELD: &str = "claim-client";
/// Characters of a printed number that a member compares with the card.
const SHOWN_CHARS: usize = 4;

/// How the card is named.
#[derive(Debug)]
pub enum ClaimBy {
    /// By its activation code.
    Code(ActivationCode),
    /// By its serial, which anybody can read: for development alone.
    Serial(String),
}

/// Who claims, as far as the member page knows it.
#[derive(Debug, Clone, Default)]
pub struct Claimant {
    /// The number printed on the package, when it was asked for.
    pub printed: Option<String>,
    /// The buyer's address.
    pub client: Option<String>,
}

/// Whether a card is claimed before its till has told that it was sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaleRule {
    /// It may be: the code lies under cover, and the till's notice may be on its way.
    NotRequired,
    /// It may not: a card that was stolen from a shop is worth nothing.
    Required,
}

/// A card that was claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The last characters of its printed number: the member compares them with the card before anything is written.
    pub last_four: String,
}

/// Claims a card. A wrong code is counted even though the claim fails. The same claim again is the same claim.
///
/// # Errors
/// [`Error::Order`] for whatever is in the way.
pub fn claim(
    store: &Store,
    index: &BlindIndex,
    order: &OrderId,
    (by, claimant): (ClaimBy, Claimant),
    rule: SaleRule,
) -> Result<Claim, Error> {
    let sought = match by {
        ClaimBy::Code(code) => Sought::Code(index.candidates(CODE_FIELD, &code.expose())?),
        ClaimBy::Serial(serial) => Sought::Serial(serial),
    };
    let client = claimant.client.as_deref().map(|client| index.blind(CLIENT_FIELD, client)).transpose()?;
    let subjects = Subjects::new(order.as_str(), claimant.printed.as_deref(), client.as_deref());
    let (order, printed, now) = (order.clone(), claimant.printed, store.clock().now());
    let claimed = store.run_tx_blocking("order.claim", async move |tx| {
        subjects.check(tx, now).await?;
        let wanted = Wanted::load(tx, &order).await?;
        let found = cards(tx, &sought, printed.as_deref()).await?;
        let card = match found.as_slice() {
            [] => {
                // The count must stay, so this is no error of the transaction.
                subjects.wrong(tx, now).await?;
                return Ok(None);
            }
            [card] => card,
            _ => return Err(OrderError::PrintedNeeded.into()),
        };
        take(tx, &wanted, card, rule, now).await?;
        Ok::<_, Error>(Some(Claim { last_four: last_four(&card.printed) }))
    })?;
    claimed.ok_or_else(|| OrderError::WrongCode.into())
}

/// The last characters of a printed number.
pub(super) fn last_four(printed: &str) -> String {
    let from = printed.chars().count().saturating_sub(SHOWN_CHARS);
    printed.chars().skip(from).collect()
}

#[derive(Debug, Clone)]
enum Sought {
    Code(Vec<String>),
    Serial(String),
}

/// The order that wants a card.
struct Wanted {
    order: String,
    application: String,
    card: Option<String>,
}

impl Wanted {
    async fn load(tx: &mut Conn, order: &OrderId) -> Result<Self, Error> {
        let row: Option<(String, Option<String>, String)> = sqlx::query_as(
            "/* claim.order */ SELECT o.application, o.card, e.state FROM service_order o JOIN entitlement e ON e.order_id = o.id \
             WHERE o.id = $1",
        )
        .bind(order.as_str())
        .fetch_optional(&mut *tx)
        .await?;
        let (application, card, state) = row.ok_or(OrderError::NotFound)?;
        match state.parse()? {
            over @ (EntitlementState::Reversed | EntitlementState::Expired) => {
                Err(OrderError::Begun { state: over.as_str() }.into())
            }
            _ => Ok(Self { order: order.to_string(), application, card }),
        }
    }
}

/// A card that fits.
#[derive(sqlx::FromRow)]
struct Found {
    kdd: String,
    printed: String,
    state: String,
}

async fn cards(tx: &mut Conn, sought: &Sought, printed: Option<&str>) -> Result<Vec<Found>, Error> {
    let (column, values) = match sought {
        Sought::Code(candidates) => ("code_index", candidates.as_slice()),
        Sought::Serial(serial) => ("serial", std::slice::from_ref(serial)),
    };
    let mut found = Vec::new();
    for value in values {
        let text = format!(
            "/* claim.cards */ SELECT c.kdd, c.printed, c.state FROM stock_card c \
             JOIN stock_delivery d ON d.order_id = c.delivery_order AND d.number = c.delivery_number \
             WHERE d.state = 'complete' AND c.{column} = $1 AND ($2 = '' OR c.printed = $2) ORDER BY c.kdd LIMIT 2"
        );
        let query = sqlx::query_as(sqlx::AssertSqlSafe(text)).bind(value.as_str()).bind(printed.unwrap_or_default());
        found.extend(query.fetch_all(&mut *tx).await?);
    }
    Ok(found)
}

/// Binds the card's application to the order.
async fn take(tx: &mut Conn, wanted: &Wanted, card: &Found, rule: SaleRule, now: Timestamp) -> Result<(), Error> {
    let application: Option<(String, String, Option<String>)> = sqlx::query_as(
        "/* claim.application */ SELECT df, state, claimed_by FROM card_application WHERE card = $1 AND application = $2",
    )
    .bind(card.kdd.as_str())
    .bind(wanted.application.as_str())
    .fetch_optional(&mut *tx)
    .await?;
    let Some((df, state, claimed_by)) = application else {
        return Err(OrderError::NoApplication { application: wanted.application.clone() }.into());
    };
    if wanted.card.as_ref().is_some_and(|claimed| *claimed != card.kdd) {
        return Err(OrderError::OtherCard.into());
    }
    if claimed_by.as_deref() == Some(wanted.order.as_str()) {
        return Ok(());
    }
    if claimed_by.is_some() || state != "blank" {
        return Err(OrderError::Taken.into());
    }
    let from: StockState = card.state.parse()?;
    let to = from.after(StockEvent::Claim).ok_or(OrderError::NotForUse { state: from.as_str() })?;
    let kdd: Kdd = card.kdd.parse().map_err(|_| Error::StoreContent { what: "a card's chip".to_owned() })?;
    if let Some(hold) = hold::on_card(tx, kdd).await? {
        return Err(OrderError::Held { hold }.into());
    }
    if rule == SaleRule::Required && !sales::is_sold(tx, &card.kdd).await? {
        return Err(OrderError::NotSold.into());
    }
    bind(tx, wanted, &card.kdd, &df, &clock::stored(now)).await?;
    sqlx::query("/* claim.take */ UPDATE stock_card SET state = $1, changed_at = $2 WHERE kdd = $3")
        .bind(to.as_str())
        .bind(clock::stored(now))
        .bind(card.kdd.as_str())
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Writes the claim on both of its ends.
async fn bind(tx: &mut Conn, wanted: &Wanted, card: &str, df: &str, now: &str) -> Result<(), Error> {
    let taken = sqlx::query(
        "/* claim.bind */ UPDATE card_application SET claimed_by = $1, changed_at = $2 WHERE card = $3 AND df = $4 AND claimed_by IS NULL",
    )
    .bind(wanted.order.as_str())
    .bind(now)
    .bind(card)
    .bind(df)
    .execute(&mut *tx)
    .await?;
    let ordered =
        sqlx::query("/* claim.bind */ UPDATE service_order SET card = $1, df = $2 WHERE id = $3 AND card IS NULL")
            .bind(card)
            .bind(df)
            .bind(wanted.order.as_str())
            .execute(&mut *tx)
            .await?;
    if taken.rows_affected() == 1 && ordered.rows_affected() == 1 { Ok(()) } else { Err(Error::Overtaken) }
}
