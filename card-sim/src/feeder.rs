//! A feeder: puts one card after the other into a reader that speaks the vpcd protocol.
//!
//! The protocol of vsmartcard's vpcd, card side: TCP, every message is a two-byte big-endian length and that many bytes;
//! one byte is control: 00 power off, 01 power on, 02 reset, 04 ATR (the only one that is answered); anything longer is
//! a command APDU. One connection is one card put in. It ends behind a power off: the card was ejected, the next one is
//! taken. It ends otherwise: the line died or the card fell out, and the same card is put in again.

use crate::authenticate::TryDelay;
use crate::card::{Card, Exchange};
use crate::error::Error;
use crate::fault::{Fault, Faults};
use crate::stack::{Drawn, Stack};
use crate::trace::Trace;
use rustix::net::sockopt::set_tcp_quickack;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long to wait before the next attempt to reach a reader, so that a line can be killed and started again.
const RETRY: Duration = Duration::from_millis(50);
const POWER_OFF: u8 = 0x00;
const POWER_ON: u8 = 0x01;
const RESET: u8 = 0x02;
const GET_ATR: u8 = 0x04;

/// How cards behave in the readers.
#[derive(Debug, Default)]
pub struct Handling {
    /// Time that every command takes.
    pub latency: Duration,
    /// Faults by chip.
    pub faults: Vec<Fault>,
    /// Where every APDU is written down.
    pub trace: Option<Trace>,
    /// Where an ejected card's file goes; it stays where it is without one.
    pub eject_to: Option<PathBuf>,
}

/// What the feeders have done so far; they share it.
#[derive(Debug, Default)]
pub struct Tally {
    /// Cards put in.
    pub presented: AtomicUsize,
    /// Cards that came out by a power off and the end of the connection.
    pub ejected: AtomicUsize,
    /// Card files that could not be read or put away.
    pub unreadable: AtomicUsize,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Power off, then the end.
    Ejected,
    /// Anything else: the card is still in the reader, or was pushed back.
    Interrupted,
}

/// Feeds a stack to one reader until the stack is empty.
///
/// # Errors
/// [`Error::CardFile`] or [`Error::CardDamaged`] for a card that cannot be read or put away.
pub fn feed(reader: SocketAddr, stack: &Stack, handling: &Handling, tally: &Tally) -> Result<(), Error> {
    while let Some(Drawn { number, path, card }) = stack.draw()? {
        let mut card = card.with_faults(Faults::of_chip(&handling.faults, number)).with_try_delay(TryDelay::CARD);
        tally.presented.fetch_add(1, Ordering::Relaxed);
        loop {
            let ended = connect(reader).map(|stream| present(&mut card, stream, reader.port(), handling));
            card.power_off();
            if matches!(ended, Ok(End::Ejected)) {
                break;
            }
            sleep(RETRY);
        }
        tally.ejected.fetch_add(1, Ordering::Relaxed);
        if let Some(folder) = &handling.eject_to {
            let target = folder.join(path.file_name().unwrap_or_default());
            std::fs::rename(&path, target).map_err(|source| Error::CardFile { path, source })?;
        }
    }
    Ok(())
}

fn connect(reader: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(reader)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// One card in one reader, until the connection ends or breaks.
fn present(card: &mut Card, mut stream: TcpStream, port: u16, handling: &Handling) -> End {
    let mut end = End::Interrupted;
    while let Ok(Some(message)) = receive(&mut stream) {
        let answer = match *message.as_slice() {
            [POWER_OFF] => {
                card.power_off();
                end = End::Ejected;
                continue;
            }
            // A reader that polls for the ATR has not powered the card again: an ejected card stays ejected.
            [GET_ATR] => Some(card.atr()),
            [POWER_ON] => {
                card.power_on();
                end = End::Interrupted;
                None
            }
            [RESET] => {
                card.reset();
                None
            }
            [] | [_] => None,
            _ => match command(card, &message, port, handling) {
                Exchange::Answer { bytes, .. } => Some(bytes),
                Exchange::PulledOut => return End::Interrupted,
                Exchange::Hung => None,
            },
        };
        if answer.is_some_and(|answer| send(&mut stream, &answer).is_err()) {
            break;
        }
    }
    end
}

/// One command: what the card does, the time it takes, the trace of it.
fn command(card: &mut Card, message: &[u8], port: u16, handling: &Handling) -> Exchange {
    let started = Instant::now();
    let exchange = card.exchange(message);
    if let Exchange::Answer { delay, .. } = exchange {
        sleep(handling.latency + delay);
    }
    if let Some(trace) = &handling.trace {
        trace.line(port, card.kdd(), message, &exchange, started.elapsed());
    }
    exchange
}

/// Reads one message; `None` when the connection ends between two.
fn receive(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 2];
    if !fill(stream, &mut length)? {
        return Ok(None);
    }
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    if fill(stream, &mut message)? { Ok(Some(message)) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Fills a buffer; `false` when the connection ends before its first byte.
///
/// The packaged driver sends length and body in two writes: without an immediate acknowledgement of the first, Nagle's
/// algorithm on its side holds the second back for 40 ms. The option does not last, so it is set before each receive.
fn fill(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<bool> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        set_tcp_quickack(&*stream, true)?;
        match stream.read(rest) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Sends one message in one write.
fn send(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    let mut frame = Vec::with_capacity(message.len() + 2);
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(message);
    stream.write_all(&frame)
}
