//! Stock: cards from the moment that a delivery is taken in to the moment that a buyer has activated one.
//!
//! [`import`](fn@import) is the only way in. [`StockState`] is where a card is, [`hold`] keeps cards from being activated, [`census`] counts.

pub mod census;
mod error;
pub mod hold;
mod import;
mod key_sets;
mod movement;
pub mod recall;
mod state;
pub mod stocktake;

pub use error::StockError;
pub(crate) use import::CODE_FIELD;
pub use import::{Codes, Imported, import};
pub use movement::{Which, return_cards, ship};
pub use state::{StockEvent, StockState};
