//! `POST /v1/payments/webhook`: stored, then acknowledged; settled by the worker.

use super::answer::{Problem, respond};
use super::{Api, bytes};
use crate::error::Error;
use crate::payments::{PaymentEvent, Receipt, SIGNATURE_HEADER, receive};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::json as object;

/// The webhook. A 2xx answer means that the event is durable here, whatever becomes of it.
pub(super) async fn webhook(State(api): State<Api>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    let body = bytes(body).await?;
    let signature = headers.get(SIGNATURE_HEADER).and_then(|value| value.to_str().ok());
    let now = api.inner.store.clock().now();
    api.inner.secrets.check(signature, &body, now).map_err(Error::from)?;
    let event = PaymentEvent::from_body(&body).map_err(Error::from)?;
    let receipt = api.work(move |inner| receive(&inner.store, &event)).await?;
    if receipt == Receipt::New {
        api.inner.fulfilment.wake();
    }
    let known = receipt == Receipt::Known;
    Ok(respond(StatusCode::OK, &object!({ "stored": true, "known": known })))
}
