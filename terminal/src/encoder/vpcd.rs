//! The reader's side of the vpcd protocol: a listening port is an encoder, a connection is a card put in.
//!
//! Each message is a two-byte big-endian length and that many bytes. A message of one byte from the reader is a control: 00 power off,
//! 01 power on, 02 reset (none of them answered), 04 get ATR. All else is a command APDU, answered by a response APDU.
//! A card that is ejected is powered off before the connection ends; a line that dies ends it without.

use crate::card::ANSWER_DEADLINE;
use crate::error::Error;
use fuda_card::apdu::Command;
use fuda_card::atr::Atr;
use fuda_card::transport::{T0, TransmitError, Transport, transmit};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

const POWER_OFF: u8 = 0x00;
const POWER_ON: u8 = 0x01;
const GET_ATR: u8 = 0x04;

/// Taken from a connection at once: a short APDU's answer with its length, several times over.
const READ_BYTES: usize = 1024;

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
    /// [`Error::Listen`] when the address is taken or not ours.
    pub fn listen(host: &str, port: u16) -> Result<Self, Error> {
        let name = format!("vpcd:{port}");
        let listen = |error: io::Error| Error::Listen { address: format!("{host}:{port}"), error: error.kind() };
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
    /// [`Error::CardGone`] or [`Error::CardSilent`] when the card that came does not start.
    pub fn insert(&self, wait: Duration) -> Result<Option<VpcdCard>, Error> {
        let gone = |_| Error::CardGone { reader: self.name.clone() };
        let timeout =
            Timespec { tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX), tv_nsec: wait.subsec_nanos().into() };
        match poll(&mut [PollFd::new(&self.listener, PollFlags::IN)], Some(&timeout)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(None),
            Ok(_) => {}
            Err(error) => return Err(gone(io::Error::from(error))),
        }
        let stream = match self.listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(gone(error)),
        };
        VpcdCard::power_on(&self.name, stream).map(Some)
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

/// The connection to a card. What came is taken with one call, length and message together.
#[derive(Debug)]
struct Line {
    encoder: String,
    stream: BufReader<TcpStream>,
    deadline: Duration,
}

impl VpcdCard {
    fn power_on(encoder: &str, stream: TcpStream) -> Result<Self, Error> {
        let prepared = stream
            .set_nonblocking(false)
            .and_then(|()| stream.set_nodelay(true))
            .and_then(|()| stream.set_read_timeout(Some(ANSWER_DEADLINE)))
            .and_then(|()| stream.set_write_timeout(Some(ANSWER_DEADLINE)));
        let encoder = encoder.to_owned();
        if prepared.is_err() {
            return Err(Error::CardGone { reader: encoder });
        }
        let stream = BufReader::with_capacity(READ_BYTES, stream);
        let mut line = Line { encoder, stream, deadline: ANSWER_DEADLINE };
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

    /// Waits so long for each answer from now on, instead of [`ANSWER_DEADLINE`].
    ///
    /// # Errors
    /// [`Error::CardGone`] when the connection is closed.
    pub fn answer_within(&mut self, limit: Duration) -> Result<(), Error> {
        self.line.answer_within(limit)
    }

    /// Powers the card off and gives it out. A card that is already gone needs no ejecting.
    pub fn eject(mut self) {
        let _ = self.line.send(&[POWER_OFF]);
    }
}

impl Line {
    fn answer_within(&mut self, limit: Duration) -> Result<(), Error> {
        if limit != self.deadline {
            self.stream.get_ref().set_read_timeout(Some(limit)).map_err(|error| self.failed(&error))?;
            self.deadline = limit;
        }
        Ok(())
    }

    fn failed(&self, error: &io::Error) -> Error {
        let reader = self.encoder.clone();
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                Error::CardSilent { reader, deadline: self.deadline }
            }
            _ => Error::CardGone { reader },
        }
    }

    fn send(&mut self, message: &[u8]) -> Result<(), Error> {
        let length = u16::try_from(message.len()).map_err(|_| Error::CommandTooLong { len: message.len() })?;
        let mut frame = Vec::with_capacity(message.len() + 2);
        frame.extend_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(message);
        // One write per message: two would wait for the delayed acknowledgement of the first.
        self.stream.get_mut().write_all(&frame).map_err(|error| self.failed(&error))
    }

    fn receive(&mut self) -> Result<Vec<u8>, Error> {
        let mut length = [0; 2];
        self.stream.read_exact(&mut length).map_err(|error| self.failed(&error))?;
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        self.stream.read_exact(&mut message).map_err(|error| self.failed(&error))?;
        Ok(message)
    }
}

impl Transport for Line {
    type Error = Error;

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
        self.send(command)?;
        self.receive()
    }
}

impl Transport for VpcdCard {
    type Error = Error;

    /// Sends a command and follows 61xx and 6Cxx to the whole answer, as a reader's driver does.
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
        let Ok(command) = Command::decode(command) else { return self.line.transmit(command) };
        let answer = match self.protocol {
            Protocol::T0 => transmit(&mut T0(&mut self.line), &command),
            Protocol::T1 => transmit(&mut self.line, &command),
        };
        answer.map(|response| response.encode()).map_err(|error| match error {
            TransmitError::Transport(error) => error,
            error => Error::CardAnswer { reader: self.line.encoder.clone(), what: error.to_string() },
        })
    }
}
