//! The card protocol as pure code: no I/O, no clock, no random numbers.
//!
//! Bytes: [`apdu`], [`status`], [`tlv`], [`id`].

pub mod apdu;
pub mod atr;
pub mod command;
pub mod crypto;
pub mod error;
pub mod fcp;
pub mod id;
pub mod kdf3;
pub mod key_name;
pub mod personalisation;
pub mod profile;
pub mod scp03;
pub mod script;
pub mod status;
pub mod tlv;
pub mod transport;

pub use error::Error;
pub use transport::Transport;

#[cfg(test)]
#[path = "../tests/vectors/load.rs"]
mod load;
