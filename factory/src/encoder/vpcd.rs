//! The reader's side of the vpcd protocol: a listening port is an encoder, a connection is a card put in.
//!
//! Each message is a two-byte big-endian length and that many bytes. A message of one byte from the reader is a control: 00 power off,
//! 01 power on, 02 reset (none of them answered), 04 get ATR. All else is a command APDU, answered by a response APDU.
//! A card that is ejected is powered off before the connection ends; a line that dies ends it without.

use fuda_card::apdu::Command;
use fuda_card::atr::Atr;
use fuda_card::transport::{T0, TransmitError, Transport, transmit};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;
use thiserror::Error;

const POWER_OFF: u8 = 0x00;
const POWER_ON: u8 = 0x01;
const GET_ATR: u8 = 0x04;

/// How long a card may take for one answer. The slowest real command here, a key write, takes under a second.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);

/// Longest message: an extended response of 65,536 bytes and its status word do not fit a two-byte length, so this is the protocol's own limit.
const MESSAGE_BYTES_MAX: usize = u16::MAX as usize;

/// An encoder: one listening port.
#[derive(Debug)]
pub struct VpcdEncoder {
    name: String,
    listener: TcpListener,
}

impl VpcdEncoder {
    /// Starts to listen.
    ///
    /// # Errors
    /// [`EncoderError::Listen`] when the address is taken or not ours.
    pub fn listen(host: &str, port: u16) -> Result<Self, EncoderError> {
        let name = format!("vpcd:{port}");
        let listen = |error| EncoderError::Listen { address: format!("{host}:{port}"), error };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let listener = TcpListener::bind((host, port)).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        Ok(Self { name, listener })
    }

    /// Name of this encoder in reports.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits up to `wait` for a card and powers it on; `None` when none was put in.
    ///
    /// # Errors
    /// [`EncoderError::CardGone`] or [`EncoderError::Silent`] when the card that came does not start.
    pub fn insert(&self, wait: Duration) -> Result<Option<VpcdCard>, EncoderError> {
        let gone = |error| EncoderError::CardGone { error };
        let timeout =
            Timespec { tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX), tv_nsec: wait.subsec_nanos().into() };
        match poll(&mut [PollFd::new(&self.listener, PollFlags::IN)], Some(&timeout)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(None),
            Ok(_) => {}
            Err(error) => return Err(gone(error.into())),
        }
        let stream = match self.listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(gone(error)),
        };
        VpcdCard::power_on(stream).map(Some)
    }
}

/// A powered card in an encoder.
#[derive(Debug)]
pub struct VpcdCard {
    line: Line,
    atr: Vec<u8>,
    protocol: Protocol,
}

/// How the card takes commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    /// Data one way per command.
    T0,
    /// Whole APDUs.
    T1,
}

/// The connection to a card.
#[derive(Debug)]
struct Line(TcpStream);

impl VpcdCard {
    fn power_on(stream: TcpStream) -> Result<Self, EncoderError> {
        let prepared = stream
            .set_nonblocking(false)
            .and_then(|()| stream.set_nodelay(true))
            .and_then(|()| stream.set_read_timeout(Some(ANSWER_DEADLINE)))
            .and_then(|()| stream.set_write_timeout(Some(ANSWER_DEADLINE)));
        prepared.map_err(|error| EncoderError::CardGone { error })?;
        let mut line = Line(stream);
        line.send(&[POWER_ON])?;
        line.send(&[GET_ATR])?;
        let atr = line.receive()?;
        // The first protocol that a card offers is the one it speaks when nobody asks for another (ISO/IEC 7816-3:2006 §8.2.3).
        let first = Atr::inspect(&atr).protocols.first().copied();
        let protocol = if first == Some(0) { Protocol::T0 } else { Protocol::T1 };
        Ok(Self { line, atr, protocol })
    }

    /// The answer to reset.
    #[must_use]
    pub fn atr(&self) -> &[u8] {
        &self.atr
    }

    /// Powers the card off and gives it out. A card that is already gone needs no ejecting.
    pub fn eject(mut self) {
        let _ = self.line.send(&[POWER_OFF]);
    }
}

impl Line {
    fn send(&mut self, message: &[u8]) -> Result<(), EncoderError> {
        let length = u16::try_from(message.len()).map_err(|_| EncoderError::MessageTooLong { len: message.len() })?;
        let mut frame = Vec::with_capacity(message.len() + 2);
        frame.extend_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(message);
        // One write per message: two would wait for the delayed acknowledgement of the first.
        self.0.write_all(&frame).map_err(EncoderError::from_io)
    }

    fn receive(&mut self) -> Result<Vec<u8>, EncoderError> {
        let mut length = [0; 2];
        self.0.read_exact(&mut length).map_err(EncoderError::from_io)?;
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        self.0.read_exact(&mut message).map_err(EncoderError::from_io)?;
        Ok(message)
    }
}

impl Transport for Line {
    type Error = EncoderError;

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, EncoderError> {
        self.send(command)?;
        self.receive()
    }
}

impl Transport for VpcdCard {
    type Error = EncoderError;

    /// Sends a command and follows 61xx and 6Cxx to the whole answer, as a reader's driver does.
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, EncoderError> {
        let Ok(command) = Command::decode(command) else { return self.line.transmit(command) };
        let answer = match self.protocol {
            Protocol::T0 => transmit(&mut T0(&mut self.line), &command),
            Protocol::T1 => transmit(&mut self.line, &command),
        };
        answer.map(|response| response.encode()).map_err(|error| match error {
            TransmitError::Transport(error) => error,
            error => EncoderError::Answer { what: error.to_string() },
        })
    }
}

/// What an encoder can report instead of an answer.
#[derive(Debug, Error)]
pub enum EncoderError {
    /// The port cannot be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Host and port.
        address: String,
        /// Why.
        error: io::Error,
    },
    /// The card was taken out, or the connection to it broke.
    #[error("the card was taken out: {error}")]
    CardGone {
        /// What the connection said.
        error: io::Error,
    },
    /// The card did not answer in time.
    #[error("the card did not answer within {} s", ANSWER_DEADLINE.as_secs())]
    Silent,
    /// What the card answered is no response.
    #[error("the card's answer makes no sense: {what}")]
    Answer {
        /// What is wrong with it.
        what: String,
    },
    /// A reader of this machine, or the card in it.
    #[error(transparent)]
    Pcsc(#[from] fuda_terminal::Error),
    /// A command that the protocol cannot carry.
    #[error("a command of {len} bytes does not fit a vpcd message (at most {MESSAGE_BYTES_MAX})")]
    MessageTooLong {
        /// Its length.
        len: usize,
    },
}

impl EncoderError {
    fn from_io(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::Silent,
            _ => Self::CardGone { error },
        }
    }

    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Listen { .. } => "ENCODER_LISTEN",
            Self::CardGone { .. } => "CARD_GONE",
            Self::Silent => "CARD_SILENT",
            Self::Answer { .. } => "CARD_ANSWER",
            Self::Pcsc(error) => error.code(),
            Self::MessageTooLong { .. } => "COMMAND_TOO_LONG",
        }
    }
}
