//! A simulated smart card, written from the standards.
//!
//! ISO/IEC 7816-4 and -9 file system, GlobalPlatform SCP03 (Amendment D) secure channel. It shares only byte-level types
//! with the host's `fuda-card` (APDU, status word, TLV, identifiers), so that each checks the other.
//!
//! # Commands and conditions
//!
//! | command | INS | needs |
//! |---|---|---|
//! | SELECT | A4 | nothing |
//! | READ BINARY, READ RECORD | B0, B2 | the EF's rule for READ; EF and DFs above it in 03 or 05 |
//! | UPDATE BINARY, UPDATE RECORD | D6, DC | the EF's rule for UPDATE; the same |
//! | CREATE FILE | E0 | the DF's rule for CREATE EF or CREATE DF; the MF itself: a blank chip and its initial set |
//! | DELETE FILE | E4 | the file's rule for DELETE SELF, or its DF's for DELETE CHILD while the DF is in 03 |
//! | ACTIVATE FILE | 44 | from 03 the file's rule; a DF from 04 the issuer's set |
//! | DEACTIVATE FILE | 04 | the file's rule; a DF the issuer's set too; from 05 only |
//! | TERMINATE DF, EF, CARD USAGE | E6, E8, FE | the file's rule; the card: the MF's |
//! | VERIFY | 20 | nothing; three tries |
//! | CHANGE REFERENCE DATA | 24 | first PIN (P1 01) the DF's own set; change (P1 00) the old PIN |
//! | RESET RETRY COUNTER | 2C | the DF's own set |
//! | GET CHALLENGE, GET DATA | 84, CA | nothing |
//! | INITIALIZE UPDATE | 50 | a key set in the current DF |
//! | EXTERNAL AUTHENTICATE | 82 | INITIALIZE UPDATE just before |
//! | PUT KEY | D8 | the DF's own set, or the issuer's while it has none, or the recovery set; MF: [`keys::Role`] by role |
//! | DELETE KEY | E4 (GlobalPlatform class) | the DF's own set or the recovery set; never the open or the last one |
//! | STORE DATA | E2 (GlobalPlatform class) | initial, transport or issuer set of the MF |
//! | BEGIN, END R-MAC SESSION | 7A, 78 | a channel with C-MAC that was opened without R-MAC |
//!
//! A card without files ([`make::Domain`]) has SELECT, GET DATA, INITIALIZE UPDATE, EXTERNAL AUTHENTICATE, PUT KEY, DELETE KEY,
//! STORE DATA and R-MAC sessions of these, as GlobalPlatform cards on sale answer them.
//!
//! Conditions are those of [`access`]; a channel without C-MAC satisfies none. Commands may come in parts (command chaining), an
//! authentication may not (6884). Logical channels are not supported (6881).

pub mod access;
pub mod atr;
pub mod authenticate;
mod binary;
pub mod card;
mod chaining;
pub mod channel;
mod create;
pub mod crypto;
mod data;
mod delete;
mod delete_key;
pub mod derivation;
mod dispatch;
mod domain;
pub mod error;
pub mod fault;
pub mod fcp;
pub mod feeder;
mod image;
pub mod kdf3;
pub mod keys;
mod lifecycle;
pub mod make;
mod memory;
mod other;
mod pin;
mod put_key;
mod r_mac;
mod record;
pub mod report;
mod security;
mod select;
pub mod stack;
pub mod state;
mod store_data;
pub mod trace;
pub mod tree;
#[cfg(test)]
mod vectors;
mod volatile;
pub mod vpcd;

pub use card::{Blank, Card, Exchange};
pub use error::Error;
