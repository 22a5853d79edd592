//! The published description of these routes: parts of the centre's OpenAPI 3.1 document, made from the types that are read.

use super::members::{Change, Find, Join};
use super::orders::{ClaimBody, Create};
use super::sales::{Sold, TakenBack};
use crate::payments::Body;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// Name of the security scheme of the member page's server.
const BEARER: &str = "member_page";
/// Name of that of a retailer's server.
const TILL: &str = "till";

/// Examples of bodies; the test of this file reads every one as the route does.
const JOIN: &str = r#"{"locale":"ja","fields":{"name_kana":"ﾔﾏﾀﾞ ﾊﾅｺ","email":"hanako@example.com"}}"#;
const CHANGE: &str = r#"{"fields":{"name_kana":"ﾔﾏﾀﾞ ﾊﾅｺ","email":"hanako@example.org"}}"#;
const FIND: &str = r#"{"field":"email","value":"hanako@example.com"}"#;
const CREATE: &str = r#"{"member":"5F0C6A1E9B7D2348","service":"ticket","request_key":"page-17"}"#;
const CLAIM: &str = r#"{"code":"SR6C8-N3KGY","printed":"88104000000013","client":"192.0.2.1"}"#;
const SOLD: &str = r#"{"retailer":"ueno","shop":"3","receipt":"R-17","line":1,"printed":"88104000000013","sold_at":"2026-04-17T09:30:00+09:00"}"#;
const TAKEN_BACK: &str = r#"{"retailer":"ueno","shop":"3","receipt":"R-17","line":1}"#;
const PAYMENT: &str = r#"{"id":"evt_1","type":"paid","order":"012345678903","amount":1000,"currency":"JPY"}"#;

/// What protects the routes, for `components.securitySchemes`.
pub(crate) fn security_schemes() -> Value {
    json!({
        BEARER: { "type": "http", "scheme": "bearer", "description": "A key of `issuer.api_keys`." },
        TILL: { "type": "http", "scheme": "bearer", "description": "A key of `issuer.till_keys`." },
    })
}

/// The paths of the routes.
pub(crate) fn paths(generator: &mut SchemaGenerator) -> Map<String, Value> {
    let of_member = json!({ "name": "member", "in": "path", "required": true, "schema": { "type": "string", "pattern": "^[0-9A-F]{16}$" } });
    let order = json!({ "name": "order", "in": "path", "required": true, "schema": { "type": "string", "pattern": "^[0-9]{12}$" } });
    let page = |mut operation: Value, parameters: &[&Value]| {
        member(&mut operation, "security", json!([{ BEARER: [] }]));
        member(&mut operation, "parameters", json!(parameters));
        operation
    };
    let till = |mut operation: Value| {
        member(&mut operation, "security", json!([{ TILL: [] }]));
        operation
    };
    let webhook_header = json!({
        "name": "Fuda-Signature", "in": "header", "required": true, "schema": { "type": "string" },
        "description": "`t=SECONDS,v1=HEX`: HMAC-SHA-256 over `SECONDS.` and the body, by a secret of `issuer.webhook_secrets`.",
    });
    let mut webhook = takes::<Body>(generator, "The payment provider tells of a payment", PAYMENT, "200");
    member(&mut webhook, "parameters", json!([webhook_header]));
    let join = takes::<Join>(generator, "A member joins", JOIN, "201");
    let change = takes::<Change>(generator, "A member's fields, all anew", CHANGE, "200");
    let find = takes::<Find>(generator, "Members by an indexed field", FIND, "200");
    let create = takes::<Create>(generator, "An order; the one answer that tells its token", CREATE, "201");
    let claim = takes::<ClaimBody>(generator, "A buyer claims a card", CLAIM, "200");
    let sold = takes::<Sold>(generator, "A till sold a card; told again until it is answered", SOLD, "200");
    let taken_back =
        takes::<TakenBack>(generator, "A till takes a sale back; told again until it is answered", TAKEN_BACK, "200");
    let paths = json!({
        "/v1/members": { "post": page(join, &[]) },
        "/v1/members/find": { "post": page(find, &[]) },
        "/v1/members/{member}": {
            "get": page(tells("A member and their orders, without personal data"), &[&of_member]),
            "put": page(change, &[&of_member]),
            "delete": page(tells("Erases a member"), &[&of_member]),
        },
        "/v1/members/{member}/export": { "get": page(tells("Everything that is known of a member"), &[&of_member]) },
        "/v1/orders": { "post": page(create, &[]) },
        "/v1/orders/{order}": { "get": page(tells("An order"), &[&order]) },
        "/v1/orders/{order}/claim": { "post": page(claim, &[&order]) },
        "/v1/sales": { "post": till(sold) },
        "/v1/sales/reverse": { "post": till(taken_back) },
        "/v1/payments/webhook": { "post": webhook },
    });
    match paths {
        Value::Object(paths) => paths,
        _ => Map::new(),
    }
}

/// An operation with a body.
fn takes<T: JsonSchema>(generator: &mut SchemaGenerator, summary: &str, example: &str, done: &str) -> Value {
    let example: Value = serde_json::from_str(example).unwrap_or_default();
    let content = json!({ "application/json": { "schema": generator.subschema_for::<T>(), "example": example } });
    let mut operation = operation(summary, done);
    member(&mut operation, "requestBody", json!({ "required": true, "content": content }));
    operation
}

/// Gives an operation another member.
fn member(operation: &mut Value, name: &str, value: Value) {
    if let Some(operation) = operation.as_object_mut() {
        operation.insert(name.to_owned(), value);
    }
}

/// An operation without one.
fn tells(summary: &str) -> Value {
    operation(summary, "200")
}

fn operation(summary: &str, done: &str) -> Value {
    let problem = json!({ "type": "object", "required": ["error"], "properties": { "error": {
        "type": "object", "required": ["code", "what"], "properties": { "code": { "type": "string" }, "what": { "type": "string" } },
    } } });
    let refused =
        json!({ "description": "Refused, by a stable code", "content": { "application/json": { "schema": problem } } });
    let answer =
        json!({ "description": "Done", "content": { "application/json": { "schema": { "type": "object" } } } });
    let statuses = ["400", "401", "403", "404", "408", "409", "410", "413", "422", "429", "500", "503"];
    let mut responses: Map<String, Value> =
        statuses.map(|status| (status.to_owned(), refused.clone())).into_iter().collect();
    responses.insert(done.to_owned(), answer);
    json!({ "summary": summary, "responses": responses })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_a_body_that_its_route_reads() {
        fn reads<T: serde::de::DeserializeOwned>(example: &str) {
            serde_json::from_str::<T>(example).map(drop).unwrap_or_else(|error| panic!("{example}: {error}"));
        }
        reads::<Join>(JOIN);
        reads::<Change>(CHANGE);
        reads::<Find>(FIND);
        reads::<Create>(CREATE);
        reads::<ClaimBody>(CLAIM);
        reads::<Sold>(SOLD);
        reads::<TakenBack>(TAKEN_BACK);
        reads::<Body>(PAYMENT);
        assert!("SR6C8-N3KGY".parse::<fuda_issuance::ActivationCode>().is_ok());
    }
}
