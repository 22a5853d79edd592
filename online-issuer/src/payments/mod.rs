//! Payments: what a provider's webhook or a bank's file told, stored before it is acknowledged, and settled by a worker of its own.
//!
//! `received → settled | exception`. An exception is money that belongs to no order as it is: a person looks at it with `payment list --unmatched`
//! and `payment match`. What a payer or a bank says besides (names, accounts) is not stored.

mod error;
mod event;
mod file;
mod list;
mod matching;
mod receive;
mod settle;
mod webhook;

pub use error::PaymentError;
pub(crate) use event::Body;
pub use event::{PaymentEvent, PaymentKind, Source};
pub use file::read as read_file;
pub use list::{Listed, list};
pub use matching::match_by_hand;
pub use receive::{Receipt, receive};
pub use settle::{Settled, settle_all, settle_one};
pub use webhook::{SIGNATURE_HEADER, Secrets};
