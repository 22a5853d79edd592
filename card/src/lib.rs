//! The card protocol as pure code: no I/O, no clock, no random numbers.
//!
//! Bytes: [`apdu`], [`status`], [`tlv`], [`id`].

pub mod apdu;
pub mod id;
pub mod status;
pub mod tlv;
