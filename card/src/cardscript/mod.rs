//! Card script protocol, version 1: what a terminal and the service centre say to each other.
//!
//! The terminal is an untrusted relay. It sends [`TerminalMessage`]s, each with its place in the session, and gets exactly one
//! [`CentreMessage`] for each. (`sid`, `seq`) is the key of a message: the same body again gets the same answer again, another body under the
//! same key is refused. Whatever carries them (WebSocket, HTTPS POST, a stream) carries the same bodies:
//!
//! ```text
//! terminal: open(seq 0) ───► centre:  script | wait | ask | done | error     (same sid and seq)
//!           result(seq n+1)           script | …
//! ```
//!
//! JSON, byte strings in upper-case hex, at most 64 KiB. Unknown members are refused: an older centre must not guess what a newer terminal
//! meant. [`decode`] and [`encode`] are the only way in and out; both check the limits of [`limits`].

mod bytes;
mod centre;
pub mod limits;
mod run;
mod terminal;

pub use bytes::{HexBytes, ScriptId, SessionId};
pub use centre::{Ask, AskFor, CentreMessage, Done, Fault, Match, Outcome, Problem, Receipt, Script, Step, Wait};
pub use run::{Due, Runner};
pub use terminal::{
    Answer, Cancel, CardHint, End, Open, Program, Purpose, Resume, ScriptResult, TerminalMessage, Transport,
};

use limits::MESSAGE_BYTES_MAX;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// WebSocket subprotocol, and the media type's parameter, of this version in JSON.
pub const SUBPROTOCOL: &str = "cardscript.v1+json";

/// Bytes that are no message of the protocol.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MessageError {
    /// Too long.
    #[error("{bytes} bytes; a message has at most {MESSAGE_BYTES_MAX}")]
    TooLong {
        /// Length found.
        bytes: usize,
    },
    /// Not JSON, or not of the schema.
    #[error("line {line}, column {column}: {what}")]
    Json {
        /// Line of the text, from 1.
        line: usize,
        /// Column of the line, from 1.
        column: usize,
        /// What is wrong, without the text itself.
        what: String,
    },
    /// More of something than the protocol allows.
    #[error("{found} {what}; at most {max}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How much there is.
        found: usize,
        /// The limit.
        max: usize,
    },
    /// Two parts of a message that contradict each other.
    #[error("{what}")]
    Contradiction {
        /// Which.
        what: &'static str,
    },
}

/// A message that knows its limits.
pub trait Message: Serialize + DeserializeOwned {
    /// Checks what the schema cannot say.
    ///
    /// # Errors
    /// [`MessageError::TooMany`], [`MessageError::Contradiction`].
    fn check(&self) -> Result<(), MessageError>;
}

/// Reads a message.
///
/// # Errors
/// Every [`MessageError`].
pub fn decode<M: Message>(text: &[u8]) -> Result<M, MessageError> {
    if text.len() > MESSAGE_BYTES_MAX {
        return Err(MessageError::TooLong { bytes: text.len() });
    }
    let message: M = serde_json::from_slice(text).map_err(|error| json_error(&error))?;
    message.check()?;
    Ok(message)
}

/// Writes a message.
///
/// # Errors
/// [`MessageError::TooLong`], [`MessageError::TooMany`], [`MessageError::Contradiction`]: the message was made wrong.
pub fn encode<M: Message>(message: &M) -> Result<String, MessageError> {
    message.check()?;
    let text = serde_json::to_string(message).map_err(|error| json_error(&error))?;
    if text.len() > MESSAGE_BYTES_MAX { Err(MessageError::TooLong { bytes: text.len() }) } else { Ok(text) }
}

/// The reason without the values in the text, which may be somebody's data.
fn json_error(error: &serde_json::Error) -> MessageError {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "the text ends in the middle".to_owned(),
        serde_json::error::Category::Syntax => "not JSON".to_owned(),
        _ => schema_fault(&error.to_string()),
    };
    MessageError::Json { line: error.line(), column: error.column(), what }
}

/// `serde` quotes the names of members and variants, which are ours, and values of wrong type, which are not.
fn schema_fault(text: &str) -> String {
    let told = ["missing field", "unknown field", "unknown variant", "duplicate field", "not hex"];
    match told.iter().find(|start| text.starts_with(**start)) {
        Some(&"missing field" | &"duplicate field") => text.split(" at line").next().unwrap_or("a member").to_owned(),
        Some(&"unknown field") => "a member that the protocol does not have".to_owned(),
        Some(&"unknown variant") => "a word that the protocol does not have".to_owned(),
        Some(_) => "a byte string that is not upper-case hex of the right length".to_owned(),
        None => "a value of another type than the protocol has there".to_owned(),
    }
}

fn at_most(what: &'static str, found: usize, max: usize) -> Result<(), MessageError> {
    if found > max { Err(MessageError::TooMany { what, found, max }) } else { Ok(()) }
}
