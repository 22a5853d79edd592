//! Recovery sets for the cards of a list (DESIGN §3.1): made in the recovery token, opened on the line, with the key-derivation key in neither.
//!
//! The key that recovery sets come from lives in the recovery token alone. A line that shall put such a set onto a card gets it sealed: three
//! card keys, each wrapped under a KEK that both tokens have and that opens nothing else.

mod file;
mod format;
pub mod list;
pub mod seal;

pub use file::SetsFile;
pub use list::CardList;
