//! The card protocol as pure code: no I/O, no clock, no random numbers.
//!
//! An SCP03 session over any transport:
//!
//! ```
//! use fuda_card::command::{EfTarget, Exchange, ReadBinary};
//! use fuda_card::id::Kvn;
//! use fuda_card::scp03::{Challenge, InitializeUpdate, SecurityLevel, StaticKeys};
//! use fuda_card::transport::{Transport, transmit};
//!
//! fn read_16<T>(card: &mut T, keys: &StaticKeys, random: [u8; 8]) -> Result<Vec<u8>, Box<dyn std::error::Error>>
//! where
//!     T: Transport<Error: std::error::Error + 'static>,
//! {
//!     let update = InitializeUpdate { kvn: Kvn::new(0x30), host_challenge: Challenge::S8(random) };
//!     let answer = transmit(card, &update.command())?;
//!     let initiated = update.answered(&answer)?;
//!     let session_keys = keys.session_keys(&initiated.context());
//!     let (proved, authenticate) = initiated.prove(session_keys, SecurityLevel::CMacCEncRMacREnc)?;
//!     let channel = proved.authenticated(&transmit(card, &authenticate)?)?;
//!
//!     let read = ReadBinary::new(EfTarget::Current, 0, 16)?;
//!     let (sent, wrapped) = channel.wrap(&read.command())?;
//!     let (_channel, plain) = sent.response(&transmit(card, &wrapped)?)?;
//!     Ok(read.answer(&plain)?)
//! }
//! ```
//!
//! # Map
//!
//! * Bytes: [`apdu`], [`status`], [`tlv`], [`atr`], [`fcp`]; names: [`id`], [`key_name`]; numbers: [`check_digit`]; what carries them: [`transport`].
//! * Cryptography: [`crypto`] (AES, CMAC, check values, padding), [`kdf3`] (card keys in software).
//! * Talking to a card: [`command`] (what is said and what the answer means), [`scp03`] (the secure channel).
//! * Making a card: [`profile`] (what a product is), [`personalisation`] (the steps that make it), [`script`] (walking them).
//! * Over a network: [`cardscript`] (what a terminal and a service centre say to each other), [`forecast`] (a whole session before the
//!   card is met, and verified afterwards).
//! * Meeting a card: [`recognise`] (what it is, from what it says to anybody).
//! * What can go wrong: [`error`].

pub mod apdu;
pub mod atr;
pub mod cardscript;
pub mod check_digit;
pub mod command;
pub mod crypto;
pub mod error;
pub mod fcp;
pub mod forecast;
pub mod id;
pub mod kdf3;
pub mod key_name;
pub mod personalisation;
pub mod profile;
pub mod recognise;
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
