//! What batch and network issuance share: the life of a card as a table, the write-ahead journal, and driving one card.
//!
//! [`life_cycle`] is the table, [`journal`] writes what happens to chips by it, [`issuer`] brings one card from wherever it stands to
//! sealed. Encoders and networks come from outside, as a [`fuda_card::transport::Transport`].

mod audit;
mod contact;
mod error;
pub mod issuer;
pub mod journal;
mod key_plan;
pub mod life_cycle;
mod provision;
mod transport;
mod walk;

pub use audit::{Audited, CardAuditor};
pub use error::{Error, FailureClass};
pub use issuer::{Begun, CardFailure, CardIssuer, Issued, Recipe};
pub use journal::{Accounts, Job, JobState, Journal, NewJob, Refusal, RejectReport, Serial, SerialSource, Station};
pub use transport::TransportCode;
