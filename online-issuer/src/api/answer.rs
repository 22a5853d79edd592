//! Answers: JSON objects, and problems with a stable code.

use crate::error::Error;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    status: u16,
    code: &'static str,
    what: String,
}

impl Problem {
    pub(super) const BODY_TOO_LONG: Self = Self { status: 413, code: "BODY_TOO_LONG", what: String::new() };
    pub(super) const BODY_TOO_SLOW: Self = Self { status: 408, code: "BODY_TOO_SLOW", what: String::new() };
    pub(super) const API_KEY: Self = Self { status: 401, code: "API_KEY", what: String::new() };

    pub(super) fn malformed(line: usize, column: usize) -> Self {
        let what = format!("line {line}, column {column}: not the JSON that is wanted here");
        Self { status: 400, code: "BODY_MALFORMED", what }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, code) = (error.status(), error.code());
        if status < 500 {
            return Self { status, code, what: error.to_string() };
        }
        // What is wrong inside is the operator's to know.
        tracing::error!(code, %error, "request not answered");
        Self { status, code, what: "the centre has a fault; try again later".to_owned() }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        respond(status, &json!({ "error": { "code": self.code, "what": self.what } }))
    }
}

/// An answer that no cache keeps.
pub(super) fn respond(status: StatusCode, body: &impl Serialize) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    match serde_json::to_vec(body) {
        Ok(body) => (status, headers, body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
