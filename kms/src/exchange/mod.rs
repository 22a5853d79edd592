//! Keys on the road between tokens: born and wrapped in one, carried as a file, let into another under a KEK that both have.
//!
//! A file is signed by the identity key of the site that made it. Whose identity key a peer has is a person's word, given once and kept
//! (`peers.rs`). What the token lets in is proved by its check value before it becomes an object of the token.

mod error;
pub mod export;
pub mod file;
pub mod import;
pub mod pair;
mod peers;

pub use error::ExchangeError;
