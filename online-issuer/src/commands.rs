//! The commands of `fuda-issuer`, one file each.

mod check;
mod count;
mod drain;
mod exceptions;
mod job;
mod member;
mod payment;
mod sale;
mod serve;
mod stock;
mod store;

pub use check::check;
pub use drain::drain;
pub use job::{card, job};
pub use member::member;
pub use payment::payment;
pub use sale::sale;
pub use serve::{Road, serve};
pub use stock::stock;
pub use store::store;
