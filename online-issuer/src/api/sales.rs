//! `/v1/sales`: what a retailer's server tells. A 2xx answer means that it is durable here, whatever becomes of it: the till stops telling it then.

use super::answer::{Problem, respond};
use super::{Api, json};
use crate::error::Error;
use crate::sales::{self, Sale, SaleId};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use schemars::JsonSchema;
use serde::Deserialize;

/// Who took a sale back, of one that a till did.
const TILL: &str = "till";

/// A card that went over the counter.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sold {
    retailer: String,
    shop: String,
    receipt: String,
    line: i64,
    /// Number on card or package.
    printed: String,
    /// RFC 3339 with an offset.
    sold_at: String,
}

/// A sale that is taken back.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TakenBack {
    retailer: String,
    shop: String,
    receipt: String,
    line: i64,
}

/// `POST /v1/sales` `{"retailer", "shop", "receipt", "line", "printed", "sold_at"}`.
pub(super) async fn sell(State(api): State<Api>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    api.admit_till(&headers)?;
    let Sold { retailer, shop, receipt, line, printed, sold_at } = json(body).await?;
    let id = SaleId::new(&retailer, &shop, &receipt, line).map_err(Error::from)?;
    let sale = Sale::new(id, &printed, &sold_at).map_err(Error::from)?;
    let heard = api.work(move |inner| sales::sell(&inner.store, &sale)).await?;
    Ok(respond(StatusCode::OK, &heard))
}

/// `POST /v1/sales/reverse` `{"retailer", "shop", "receipt", "line"}`.
pub(super) async fn reverse(State(api): State<Api>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    api.admit_till(&headers)?;
    let TakenBack { retailer, shop, receipt, line } = json(body).await?;
    let id = SaleId::new(&retailer, &shop, &receipt, line).map_err(Error::from)?;
    let heard = api.work(move |inner| sales::reverse(&inner.store, &id, TILL)).await?;
    Ok(respond(StatusCode::OK, &heard))
}
