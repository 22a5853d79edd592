//! An open channel: one command, one response, in turn.

use super::channel::CardProof;
use super::level::{Mode, SecurityLevel, plain_data_max};
use super::session::Session;
use crate::apdu::{Command, Length, Response};
use crate::error::Error;

/// An open channel: both sides are proved. It wraps one command and then waits for its response.
#[derive(Debug)]
pub struct Authenticated {
    session: Session,
    proof: CardProof,
}

impl Authenticated {
    pub(super) const fn new(session: Session, proof: CardProof) -> Self {
        Self { session, proof }
    }

    /// The card's proof, for the commands that demand it.
    #[must_use]
    pub const fn proof(&self) -> &CardProof {
        &self.proof
    }

    /// The level that the next command and its response are protected at.
    #[must_use]
    pub const fn level(&self) -> SecurityLevel {
        self.session.level
    }

    /// S8 or S16.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.session.mode
    }

    /// Most plain data bytes that [`Authenticated::wrap`] takes in a command with length fields of this form.
    #[must_use]
    pub const fn plain_data_max(&self, length: Length) -> usize {
        plain_data_max(self.session.mode, self.session.level, length)
    }

    /// A command as a chain of plain commands that each fit a short command at this level. Each is wrapped, sent and answered by itself:
    /// with a C-MAC over its own class byte, its own count of the encryption counter, its own R-MAC.
    ///
    /// # Errors
    /// [`Error::Apdu`], which no level of SCP03 leads to.
    pub fn chain(&self, command: &Command) -> Result<Vec<Command>, Error> {
        Ok(command.chain(self.plain_data_max(Length::Short))?)
    }

    /// Encrypts and signs a command, as the level says.
    ///
    /// # Errors
    /// [`Error::CommandTooLong`] above [`Authenticated::plain_data_max`]; [`Error::ClassNotSupported`] for a class that
    /// has no GlobalPlatform secure messaging; [`Error::SecurityLevel`] for a BEGIN R-MAC SESSION that leads to no level.
    pub fn wrap(mut self, command: &Command) -> Result<(Sent, Command), Error> {
        let level_then = self.session.level_after(command)?;
        let wrapped = self.session.wrap(command)?;
        Ok((Sent { session: self.session, proof: self.proof, ins: command.ins, level_then }, wrapped))
    }
}

/// A command is on its way; the channel goes on with its response.
#[derive(Debug)]
pub struct Sent {
    session: Session,
    proof: CardProof,
    ins: u8,
    level_then: SecurityLevel,
}

impl Sent {
    /// The card's proof.
    #[must_use]
    pub const fn proof(&self) -> &CardProof {
        &self.proof
    }

    /// INS of the command on its way.
    #[must_use]
    pub const fn ins(&self) -> u8 {
        self.ins
    }

    /// What a card that answers `plain` sends: the same bytes that it makes, known before it was asked.
    #[must_use]
    pub fn foreseen(&self, plain: &Response) -> Response {
        self.session.protect(plain)
    }

    /// Verifies and decrypts the response. A status word that reports an error leaves the channel open; it is not
    /// signed, so it says nothing reliable about what the card did.
    ///
    /// # Errors
    /// [`Error::DataWithErrorStatus`], [`Error::ResponseMacMissing`], [`Error::ResponseMac`], [`Error::ResponsePadding`]:
    /// the response is not the card's, and the channel is gone.
    pub fn response(self, response: &Response) -> Result<(Authenticated, Response), Error> {
        let Self { mut session, proof, level_then, .. } = self;
        let plain = session.unwrap(response)?;
        if plain.sw.is_success() {
            session.level = level_then;
        }
        Ok((Authenticated { session, proof }, plain))
    }
}
