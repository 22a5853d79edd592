//! Sales: what tills tell of cards that went over the counter, each line of a receipt once, and taken back until the till hears that it was.
//!
//! A sale makes its card `sold`. One that names no card here, or a card that cannot be sold, is an exception that a person looks at: the till is
//! told that it was heard in any case, because it cannot do anything about it.

mod error;
mod file;
mod list;
mod notice;
mod tell;

pub use error::SaleError;
pub use file::read as read_file;
pub use list::{Listed, list};
pub use notice::{NoSaleId, Sale, SaleId};
pub(crate) use tell::is_sold;
pub use tell::{Heard, SaleEvent, SaleState, reverse, sell};
