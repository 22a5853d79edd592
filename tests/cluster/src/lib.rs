//! A PostgreSQL cluster of a test binary's own: rootless, behind a Unix socket that only its folder leads to, with a database for each
//! test; it ends with the binary, however that ends.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a fixture fails its test by panicking"
)]

mod cluster;
mod database;
mod engine;
mod programs;
mod skip;

pub use cluster::{Cluster, Syncs};
pub use database::Database;
pub use engine::{Engine, engine_here};
pub use programs::{Absent, Programs};
pub use skip::skipped;
