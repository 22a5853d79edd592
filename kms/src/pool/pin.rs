//! The PIN on the supervisor's side: read for each start when its source can be read again, kept and wiped otherwise.

use crate::error::Error;
use crate::frame::Framed;
use crate::pin::PinSource;
use crate::secret::Pin;

/// Where the PIN for the next worker comes from.
#[derive(Debug)]
pub(super) enum Keeper {
    /// A source that can be read for every start.
    Source(PinSource),
    /// A PIN that was given once.
    Held(Pin),
}

impl Keeper {
    /// Reads a source that can be read only once.
    pub(super) fn new(source: &PinSource) -> Result<Self, Error> {
        Ok(if source.can_be_read_again() { Self::Source(source.clone()) } else { Self::Held(source.read()?) })
    }

    /// Sends the PIN as a frame of bare bytes. A worker in its greeting waits for nothing else.
    pub(super) fn send(&self, pipe: &mut Framed) -> Result<(), Error> {
        match self {
            Self::Source(source) => pipe.send(source.read()?.expose().as_bytes()),
            Self::Held(pin) => pipe.send(pin.expose().as_bytes()),
        }
    }
}
