//! What batch and network issuance share: the life of a card as a table, the write-ahead journal, and driving one card.
//!
//! [`life_cycle`] is the table, [`journal`] writes what happens to chips by it, [`issuer`] brings one card from wherever it stands to
//! sealed. Encoders and networks come from outside, as a [`fuda_card::transport::Transport`]. [`delivery`] is the signed folder in which
//! cards go from a line to a centre, [`profiles`] finds the product that they are.

pub mod activation_code;
mod audit;
mod blame;
mod contact;
pub mod delivery;
mod end;
mod error;
mod error_code;
pub mod issuer;
pub mod journal;
mod key_plan;
pub mod life_cycle;
pub mod profiles;
mod provision;
mod sha256;
mod sight;
mod state_table;
pub mod store_report;
mod transport;
mod walk;

pub use activation_code::{ActivationCode, ActivationCodeError};
pub use audit::{Audited, CardAuditor};
pub use delivery::SiteMode;
pub use end::Ended;
pub use error::{Error, FailureClass};
pub use issuer::{Begun, CardFailure, CardIssuer, Issued, Recipe};
pub use journal::{
    Accounts, Control, Crew, Job, JobState, Journal, Lease, NewJob, Refusal, RejectReport, Rework, Sent, Serial,
    SerialSource, Station,
};
pub use sight::{Seen, Sight};
pub use state_table::UnknownState;
