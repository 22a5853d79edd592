//! What must hold for any bytes that reach the card protocol, as functions that panic when it does not.
//!
//! One module per fuzz target, each with `check(input)`. The targets in the folder above give them what libFuzzer makes
//! up; the test of this crate gives them every committed corpus file, with the stable toolchain. That is why the properties
//! are a crate of the workspace and the targets are not: one copy, under the workspace's lints and tests, and nothing of
//! the workspace depends on libFuzzer.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a property that does not hold panics: that is how a fuzz target reports"
)]

pub mod apdu;
pub mod atr;
mod bytes;
pub mod cards;
pub mod cardscript;
pub mod dialogue;
pub mod fcp;
mod lasting;
pub mod profile;
pub mod scp03;
pub mod tlv;
pub mod verdict;
pub mod vpcd;
