//! Fixtures of the integration tests: a site with its own token and database, the real programs as child processes, and
//! readers of what they leave behind that share no code with them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a fixture fails its test by panicking"
)]

pub mod agree;
pub mod centre;
pub mod ceremony;
pub mod chip;
pub mod database;
pub mod delivery;
mod folder;
pub mod market;
pub mod memory;
pub mod mounts;
pub mod order;
pub mod ports;
pub mod program;
pub mod random;
pub mod running;
pub mod site;
pub mod skip;

pub use chip::Chip;
pub use database::Database;
pub use delivery::Delivery;
pub use market::{Answer, Node};
pub use order::Order;
pub use program::Ended;
pub use running::Running;
pub use site::Site;
