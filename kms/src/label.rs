//! What a token is called.

use crate::error::Error;
use std::fmt;

/// A token's label: 1 to 32 bytes (PKCS #11 3.1 §3.2, CK_TOKEN_INFO).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenLabel(String);

impl TokenLabel {
    /// From text.
    ///
    /// # Errors
    /// [`Error::TokenLabel`] unless it has 1 to 32 bytes, none of them a control character, and no space at its ends.
    pub fn new(text: &str) -> Result<Self, Error> {
        let fits = (1..=32).contains(&text.len()) && text.trim() == text && !text.contains(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(Error::TokenLabel { text: text.to_owned() }) }
    }

    /// As a token reports it: not judged, so that strange tokens can still be listed.
    pub(crate) fn reported(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TokenLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
