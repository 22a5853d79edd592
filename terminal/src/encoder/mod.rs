//! Encoders: places where one card after the other is put in, vpcd or PC/SC.

mod pcsc;
mod spec;
mod vpcd;

use crate::card::PcscCard;
use crate::error::Error;
use crate::reader::Readers;
use fuda_card::transport::Transport;
use std::time::Duration;

pub use pcsc::PcscEncoder;
pub use spec::{ENCODERS_MAX, EncoderSpec, ReaderSpec, SpecError};
pub use vpcd::{VpcdCard, VpcdEncoder};

/// One reader station.
#[derive(Debug)]
pub enum Encoder {
    /// A port that cards connect to.
    Vpcd(VpcdEncoder),
    /// A reader of this machine.
    Pcsc(PcscEncoder),
}

/// A powered card in an encoder. Dropped, it is still in there; ejected, it is done with.
#[derive(Debug)]
pub enum EncoderCard<'e> {
    /// Behind a connection.
    Vpcd(VpcdCard),
    /// In a reader of this machine.
    Pcsc(PcscCard, &'e PcscEncoder),
}

impl Encoder {
    /// Opens every encoder that a specification names, or none.
    ///
    /// # Errors
    /// [`Error::Listen`] for a port that is taken; [`Error::Service`], [`Error::NoReader`] without the service or such a reader.
    pub fn open(spec: &EncoderSpec) -> Result<Vec<Self>, Error> {
        match spec {
            EncoderSpec::Vpcd { host, first, last } => {
                (*first..=*last).map(|port| VpcdEncoder::listen(host, port).map(Self::Vpcd)).collect()
            }
            EncoderSpec::Pcsc { pattern } => {
                let names = Readers::open()?.named(pattern)?;
                names.iter().map(|name| Ok(Self::Pcsc(PcscEncoder::open(name)?))).collect()
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
    pub fn insert(&self, wait: Duration) -> Result<Option<EncoderCard<'_>>, Error> {
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

    /// Waits so long for each answer from now on.
    ///
    /// # Errors
    /// [`Error::CardGone`].
    pub fn answer_within(&mut self, limit: Duration) -> Result<(), Error> {
        match self {
            Self::Vpcd(card) => card.answer_within(limit),
            Self::Pcsc(card, _) => {
                card.answer_within(limit);
                Ok(())
            }
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
    type Error = Error;

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
        match self {
            Self::Vpcd(card) => card.transmit(command),
            Self::Pcsc(card, _) => card.transmit(command),
        }
    }
}
