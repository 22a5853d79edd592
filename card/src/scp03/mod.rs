//! SCP03, the host's side: GlobalPlatform Card Specification 2.3.1, Amendment D 1.2 (GPC_SPE_014).
//!
//! The channel is a chain of types, and each step takes the one before it, so no step can be skipped, repeated or
//! continued after an error:
//!
//! ```text
//! InitializeUpdate ─answered→ Initiated ─prove→ Proved ─authenticated→ Authenticated ⇄ Sent
//!        ↓ command              (cryptogram)      ↓ EXTERNAL AUTHENTICATE     wrap → ← response
//! ```
//!
//! A step that fails drops the channel, and with it the session keys, which are wiped. [`CardProof`] is made only by the
//! check of the card cryptogram; the commands that change a card ask for it.
//!
//! One response for each command is a rule of the types: a channel that has sent is not there to send again.
//!
//! ```compile_fail,E0382
//! # use fuda_card::{Error, apdu::Command, scp03::Authenticated};
//! fn twice(channel: Authenticated, command: &Command) -> Result<(), Error> {
//!     let (_sent, _first) = channel.wrap(command)?;
//!     let (_sent, _second) = channel.wrap(command)?; // moved above
//!     Ok(())
//! }
//! ```
//!
//! And no proof is made by hand:
//!
//! ```compile_fail,E0451
//! # use fuda_card::{id::{Kdd, Kvn}, scp03::CardProof};
//! let forged = CardProof { kdd: Kdd::new([0; 10]), kvn: Kvn::new(0x30), counter: None };
//! ```
//!
//! Left out: SCP03 key sets of another length than their session keys, and classes of logical channels 4 to 19.

mod challenge;
mod channel;
mod derivation;
mod initialize;
mod keys;
mod level;
mod messaging;
mod session;
#[cfg(test)]
mod trace_tests;

pub use challenge::{Challenge, Cryptogram};
pub use channel::{CardProof, Initiated, Proved};
pub use derivation::{Constant, derivation_block, derive};
pub use initialize::{
    ImplementationOptions, InitializeUpdate, InitializeUpdateResponse, Prediction, SequenceCounter,
    predicted_card_challenge,
};
pub use keys::{SessionKeys, StaticKeys};
pub use level::{Mode, SecurityLevel, plain_data_max};
pub use messaging::{Authenticated, Sent};
