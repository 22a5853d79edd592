//! Card script protocol v1 over HTTP POST and WebSocket: one body in, one body out, whatever carries them.

use super::gate::Place;
use super::{Link, Phase};
use crate::engine::{Intake, Kind, Reply};
use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use fuda_card::cardscript::SUBPROTOCOL;
use fuda_card::cardscript::limits::MESSAGE_BYTES_MAX;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Time for the body of a request: a message of 64 KiB over a slow line.
const BODY_MAX: Duration = Duration::from_secs(20);
/// Time without a message after which a WebSocket is closed: a person who looks for the card. The session stays; the terminal resumes it.
const IDLE_MAX: Duration = Duration::from_secs(15 * 60);
/// Time for an answer to leave towards a terminal.
const SEND_MAX: Duration = Duration::from_secs(20);
/// Bytes that a WebSocket reads at once: an idle one keeps them.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// Bytes of answers that wait for a slow terminal: one of the longest, beside a pong.
const WRITE_BUFFER_BYTES_MAX: usize = 2 * MESSAGE_BYTES_MAX;

/// `POST /v1/cardscript`.
pub(super) async fn post(State(link): State<Link>, headers: HeaderMap, body: Body) -> Response {
    if !is_json(&headers) {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    match timeout(BODY_MAX, to_bytes(body, MESSAGE_BYTES_MAX)).await {
        Ok(Ok(body)) => respond(link.answer(&body).await),
        Ok(Err(_)) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"))
}

fn respond(reply: Reply) -> Response {
    let status = StatusCode::from_u16(reply.http()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, reply.body).into_response()
}

/// `GET /v1/cardscript` with the upgrade to a WebSocket.
pub(super) async fn websocket(
    State(link): State<Link>,
    Extension(place): Extension<Arc<Place>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    if link.phase.now() == Phase::Draining {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let upgrade = upgrade
        .protocols([SUBPROTOCOL])
        .max_message_size(MESSAGE_BYTES_MAX)
        .max_frame_size(MESSAGE_BYTES_MAX)
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BUFFER_BYTES_MAX);
    upgrade.on_upgrade(async move |socket| {
        converse(link, socket).await;
        drop(place);
    })
}

/// One terminal's messages, in their order.
async fn converse(link: Link, mut socket: WebSocket) {
    let _open = link.metrics.websocket();
    let mut holds_card = Holds::Nothing;
    loop {
        let stop = async {
            link.phase.draining().await;
            // A card in hand is finished; the listener's patience ends what takes too long.
            if holds_card == Holds::Card {
                std::future::pending::<()>().await;
            }
        };
        let received = tokio::select! {
            biased;
            received = timeout(IDLE_MAX, socket.recv()) => received,
            () = stop => return close(socket, close_code::RESTART, "the node stops").await,
        };
        let text = match received {
            Ok(Some(Ok(Message::Text(text)))) => text,
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => continue,
            Ok(Some(Ok(Message::Binary(_)))) => {
                return close(socket, close_code::UNSUPPORTED, "messages are text").await;
            }
            Ok(Some(Ok(Message::Close(_)) | Err(_)) | None) => return,
            Err(_) => return close(socket, close_code::AWAY, "no message for a long time").await,
        };
        // In a box, because what an answer needs is much, and a session waits most of its time.
        let reply = Box::pin(link.answer(text.as_bytes())).await;
        holds_card = if reply.kind == Kind::Script { Holds::Card } else { Holds::Nothing };
        match timeout(SEND_MAX, socket.send(Message::Text(reply.body.into()))).await {
            Ok(Ok(())) => {}
            _ => return,
        }
    }
}

/// Whether the terminal has a script to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Nothing,
    Card,
}

async fn close(mut socket: WebSocket, code: u16, reason: &'static str) {
    let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
    // Whether the terminal hears it changes nothing.
    let _ = timeout(SEND_MAX, socket.send(Message::Close(Some(frame)))).await;
}

impl Link {
    /// Answers a message. A node that stops takes no new session.
    async fn answer(&self, body: &[u8]) -> Reply {
        let timer = self.metrics.begin();
        let intake = match self.phase.now() {
            Phase::Serving => Intake::Open,
            Phase::Draining => Intake::Closed,
        };
        let reply = self.engine.answer(body, intake).await;
        self.metrics.answered(&timer, &reply);
        reply
    }
}
