//! Parallel batch issuance of cards and signed deliveries.
//!
//! [`order`] is what to make, [`mod@line`] makes it on the encoders, [`delivery`] hands it over; [`commands`] are the door.

mod audit;
pub mod cli;
pub mod commands;
mod failure;
mod job;
pub mod line;
mod mark;
pub mod order;
mod peers;
mod print;
mod progress;
mod publisher;
mod report;
mod site;
mod watch;

pub use fuda_issuance::delivery;
