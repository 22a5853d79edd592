//! PC/SC readers, what a card in them is, and the relay between a card and the service centre.
//!
//! [`Readers`] lists and watches, [`PcscCard`] is one card as a [`fuda_card::Transport`], an [`Encoder`] (a reader, or a vpcd port)
//! takes one card after the other. [`report`] tells what a card is, in English or Japanese or as JSON. [`mod@relay`] carries a
//! service centre's scripts to a card.

pub mod card;
pub mod cli;
pub mod commands;
pub mod encoder;
mod error;
mod pattern;
mod reader;
pub mod relay;
pub mod report;

pub use card::PcscCard;
pub use encoder::{Encoder, EncoderCard, EncoderSpec};
pub use error::Error;
pub use pattern::{EmptyPattern, Pattern};
pub use reader::{ReaderView, Readers, Slot, Usage};
