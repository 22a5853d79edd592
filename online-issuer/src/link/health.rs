//! `healthz`: the process answers. `readyz`: it can work, as HSM and store say when they are asked.

use super::{Link, Phase};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;

/// Longest time for one check: a load balancer asks every few seconds.
const CHECK_MAX: Duration = Duration::from_secs(5);

/// `GET /healthz`.
pub(super) async fn alive() -> &'static str {
    "alive\n"
}

/// `GET /readyz`: 200 when sessions can be served, else 503, with what is wrong by its stable code.
pub(super) async fn ready(State(link): State<Link>) -> Response {
    let (store, hsm) = tokio::join!(timeout(CHECK_MAX, store(&link)), timeout(CHECK_MAX, hsm(&link)));
    let found = json!({
        "store": store.unwrap_or_else(|_| "silent".to_owned()),
        "hsm": hsm.unwrap_or_else(|_| "silent".to_owned()),
        "phase": if link.phase.now() == Phase::Serving { "serving" } else { "draining" },
    });
    let is_ready = ["store", "hsm"].iter().all(|part| found.get(*part).is_some_and(|state| state == "ok"));
    let is_ready = is_ready && link.phase.now() == Phase::Serving;
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CONTENT_TYPE, "application/json")], found.to_string()).into_response()
}

/// A query, through the same door as every other.
async fn store(link: &Link) -> String {
    let asked = link.store.read("online.ready", async |tx| {
        let jobs: i64 =
            sqlx::query_scalar("/* online.ready */ SELECT COUNT(*) FROM online_block").fetch_one(tx).await?;
        Ok::<_, fuda_store::Error>(jobs)
    });
    asked.await.map_or_else(|error| error.code().to_owned(), |_| "ok".to_owned())
}

/// Token, keys and workers, as `fuda-kms health` looks at them.
async fn hsm(link: &Link) -> String {
    let hsm = link.hsm.clone();
    let health = tokio::task::spawn_blocking(move || hsm.health()).await;
    let Ok(health) = health else { return "silent".to_owned() };
    let fault = health.checks.into_iter().find_map(|check| check.fault);
    fault.map_or_else(|| "ok".to_owned(), |fault| fault.code().to_owned())
}
