//! The simulated card from outside: dialogues, faults, files, readers, random input.

mod conditions;
mod faults;
mod files;
mod host;
mod issuance;
mod keys;
mod pin;
mod random;
mod reader;
mod select;
mod t0;
