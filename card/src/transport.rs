//! What carries APDUs to a card. A definition, and the two dialogues of ISO/IEC 7816-3 that hosts must know.

mod t0;

pub use t0::T0;

use crate::apdu::{ApduError, Command, DATA_SHORT_MAX, Length, NE_SHORT_MAX, Response};
use crate::atr::LongCommands;
use crate::status::StatusWord;
use std::fmt::Display;
use thiserror::Error;

/// Most GET RESPONSE commands for one command: 65,536 bytes in pieces of 256.
const GET_RESPONSE_MAX: usize = 256;
/// INS of GET RESPONSE.
const INS_GET_RESPONSE: u8 = 0xC0;

/// Sends a command to a card and waits for its response: a reader, a socket, a simulated card.
pub trait Transport {
    /// What the transport reports when it cannot.
    type Error;

    /// Transmits a command APDU and returns the response APDU.
    ///
    /// # Errors
    /// The transport's own; the card's state is unknown then.
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Self::Error>;
}

/// Errors of a transport that have stable codes: what happened between us and the card, as far as the transport can tell.
pub trait TransportCode: Display {
    /// The code, such as `CARD_GONE`.
    fn code(&self) -> &'static str;
}

impl<T: Transport + ?Sized> Transport for &mut T {
    type Error = T::Error;

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, T::Error> {
        (**self).transmit(command)
    }
}

/// Transmits a command, follows 61xx with GET RESPONSE and repeats the command once with the Ne that 6Cxx names.
///
/// A command under secure messaging is never repeated: its MAC is in the card's chain already, so the same bytes a second time would end
/// the channel. Its 6Cxx goes to the caller. GET RESPONSE is no part of the chain and is repeated.
///
/// # Errors
/// [`TransmitError::Transport`], [`TransmitError::Apdu`], or [`TransmitError::Endless`] for a card that never ends.
pub fn transmit<T: Transport>(transport: &mut T, command: &Command) -> Result<Response, TransmitError<T::Error>> {
    let response = if command.is_secured() { once(transport, command)? } else { exactly(transport, command)? };
    let mut data = response.data;
    let mut sw = response.sw;
    // The class of GET RESPONSE is that of the command without secure messaging and chaining: its logical channel alone.
    let cla = command.cla & 0x03;
    for _ in 0..GET_RESPONSE_MAX {
        let Some(ne) = sw.bytes_available() else { return Ok(Response { data, sw }) };
        let more = exactly(transport, &Command::new(cla, INS_GET_RESPONSE, 0x00, 0x00).with_ne(ne))?;
        data.extend_from_slice(&more.data);
        sw = more.sw;
    }
    Err(TransmitError::Endless)
}

/// Transmits a command of any length as the card can take it: whole where its data fits a short command or the card has extended length
/// fields, else as a chain, each part answered with 9000 before the next goes out.
///
/// # Errors
/// As [`transmit`]; [`TransmitError::TooLong`] for a card that has neither.
pub fn transmit_long<T: Transport>(
    transport: &mut T,
    command: &Command,
    long: LongCommands,
) -> Result<Response, TransmitError<T::Error>> {
    if long == LongCommands::Extended {
        return transmit(transport, command);
    }
    let short = Command { ne: command.ne.map(|ne| ne.min(NE_SHORT_MAX)), length: Length::Short, ..command.clone() };
    if short.data.len() <= DATA_SHORT_MAX {
        return transmit(transport, &short);
    }
    if long == LongCommands::Unsupported {
        return Err(TransmitError::TooLong { len: command.data.len() });
    }
    let mut response = Response::status(StatusWord::SUCCESS);
    for part in short.chain(DATA_SHORT_MAX)? {
        response = transmit(transport, &part)?;
        if !response.sw.is_success() {
            break;
        }
    }
    Ok(response)
}

/// Repeats a command once with the Ne that 6Cxx names.
fn exactly<T: Transport>(transport: &mut T, command: &Command) -> Result<Response, TransmitError<T::Error>> {
    let response = once(transport, command)?;
    match response.sw.exact_ne() {
        Some(ne) if response.data.is_empty() => once(transport, &Command { ne: Some(ne), ..command.clone() }),
        _ => Ok(response),
    }
}

fn once<T: Transport>(transport: &mut T, command: &Command) -> Result<Response, TransmitError<T::Error>> {
    let bytes = command.encode()?;
    let response = transport.transmit(&bytes).map_err(TransmitError::Transport)?;
    Ok(Response::decode(&response)?)
}

/// Why a command has no response.
#[derive(Debug, Error)]
pub enum TransmitError<E> {
    /// The transport failed.
    #[error("the transport failed")]
    Transport(#[source] E),
    /// The command or the response is no APDU. A card pulled out mid-command answers zero bytes on many readers.
    #[error(transparent)]
    Apdu(#[from] ApduError),
    /// The card has neither extended length nor command chaining.
    #[error("{len} data bytes, and the card takes no command of more than {DATA_SHORT_MAX}")]
    TooLong {
        /// Data bytes of the command.
        len: usize,
    },
    /// The card announces more data again and again.
    #[error("the card announced more than {GET_RESPONSE_MAX} further pieces of a response")]
    Endless,
}
