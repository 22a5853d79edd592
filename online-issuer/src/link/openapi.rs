//! The published description of the link: OpenAPI 3.1, made from the types that are spoken.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use fuda_card::cardscript::{CentreMessage, SUBPROTOCOL, TerminalMessage};
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

/// One example of each message of a terminal.
const TERMINAL_EXAMPLES: [(&str, &str); 4] = [
    (
        "open",
        r#"{"type":"open","sid":"000102030405060708090A0B0C0D0E0F","seq":0,"purpose":"activate","order":"00112233445566778899AABBCCDDEEFF","terminal":{"name":"example/1.0","transport":"post"},"locale":"en"}"#,
    ),
    (
        "result",
        r#"{"type":"result","sid":"000102030405060708090A0B0C0D0E0F","seq":1,"id":"0011223344556677","n":2,"r":["9000"],"end":"card_gone","at":1,"t":[12]}"#,
    ),
    ("resume", r#"{"type":"resume","sid":"000102030405060708090A0B0C0D0E0F","seq":1}"#),
    ("cancel", r#"{"type":"cancel","sid":"000102030405060708090A0B0C0D0E0F","seq":2}"#),
];

/// One example of each answer.
const CENTRE_EXAMPLES: [(&str, &str); 3] = [
    (
        "script",
        r#"{"type":"script","sid":"000102030405060708090A0B0C0D0E0F","seq":0,"id":"0011223344556677","expires":"2026-04-17T00:35:00.000Z","budget_ms":15000,"steps":[{"c":"00A4040006F04655444101","ms":5000,"p":"meeting","percent":50},{"c":"8050300008010203040506070800","match":[{"offset":0,"mask":"FFFFFFFFFFFFFFFFFFFF","value":"00010203040506070809"}],"ms":5000,"p":"meeting","percent":100}]}"#,
    ),
    (
        "done",
        r#"{"type":"done","sid":"000102030405060708090A0B0C0D0E0F","seq":1,"outcome":"written","receipt":{"body":"{}","key":"receipt@1","signature":"00"},"text":"Done. The card is ready for use."}"#,
    ),
    (
        "error",
        r#"{"type":"error","sid":"000102030405060708090A0B0C0D0E0F","seq":0,"code":"ORDER_UNPAID","retriable":true,"who":"member","text":"The fee is not confirmed yet. Try again when it is.","trace":"0123456789"}"#,
    ),
];

/// The description.
#[must_use]
pub fn document() -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        })
        .into_generator();
    let (question, answer) = (generator.subschema_for::<TerminalMessage>(), generator.subschema_for::<CentreMessage>());
    let content = |schema: &Value, examples: &[(&str, &str)]| {
        let examples = examples.iter().map(|(name, text)| {
            // The tests of this file read every one of them.
            ((*name).to_owned(), json!({ "value": serde_json::from_str::<Value>(text).unwrap_or_default() }))
        });
        json!({ "application/json": { "schema": schema, "examples": examples.collect::<serde_json::Map<_, _>>() } })
    };
    let (question, answer) = (question.to_value(), answer.to_value());
    let refusal = json!({ "description": "The message is refused; the body is an `error`.", "content": content(&answer, &CENTRE_EXAMPLES[2..]) });
    let plain = |description: &str| json!({ "description": description });
    let mut responses = serde_json::Map::new();
    responses.insert(
        "200".into(),
        json!({ "description": "The answer: `script`, `ask`, `wait` or `done`.", "content": content(&answer, &CENTRE_EXAMPLES[..2]) }),
    );
    for status in ["400", "402", "403", "404", "409", "410", "422", "429", "500", "503"] {
        responses.insert(status.into(), refusal.clone());
    }
    for (status, what) in [
        ("408", "The body came too slowly."),
        ("413", "The body is longer than 64 KiB."),
        ("415", "The body is not JSON."),
    ] {
        responses.insert(status.into(), plain(what));
    }
    let get = |summary: &str, statuses: &[(&str, &str)]| {
        let responses: serde_json::Map<_, _> =
            statuses.iter().map(|(status, what)| ((*status).to_owned(), plain(what))).collect();
        json!({ "get": { "summary": summary, "responses": responses } })
    };
    let websocket = format!("The same messages over a WebSocket, subprotocol `{SUBPROTOCOL}`, one text frame each.");
    let mut document = json!({
        "openapi": "3.1.0",
        "info": { "title": "Fuda service centre", "version": env!("CARGO_PKG_VERSION"), "description": "Card script protocol v1: a terminal is a relay between a card and the centre." },
        "paths": {
            "/v1/cardscript": {
                "post": {
                    "summary": "One message of a terminal, and its answer",
                    "requestBody": { "required": true, "content": content(&question, &TERMINAL_EXAMPLES) },
                    "responses": responses,
                },
                "get": { "summary": websocket, "responses": { "101": plain("The WebSocket is open."), "400": plain("No upgrade was asked for."), "426": plain("No upgrade was asked for."), "503": plain("The node stops.") } },
            },
            "/v1/openapi.json": get("This document", &[("200", "OpenAPI 3.1")]),
            "/healthz": get("The process answers", &[("200", "alive")]),
            "/readyz": get("The node can work", &[("200", "ready"), ("503", "what is wrong, by stable code")]),
            "/metrics": get("Counters", &[("200", "Prometheus text format 0.0.4")]),
        },
    });
    if let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) {
        paths.extend(crate::api::paths(&mut generator));
    }
    let schemes = crate::api::security_schemes();
    if let Some(document) = document.as_object_mut() {
        let components = json!({ "schemas": generator.take_definitions(true), "securitySchemes": schemes });
        document.insert("components".to_owned(), components);
    }
    document
}

/// `GET /v1/openapi.json`.
pub(super) async fn get() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document().to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fuda_card::cardscript::decode;

    #[test]
    fn every_example_is_a_message_of_the_protocol() {
        for (name, text) in TERMINAL_EXAMPLES {
            decode::<TerminalMessage>(text.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        for (name, text) in CENTRE_EXAMPLES {
            decode::<CentreMessage>(text.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }

    #[test]
    fn the_published_description_is_what_was_reviewed() {
        insta::assert_json_snapshot!(document());
    }
}
