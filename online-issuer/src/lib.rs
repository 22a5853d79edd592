//! The service centre on the network: a buyer activates a retail card with any reader, and the centre writes through an untrusted relay.
//!
//! [`link`] speaks with terminals, [`engine`] decides what is done with cards and knows what came of it. [`stock`] are the cards, [`members`]
//! and [`vault`] the people, [`sales`] what tills tell, [`orders`] and [`payments`] what members pay for, [`contents`] what goes onto a card for it.
//! [`api`] and [`commands`] are the doors.

pub mod api;
pub mod cli;
pub mod commands;
pub mod contents;
pub mod engine;
pub mod error;
pub mod id;
pub mod link;
pub mod members;
pub mod orders;
pub mod payments;
pub mod sales;
mod secret_file;
mod site;
pub mod stock;
mod table_file;
pub mod vault;
