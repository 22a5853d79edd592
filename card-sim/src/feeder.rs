//! A feeder: puts one card after the other into a reader that speaks the vpcd protocol.
//!
//! One connection is one card put in. It ends behind a power off: the card was ejected, the next one is taken. It ends
//! otherwise: the line died or the card fell out, and the same card is put in again.

use crate::authenticate::TryDelay;
use crate::card::{Card, Exchange};
use crate::error::Error;
use crate::fault::{Fault, Faults};
use crate::stack::{Drawn, Stack};
use crate::trace::Trace;
use crate::vpcd::{GET_ATR, POWER_OFF, POWER_ON, Prompt, RESET, receive, send};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long to wait before the next attempt to reach a reader, so that a line can be killed and started again.
const RETRY: Duration = Duration::from_millis(50);

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
pub enum End {
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
            let ended = connect(reader).map(|mut stream| present(&mut card, &mut stream, reader.port(), handling));
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

fn connect(reader: SocketAddr) -> io::Result<Prompt> {
    let stream = TcpStream::connect(reader)?;
    stream.set_nodelay(true)?;
    Ok(Prompt::new(stream))
}

/// One card in one reader, until the connection ends or breaks; `port` names the reader in the trace.
pub fn present(card: &mut Card, stream: &mut (impl Read + Write), port: u16, handling: &Handling) -> End {
    let mut end = End::Interrupted;
    while let Ok(Some(message)) = receive(stream) {
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
        if answer.is_some_and(|answer| send(stream, &answer).is_err()) {
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
