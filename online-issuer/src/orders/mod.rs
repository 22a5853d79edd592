//! Orders: a member orders a service, claims one card by the code under its cover, pays, and may then activate that card once.
//!
//! The right to do so is the entitlement ([`EntitlementState`]). The engine takes an order by its token with [`claimed`], and moves the
//! entitlement with [`reserve`], [`consume`] and [`release`] in its own transactions; `Draft` says what goes onto the card, and `Bound` what a job was bound to.

mod bound;
mod claim;
mod claimed;
mod create;
mod entitlement;
mod error;
mod expire;
mod lives;
mod show;
mod state;
mod tries;

pub use bound::Contents;
pub(crate) use bound::{Bound, Draft};
pub use claim::{Claim, ClaimBy, Claimant, SaleRule, claim};
pub use claimed::{ClaimedOrder, claimed};
pub use create::{Created, create};
pub(crate) use entitlement::happen;
pub(crate) use entitlement::let_go;
pub use entitlement::{consume, release, reserve};
pub use error::OrderError;
pub use expire::expire_orders;
pub(crate) use expire::free_card;
pub use lives::Lives;
pub use show::{OrderView, show};
pub use state::{EntitlementEvent, EntitlementState};
