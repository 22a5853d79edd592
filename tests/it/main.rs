//! Fuda from outside: the real programs, a token and a database of each test's own, simulated cards, and checks that share no code with
//! the programs. One module per subject; all tests run in parallel.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking; its helpers are not marked as tests"
)]

mod activation;
mod approval;
mod clock;
mod cuts;
mod delivery;
mod disk;
mod domains;
mod error_codes;
mod exchange;
mod faults;
mod forecast;
mod help;
mod hsm;
mod issue_cards;
mod journal;
mod kill;
mod killed_keys;
mod known_keys;
mod market;
mod matrix;
mod memory;
mod online;
mod opened;
mod outage;
mod packing;
mod pairing;
mod peers;
mod policy;
mod preparing;
mod receiving;
mod recovery;
mod refusals;
mod telling;
mod tidy;
mod torture;
