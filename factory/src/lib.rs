//! Parallel batch issuance of cards and signed deliveries.
//!
//! [`order`] is what to make, [`mod@line`] makes it on the [`encoder`]s, [`delivery`] hands it over; [`commands`] are the door.

pub mod cli;
pub mod commands;
pub mod delivery;
pub mod encoder;
mod failure;
mod job;
mod job_lock;
pub mod line;
pub mod order;
mod profiles;
mod progress;
mod sha256;
mod site;
