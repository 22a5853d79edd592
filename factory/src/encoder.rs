//! Encoders: the reader stations of the line, vpcd or PC/SC.

mod spec;
mod vpcd;

use fuda_card::transport::Transport;
use fuda_cli::{Exit, Failure};
use fuda_issuance::TransportCode;
use fuda_terminal::PcscCard;
use std::time::Duration;

pub use spec::{ENCODERS_MAX, EncoderSpec, SpecError};
pub use vpcd::{EncoderError, VpcdCard, VpcdEncoder};

/// One reader station.
#[derive(Debug)]
pub enum Encoder {
    /// A port that cards connect to.
    Vpcd(VpcdEncoder),
    /// A reader of this machine.
    Pcsc(fuda_terminal::Encoder),
}

/// A powered card in an encoder. Dropped, it is still in there; ejected, it is done with.
#[derive(Debug)]
pub enum EncoderCard<'e> {
    /// Behind a connection.
    Vpcd(VpcdCard),
    /// In a reader of this machine.
    Pcsc(PcscCard, &'e fuda_terminal::Encoder),
}

impl Encoder {
    /// Opens every encoder that a specification names, or none.
    ///
    /// # Errors
    /// [`EncoderError::Listen`] for a port that is taken; [`EncoderError::Pcsc`] without the service or such a reader.
    pub fn open(spec: &EncoderSpec) -> Result<Vec<Self>, EncoderError> {
        match spec {
            EncoderSpec::Vpcd { host, first, last } => {
                (*first..=*last).map(|port| VpcdEncoder::listen(host, port).map(Self::Vpcd)).collect()
            }
            EncoderSpec::Pcsc { pattern } => {
                let names = fuda_terminal::Readers::open()?.named(pattern)?;
                names.iter().map(|name| Ok(Self::Pcsc(fuda_terminal::Encoder::open(name)?))).collect()
            }
        }
    }

    /// Name of this encoder in reports.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Vpcd(encoder) => encoder.name(),
            Self::Pcsc(encoder) => encoder.name(),
        }
    }

    /// Waits up to `wait` for a card and powers it on; `None` when none was put in.
    ///
    /// # Errors
    /// When the card that came does not start, or the reader is gone.
    pub fn insert(&self, wait: Duration) -> Result<Option<EncoderCard<'_>>, EncoderError> {
        Ok(match self {
            Self::Vpcd(encoder) => encoder.insert(wait)?.map(EncoderCard::Vpcd),
            Self::Pcsc(encoder) => encoder.insert(wait)?.map(|card| EncoderCard::Pcsc(card, encoder)),
        })
    }
}

impl EncoderCard<'_> {
    /// The answer to reset.
    #[must_use]
    pub fn atr(&self) -> &[u8] {
        match self {
            Self::Vpcd(card) => card.atr(),
            Self::Pcsc(card, _) => card.atr(),
        }
    }

    /// Powers the card off and gives it out. A card that is already gone needs no ejecting.
    pub fn eject(self) {
        match self {
            Self::Vpcd(card) => card.eject(),
            Self::Pcsc(card, encoder) => {
                let _ = encoder.eject(card);
            }
        }
    }
}

impl Transport for EncoderCard<'_> {
    type Error = EncoderError;

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, EncoderError> {
        match self {
            Self::Vpcd(card) => card.transmit(command),
            Self::Pcsc(card, _) => Ok(card.transmit(command)?),
        }
    }
}

impl TransportCode for EncoderError {
    fn code(&self) -> &'static str {
        Self::code(self)
    }
}

/// The report of an encoder that cannot be used.
pub(crate) fn failure(error: EncoderError) -> Failure {
    match error {
        EncoderError::Pcsc(error) => error.into(),
        error => Failure::new(error.code(), Exit::Reader, error.to_string())
            .remedy("see who uses the port, or name another one"),
    }
}
