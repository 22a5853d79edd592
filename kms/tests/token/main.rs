//! The keys of this house in real tokens, SoftHSM and Kryoptic: one token and one database per test.
//!
//! Both read their configuration once per process, so each test runs its body in a child of this binary with an environment of its own
//! (`site.rs`); all tests run in parallel.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "a test fails by panicking; its helpers are not marked as tests"
)]

mod aside;
mod attacks;
mod attributes;
mod bad_library;
mod birth;
mod checkup;
mod command;
mod derivation;
mod faulty;
mod fixed;
mod oracle;
mod pairing;
mod pin;
mod pool;
mod provider;
mod requests;
mod return_values;
mod routes;
mod sets;
mod site;
mod states;
mod template;
mod unwrap_template;
mod vault;
mod vectors;
