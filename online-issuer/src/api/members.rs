//! `/v1/members`.

use super::answer::{Problem, respond};
use super::{Api, json};
use crate::error::Error;
use crate::id::MemberId;
use crate::members::{MemberError, MemberFields, Registered};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json as object;
use std::collections::BTreeMap;

/// A member who joins.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Join {
    #[serde(default = "english")]
    locale: String,
    fields: BTreeMap<String, String>,
}

fn english() -> String {
    "en".to_owned()
}

/// `POST /v1/members` `{"locale", "fields": {…}}`.
pub(super) async fn join(State(api): State<Api>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    api.admit(&headers)?;
    let Join { locale, fields } = json(body).await?;
    let member = api.work(move |inner| inner.members.join(&locale, &MemberFields::new(fields)?)).await?;
    Ok(respond(StatusCode::CREATED, &object!({ "member": member.as_str() })))
}

/// A value to look for: in the body, because a URL is logged everywhere.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Find {
    field: String,
    value: String,
}

/// `POST /v1/members/find` `{"field", "value"}`.
pub(super) async fn find(State(api): State<Api>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    api.admit(&headers)?;
    let Find { field, value } = json(body).await?;
    let members = api.work(move |inner| inner.members.find(&field, &value)).await?;
    Ok(respond(StatusCode::OK, &object!({ "members": members })))
}

/// `GET /v1/members/{member}`: who, since when, and their orders.
pub(super) async fn show(
    State(api): State<Api>,
    headers: HeaderMap,
    Path(member): Path<String>,
) -> Result<Response, Problem> {
    about(&api, &headers, &member, Registered::show).await
}

/// What a member says of themselves from now on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    fields: BTreeMap<String, String>,
}

/// `PUT /v1/members/{member}` `{"fields": {…}}`: all fields anew.
pub(super) async fn change(
    State(api): State<Api>,
    headers: HeaderMap,
    Path(member): Path<String>,
    body: Body,
) -> Result<Response, Problem> {
    api.admit(&headers)?;
    let member = id(&member)?;
    let Change { fields } = json(body).await?;
    let changed = member.clone();
    api.work(move |inner| inner.members.change(&member, &MemberFields::new(fields)?)).await?;
    Ok(respond(StatusCode::OK, &object!({ "changed": changed.as_str() })))
}

/// `GET /v1/members/{member}/export`: everything that is known, for the member.
pub(super) async fn export(
    State(api): State<Api>,
    headers: HeaderMap,
    Path(member): Path<String>,
) -> Result<Response, Problem> {
    about(&api, &headers, &member, Registered::export).await
}

/// Something about a member, and nothing changed.
async fn about<T: Serialize + Send + 'static>(
    api: &Api,
    headers: &HeaderMap,
    member: &str,
    look: fn(&Registered, &MemberId) -> Result<T, Error>,
) -> Result<Response, Problem> {
    api.admit(headers)?;
    let member = id(member)?;
    let found = api.work(move |inner| look(&inner.members, &member)).await?;
    Ok(respond(StatusCode::OK, &found))
}

/// `DELETE /v1/members/{member}`: erases a member.
pub(super) async fn erase(
    State(api): State<Api>,
    headers: HeaderMap,
    Path(member): Path<String>,
) -> Result<Response, Problem> {
    api.admit(&headers)?;
    let member = id(&member)?;
    let erased = member.clone();
    api.work(move |inner| inner.members.erase(&member)).await?;
    Ok(respond(StatusCode::OK, &object!({ "erased": erased.as_str() })))
}

/// A member's name out of a URL; what is none is not repeated.
fn id(text: &str) -> Result<MemberId, Problem> {
    text.parse().map_err(|_| Error::from(MemberError::NotFound { member: "of this name".to_owned() }).into())
}
