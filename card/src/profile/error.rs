//! What is wrong with a profile, where, and what is allowed there.

use std::ops::Range;
use thiserror::Error;

/// A profile that cannot be used. Places are in bytes of the text; line and column are the caller's to show.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{what}; {remedy}")]
pub struct ProfileError {
    /// Where it begins in the text.
    pub offset: usize,
    /// How many bytes of the text it takes.
    pub length: usize,
    /// What is wrong.
    pub what: String,
    /// What is allowed, or what to do.
    pub remedy: String,
}

impl ProfileError {
    /// The stable code of every profile error.
    pub const CODE: &'static str = "PROFILE_INVALID";

    pub(super) fn new(range: Range<usize>, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { offset: range.start, length: range.len(), what: what.into(), remedy: remedy.into() }
    }
}

impl From<toml::de::Error> for ProfileError {
    fn from(error: toml::de::Error) -> Self {
        let message = error.message();
        Self::new(error.span().unwrap_or(0..0), message, "write the members that the profile schema names, as TOML 1.1")
    }
}
