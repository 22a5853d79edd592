//! Any error as a failure of a measurement: what was being done, and what the error said.

use fuda_cli::{Exit, Failure};
use std::fmt::Display;

/// Says what was being done when something failed.
pub trait Doing<T> {
    /// The value, or a [`Failure`] that names the act.
    ///
    /// # Errors
    /// `BENCH_FAILED` when it was an error.
    fn doing(self, act: &str) -> Result<T, Failure>;
}

impl<T, E: Display> Doing<T> for Result<T, E> {
    fn doing(self, act: &str) -> Result<T, Failure> {
        self.map_err(|error| failed(format!("cannot {act}: {error}")))
    }
}

/// A measurement that cannot go on.
#[must_use]
pub fn failed(what: String) -> Failure {
    Failure::new("BENCH_FAILED", Exit::Bug, what)
}
