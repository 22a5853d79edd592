//! Fuda from outside: the real programs, a token and a database of each test's own, simulated cards, and checks that share no code with
//! the programs. One module per subject; all tests run in parallel.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking; its helpers are not marked as tests"
)]

mod approval;
mod delivery;
mod error_codes;
mod faults;
mod help;
mod hsm;
mod issue_cards;
mod journal;
mod kill;
mod known_keys;
mod memory;
mod peers;
mod refusals;
mod tidy;
