//! PC/SC readers and what a card in them is.
//!
//! [`Readers`] lists and watches, [`PcscCard`] is one card as a [`fuda_card::Transport`], [`Encoder`] takes one card after
//! the other. [`report`] tells what a card is, in English or Japanese or as JSON.

pub mod card;
pub mod cli;
pub mod commands;
mod encoder;
mod error;
mod pattern;
mod reader;
pub mod report;

pub use card::PcscCard;
pub use encoder::Encoder;
pub use error::Error;
pub use pattern::{EmptyPattern, Pattern};
pub use reader::{ReaderView, Readers, Slot, Usage};
