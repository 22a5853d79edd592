//! Errors of the binding as errors of ours.

use crate::error::Error;
use crate::rv::ReturnValue;

/// Gives a result of the binding the sentence of what was being done.
pub(crate) trait Doing<T> {
    /// As our error.
    fn doing(self, doing: &'static str) -> Result<T, Error>;
}

impl<T> Doing<T> for Result<T, cryptoki::error::Error> {
    fn doing(self, doing: &'static str) -> Result<T, Error> {
        self.map_err(|error| match error {
            cryptoki::error::Error::Pkcs11(value, function) => {
                Error::Token { doing, function: format!("{function:?}"), value: ReturnValue::new(value) }
            }
            other => Error::Binding { doing, text: other.to_string() },
        })
    }
}
