//! Encoders: the reader stations of the line.

mod spec;
mod vpcd;

use fuda_cli::{Exit, Failure};
use fuda_issuance::TransportCode;

pub use spec::{ENCODERS_MAX, EncoderSpec, SpecError};
pub use vpcd::{EncoderError, VpcdCard, VpcdEncoder};

impl TransportCode for EncoderError {
    fn code(&self) -> &'static str {
        Self::code(self)
    }
}

/// The report of an encoder that cannot be used.
pub(crate) fn failure(error: &EncoderError) -> Failure {
    Failure::new(error.code(), Exit::Reader, error.to_string()).remedy("see who uses the port, or name another one")
}
