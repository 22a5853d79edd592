//! What somebody who watches an encoder may see of the card in it.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A window onto one encoder: the driver of the card writes, anybody reads.
#[derive(Debug, Default)]
pub struct Sight(Mutex<Seen>);

/// The card in the encoder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Its serial; empty until it is bound.
    pub serial: String,
    /// Step of the script; empty before the first.
    pub step: String,
}

impl Sight {
    /// What is seen now.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.lock().clone()
    }

    /// The card is out.
    pub fn clear(&self) {
        *self.lock() = Seen::default();
    }

    pub(crate) fn at_step(&self, step: &str) {
        step.clone_into(&mut self.lock().step);
    }

    pub(crate) fn of_serial(&self, serial: &str) {
        serial.clone_into(&mut self.lock().serial);
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        // A panic elsewhere leaves two texts, which stay what they are.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
