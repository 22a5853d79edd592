//! A card behind any transport, with the name of the step in every error.

use crate::error::Error;
use crate::sight::Sight;
use fuda_card::apdu::{Command, Response};
use fuda_card::command::Exchange;
use fuda_card::transport::{Transport, TransportCode};
use std::fmt::Display;

/// One card on one transport.
pub(crate) struct Wire<'t, T> {
    transport: &'t mut T,
    step: String,
    commands: u32,
    sight: Option<&'t Sight>,
}

impl<'t, T: Transport<Error: TransportCode>> Wire<'t, T> {
    pub(crate) fn new(transport: &'t mut T) -> Self {
        Self { transport, step: String::new(), commands: 0, sight: None }
    }

    /// The same, with every step shown to whoever watches.
    pub(crate) const fn shown_on(mut self, sight: &'t Sight) -> Self {
        self.sight = Some(sight);
        self
    }

    /// Names the step that errors from here on belong to.
    pub(crate) fn enter(&mut self, step: &str) {
        step.clone_into(&mut self.step);
        if let Some(sight) = self.sight {
            sight.at_step(step);
        }
    }

    /// Commands sent so far.
    pub(crate) const fn commands(&self) -> u32 {
        self.commands
    }

    /// An answer that is none, in the present step.
    pub(crate) fn unreadable(&self, what: &dyn Display) -> Error {
        Error::Transport { step: self.step.clone(), what: what.to_string(), code: "CARD_ANSWER" }
    }

    /// A failure of the card in the present step.
    pub(crate) fn failed(&self, error: fuda_card::Error) -> Error {
        Error::Card { step: self.step.clone(), error }
    }

    /// Sends a command.
    pub(crate) fn transmit(&mut self, command: &Command) -> Result<Response, Error> {
        let bytes = command.encode().map_err(|error| self.failed(error.into()))?;
        let answer = Transport::transmit(self, &bytes)?;
        Response::decode(&answer).map_err(|error| self.failed(error.into()))
    }

    /// Sends a plain command that must succeed.
    pub(crate) fn exchange<E: Exchange>(&mut self, exchange: &E) -> Result<E::Answer, Error> {
        self.try_exchange(exchange)?.map_err(|error| self.failed(error))
    }

    /// Sends a plain command that the card may refuse.
    pub(crate) fn try_exchange<E: Exchange>(
        &mut self,
        exchange: &E,
    ) -> Result<Result<E::Answer, fuda_card::Error>, Error> {
        Ok(exchange.answer(&self.transmit(&exchange.command())?))
    }
}

impl<T: Transport<Error: TransportCode>> Transport for Wire<'_, T> {
    type Error = Error;

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
        self.commands += 1;
        self.transport.transmit(command).map_err(|error| Error::Transport {
            step: self.step.clone(),
            what: error.to_string(),
            code: error.code(),
        })
    }
}
