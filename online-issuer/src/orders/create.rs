//! A new order.

use super::{EntitlementState, OrderError};
use crate::error::Error;
use crate::id::{MemberId, OrderId, OrderToken, timed};
use crate::members::{MemberError, Service};
use fuda_store::{Conn, Store, clock};

/// An order that was made, and its token, which is told this once.
#[derive(Debug)]
pub struct Created {
    /// Its number, which the payer gives as reference.
    pub order: OrderId,
    /// What the member's terminal shows.
    pub token: OrderToken,
}

/// Makes an order. The same `request_key` again is the same order under a new token: the answer that had the old one may have been lost.
///
/// # Errors
/// [`MemberError::NotFound`], [`MemberError::Erased`], [`OrderError::OtherRequest`], [`OrderError::Begun`].
pub fn create(
    store: &Store,
    member: &MemberId,
    service: &Service,
    request_key: Option<String>,
) -> Result<Created, Error> {
    let now = store.clock().now();
    let (order, token, entitlement) = (OrderId::random()?, OrderToken::random()?, hex::encode_upper(timed(now)?));
    let (sha256, member, service) = (token.sha256(), member.clone(), service.clone());
    let now = clock::stored(now);
    let order = store.run_tx_blocking("order.create", async move |tx| {
        let erased: Option<(Option<String>,)> =
            sqlx::query_as("/* order.create */ SELECT erased_at FROM member WHERE id = $1")
                .bind(member.as_str())
                .fetch_optional(&mut *tx)
                .await?;
        match erased {
            None => return Err(MemberError::NotFound { member: member.to_string() }.into()),
            Some((Some(_),)) => return Err(MemberError::Erased { member: member.to_string() }.into()),
            Some((None,)) => {}
        }
        if let Some(key) = &request_key
            && let Some(known) = known(tx, key, &member, &service, &sha256).await?
        {
            return Ok(known);
        }
        sqlx::query(
            "/* order.create */ INSERT INTO service_order \
             (id, member, service, application, fee, currency, token_sha256, request_key, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(order.as_str())
        .bind(member.as_str())
        .bind(service.name.as_str())
        .bind(service.application.as_str())
        .bind(service.fee)
        .bind(service.currency.as_str())
        .bind(sha256)
        .bind(request_key)
        .bind(now.as_str())
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "/* order.create */ INSERT INTO entitlement (id, order_id, member, state, changed_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(entitlement)
        .bind(order.as_str())
        .bind(member.as_str())
        .bind(EntitlementState::Pending.as_str())
        .bind(now.as_str())
        .execute(&mut *tx)
        .await?;
        Ok::<_, Error>(order)
    })?;
    Ok(Created { order, token })
}

/// The order of a request key, with its token replaced.
async fn known(
    tx: &mut Conn,
    key: &str,
    member: &MemberId,
    service: &Service,
    sha256: &str,
) -> Result<Option<OrderId>, Error> {
    let row: Option<(String, String, String, String)> = sqlx::query_as(
        "/* order.known */ SELECT o.id, o.member, o.service, e.state FROM service_order o JOIN entitlement e ON e.order_id = o.id \
         WHERE o.request_key = $1",
    )
    .bind(key)
    .fetch_optional(&mut *tx)
    .await?;
    let Some((id, of, what, state)) = row else { return Ok(None) };
    if of != member.as_str() || what != service.name {
        return Err(OrderError::OtherRequest.into());
    }
    let state: EntitlementState = state.parse()?;
    if !matches!(state, EntitlementState::Pending | EntitlementState::Granted) {
        return Err(OrderError::Begun { state: state.as_str() }.into());
    }
    sqlx::query("/* order.known */ UPDATE service_order SET token_sha256 = $1 WHERE id = $2")
        .bind(sha256)
        .bind(id.as_str())
        .execute(&mut *tx)
        .await?;
    id.parse().map(Some).map_err(|_| Error::StoreContent { what: "an order number".to_owned() })
}
