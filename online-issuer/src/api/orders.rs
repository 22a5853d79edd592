//! `/v1/orders`.

use super::answer::{Problem, respond};
use super::{Api, json};
use crate::error::Error;
use crate::id::OrderId;
use crate::members::MemberError;
use crate::orders::{self, ClaimBy, Claimant, OrderError};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use fuda_issuance::ActivationCode;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json as object;
use zeroize::Zeroizing;

/// Longest request key, printed number, serial and address of a client, in characters.
const TEXT_CHARS_MAX: usize = 64;

/// An order.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    member: String,
    service: String,
    /// Chosen by the member page's server, so that it can repeat a request whose answer it lost.
    #[serde(default)]
    request_key: Option<String>,
}

/// `POST /v1/orders` `{"member", "service", "request_key"?}`: the one answer that tells the token.
pub(super) async fn create(State(api): State<Api>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    api.admit(&headers)?;
    let Create { member, service, request_key } = json(body).await?;
    limit([request_key.as_deref()])?;
    let (created, fee, currency) = api
        .work(move |inner| {
            let unknown = |_| MemberError::NotFound { member: "of this name".to_owned() };
            let service = inner.services.named(&service)?;
            let member = member.parse().map_err(unknown)?;
            let created = orders::create(&inner.store, &member, service, request_key)?;
            Ok((created, service.fee, service.currency.clone()))
        })
        .await?;
    let token = created.token.expose();
    let body = object!({ "order": created.order.as_str(), "token": token.as_str(), "fee": fee, "currency": currency });
    Ok(respond(StatusCode::CREATED, &body))
}

/// `GET /v1/orders/{order}`.
pub(super) async fn show(
    State(api): State<Api>,
    headers: HeaderMap,
    Path(order): Path<String>,
) -> Result<Response, Problem> {
    api.admit(&headers)?;
    let order = id(&order)?;
    let order = api.work(move |inner| orders::show(&inner.store, &order)).await?;
    Ok(respond(StatusCode::OK, &order))
}

/// A claim: by the code under the cover, or for development by the serial.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClaimBody {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    serial: Option<String>,
    #[serde(default)]
    printed: Option<String>,
    /// The buyer's address, as the member page's server sees it.
    #[serde(default)]
    client: Option<String>,
}

/// `POST /v1/orders/{order}/claim` `{"code", "printed"?, "client"?}`.
pub(super) async fn claim(
    State(api): State<Api>,
    headers: HeaderMap,
    Path(order): Path<String>,
    body: Body,
) -> Result<Response, Problem> {
    api.admit(&headers)?;
    let order = id(&order)?;
    let ClaimBody { code, serial, printed, client } = json(body).await?;
    limit([serial.as_deref(), printed.as_deref(), client.as_deref()])?;
    let code = code.map(Zeroizing::new);
    let by = match (code, serial) {
        (Some(code), None) => {
            ClaimBy::Code(code.parse::<ActivationCode>().map_err(OrderError::Code).map_err(Error::from)?)
        }
        (None, Some(serial)) if printed.is_some() => ClaimBy::Serial(serial),
        _ => return Err(Error::from(OrderError::CodeNeeded).into()),
    };
    let claimant = Claimant { printed, client };
    let claim = api
        .work(move |inner| {
            inner.takes(&by)?;
            orders::claim(&inner.store, &inner.index, &order, (by, claimant), inner.sale_rule)
        })
        .await?;
    Ok(respond(StatusCode::OK, &object!({ "card_last_four": claim.last_four })))
}

fn id(text: &str) -> Result<OrderId, Problem> {
    text.parse().map_err(|_| Error::from(OrderError::NotFound).into())
}

fn limit<'t>(texts: impl IntoIterator<Item = Option<&'t str>>) -> Result<(), Problem> {
    let fits = |text: &str| text.chars().count() <= TEXT_CHARS_MAX && !text.chars().any(char::is_control);
    if texts.into_iter().flatten().all(fits) { Ok(()) } else { Err(Problem::malformed(1, 1)) }
}
