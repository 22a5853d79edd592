//! The simulated card from outside: dialogues, faults, files, readers, random input.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of tests fail as the tests do"
)]

mod conditions;
mod faults;
mod files;
mod host;
mod issuance;
mod keys;
mod pin;
mod random;
mod reader;
mod select;
mod t0;
