//! The files that enter and leave the line: orders, deliveries, and the examples that show them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod delivery;
mod examples;
mod order;
mod order_refused;
mod tampered;

use std::path::PathBuf;

/// A file of `examples/`.
fn example(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)
}
