//! Keys over PKCS#11: birth, derivation, session keys, wrapping, registry.

pub mod adopt;
mod birth;
mod blob;
mod card;
pub mod check_value;
mod derive;
mod duty;
pub mod error;
pub mod hsm;
pub mod init;
pub mod keys_file;
mod known_answer;
pub mod label;
pub mod latch;
pub mod login;
pub mod message;
pub mod metrics;
pub mod name;
pub mod pin;
pub mod registry;
pub mod rv;
mod scp03;
pub mod secret;
pub mod state;
mod token;
pub mod wire;
mod worker;

pub use error::Error;
pub use hsm::{Hsm, HsmConfig};
pub use label::TokenLabel;
pub use login::TokenConfig;
pub use message::{CardAnswer, CardChallenge, CardRequest, CardStep, Epoch, StepAnswer, WrappedKey};
pub use metrics::Metrics;
pub use name::{KeyKind, KeyName, KeyVersion};
pub use registry::{Record, Registry, Snapshot};
pub use secret::{SessionKey, SessionKeys};
