//! Keys over PKCS#11: birth, derivation, session keys, wrapping, registry.
//!
//! A card key never leaves the HSM: it is derived there from a key-derivation key and the chip's identity, used there, and put onto the
//! card wrapped by another card key. What leaves is what a channel needs, SCP03 session keys, and they are wiped when it ends.
//!
//! ```no_run
//! use fuda_kms::{CardChallenge, CardRequest, CardStep, Hsm, HsmConfig, Registry};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let text = fuda_cli::Source::read("fuda.toml".as_ref())?;
//! let config = fuda_cli::config::parse(&text, ".".as_ref())?;
//! let registry = Registry::open(fuda_store::Store::open(&config.store.url)?);
//! let hsm = Hsm::start(&HsmConfig::from_file(&config)?, &registry)?;         // every key proved by its check value
//! let (old, new) = (registry.active(&"transport".parse()?)?.version, registry.active(&"issuer".parse()?)?.version);
//! let answer = hsm.card(CardRequest {
//!     epoch: hsm.epoch()?,
//!     kdd: *b"0123456789",                                                  // from INITIALIZE UPDATE
//!     steps: vec![
//!         CardStep::OpenSession { key: old.clone(), host_challenge: [1; 8], challenge: CardChallenge::Answered([2; 8]) },
//!         CardStep::WrapKeySet { new, under: old },                         // the data of PUT KEY
//!     ],
//! })?;
//! println!("{} PKCS#11 calls", answer.calls);
//! # Ok(()) }
//! ```
//!
//! Read `message.rs` (what is asked), `card.rs` (how it is answered), `derive.rs` (the one formula), `birth.rs` (where keys come from),
//! `rv.rs` (what a return value asks for), `pool/` (the worker processes and who looks after them).

pub mod adopt;
pub mod bench;
mod birth;
mod birth_policy;
mod blob;
mod card;
pub mod check_value;
pub mod checkup;
pub mod create;
mod derive;
mod doing;
mod duty;
mod elsewhere;
pub mod error;
pub mod exchange;
pub mod fault;
mod frame;
mod freshness;
pub mod health;
mod hex_text;
pub mod hsm;
pub mod init;
pub mod inspect;
mod kek_probe;
pub mod keys_file;
mod known_answer;
pub mod label;
pub mod latch;
pub mod length;
pub mod login;
mod make_token;
mod master;
pub mod message;
pub mod metrics;
pub mod name;
pub mod pin;
mod pool;
pub mod process;
mod protocol;
pub mod provider;
pub mod question;
mod queue;
pub mod registry;
mod report;
pub mod route;
pub mod rv;
pub mod scheme;
mod scp03;
pub mod sealed;
pub mod secret;
pub mod sets;
pub mod state;
mod token;
pub mod tokens;
pub mod vault;
mod vault_wire;
pub mod wire;
mod worker;

pub use error::Error;
pub use fault::Fault;
pub use hsm::{Hsm, HsmConfig};
pub use label::TokenLabel;
pub use length::KeyLength;
pub use login::TokenConfig;
pub use message::{CardAnswer, CardChallenge, CardRequest, CardStep, Ciphertext, Epoch, StepAnswer, WrappedKey};
pub use metrics::Metrics;
pub use name::{KeyKind, KeyName, KeyVersion, Part};
pub use pool::error::PoolError;
pub use pool::place::Place;
pub use provider::Provider;
pub use question::Question;
pub use registry::{Elsewhere, Record, Registry, Snapshot};
pub use route::{Route, Routes};
pub use scheme::Scheme;
pub use sealed::{Blob, SealedKey, SealedSet};
pub use secret::{Plain, SessionKey, SessionKeys};
pub use vault::WrappedDataKey;
