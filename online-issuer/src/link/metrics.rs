//! Counters of a node in the text format of Prometheus. Nothing of a person, a card or an order is a label.

use super::Link;
use crate::engine::refusal::Refusal;
use crate::engine::{Kind, Reply};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// Upper ends of the buckets of answer times, in milliseconds: 50 is what is aimed at.
const BUCKETS_MS: [u64; 10] = [1, 2, 5, 10, 20, 50, 100, 250, 1_000, 5_000];

/// Counters of a node.
#[derive(Debug)]
pub(super) struct Metrics {
    kinds: [AtomicU64; Kind::ALL.len()],
    refusals: [AtomicU64; Refusal::ALL.len()],
    buckets: [AtomicU64; BUCKETS_MS.len()],
    answers: AtomicU64,
    answer_us: AtomicU64,
    in_work: AtomicU64,
    websockets: AtomicU64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            kinds: std::array::from_fn(|_| AtomicU64::new(0)),
            refusals: std::array::from_fn(|_| AtomicU64::new(0)),
            buckets: std::array::from_fn(|_| AtomicU64::new(0)),
            answers: AtomicU64::new(0),
            answer_us: AtomicU64::new(0),
            in_work: AtomicU64::new(0),
            websockets: AtomicU64::new(0),
        }
    }
}

/// A message that is being answered; however that ends, it is counted out.
#[derive(Debug)]
pub(super) struct Timer {
    metrics: Arc<Metrics>,
    began: Instant,
}

/// An open WebSocket.
#[derive(Debug)]
pub(super) struct OpenWebSocket(Arc<Metrics>);

impl Metrics {
    pub(super) fn begin(self: &Arc<Self>) -> Timer {
        self.in_work.fetch_add(1, Relaxed);
        Timer { metrics: Arc::clone(self), began: Instant::now() }
    }

    pub(super) fn websocket(self: &Arc<Self>) -> OpenWebSocket {
        self.websockets.fetch_add(1, Relaxed);
        OpenWebSocket(Arc::clone(self))
    }

    pub(super) fn answered(&self, timer: &Timer, reply: &Reply) {
        let took = timer.began.elapsed();
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let add = |counters: &[AtomicU64], at: Option<usize>| {
            if let Some(counter) = at.and_then(|at| counters.get(at)) {
                counter.fetch_add(1, Relaxed);
            }
        };
        self.answers.fetch_add(1, Relaxed);
        self.answer_us.fetch_add(us, Relaxed);
        add(&self.buckets, BUCKETS_MS.iter().position(|end| us <= end * 1_000));
        add(&self.kinds, Kind::ALL.iter().position(|kind| *kind == reply.kind));
        add(&self.refusals, Refusal::ALL.iter().position(|refusal| Some(*refusal) == reply.refusal));
    }

    fn text(&self, link: &Link) -> String {
        let mut out = String::new();
        head(&mut out, "fuda_issuer_answers_total", "counter", "Messages answered, by the kind of answer.");
        for (kind, count) in Kind::ALL.iter().zip(&self.kinds) {
            line(&mut out, "fuda_issuer_answers_total", &format!("kind=\"{}\"", kind.as_str()), count.load(Relaxed));
        }
        head(&mut out, "fuda_issuer_refusals_total", "counter", "Messages refused, by stable code.");
        for (refusal, count) in Refusal::ALL.iter().zip(&self.refusals) {
            let label = format!("code=\"{}\"", refusal.terms().code);
            line(&mut out, "fuda_issuer_refusals_total", &label, count.load(Relaxed));
        }
        head(&mut out, "fuda_issuer_answer_ms", "histogram", "Time from a message to its answer.");
        let mut sum = 0;
        for (end, count) in BUCKETS_MS.iter().zip(&self.buckets) {
            sum += count.load(Relaxed);
            line(&mut out, "fuda_issuer_answer_ms_bucket", &format!("le=\"{end}\""), sum);
        }
        let answers = self.answers.load(Relaxed);
        line(&mut out, "fuda_issuer_answer_ms_bucket", "le=\"+Inf\"", answers);
        line(&mut out, "fuda_issuer_answer_ms_sum", "", self.answer_us.load(Relaxed) / 1_000);
        line(&mut out, "fuda_issuer_answer_ms_count", "", answers);
        let (store, hsm) = (link.store.metrics(), link.hsm.metrics());
        let others = [
            ("fuda_issuer_in_work", "gauge", "Messages being answered.", self.in_work.load(Relaxed)),
            ("fuda_issuer_websockets", "gauge", "Open WebSockets.", self.websockets.load(Relaxed)),
            ("fuda_store_commits_total", "counter", "Transactions made durable.", store.commits),
            ("fuda_store_jobs_total", "counter", "Pieces of work in them.", store.jobs),
            ("fuda_hsm_requests_total", "counter", "Requests to the HSM.", hsm.requests),
            ("fuda_hsm_failures_total", "counter", "Requests that failed.", hsm.failures),
            ("fuda_hsm_worker_deaths_total", "counter", "HSM workers that died.", hsm.deaths),
        ];
        for (name, kind, help, value) in others {
            head(&mut out, name, kind, help);
            line(&mut out, name, "", value);
        }
        out
    }
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(out: &mut String, name: &str, label: &str, value: u64) {
    let label = if label.is_empty() { String::new() } else { format!("{{{label}}}") };
    let _ = writeln!(out, "{name}{label} {value}");
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.metrics.in_work.fetch_sub(1, Relaxed);
    }
}

impl Drop for OpenWebSocket {
    fn drop(&mut self) {
        self.0.websockets.fetch_sub(1, Relaxed);
    }
}

/// `GET /metrics`.
pub(super) async fn get(State(link): State<Link>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], link.metrics.text(&link)).into_response()
}
