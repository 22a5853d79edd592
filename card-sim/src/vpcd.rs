//! Messages of vsmartcard's vpcd protocol, card side.
//!
//! TCP; every message is a two-byte big-endian length and that many bytes. One byte is control: 00 power off, 01 power
//! on, 02 reset, 04 ATR (the only one that is answered); anything longer is a command APDU.

use rustix::net::sockopt::set_tcp_quickack;
use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;

/// Control message: power off.
pub const POWER_OFF: u8 = 0x00;
/// Control message: power on.
pub const POWER_ON: u8 = 0x01;
/// Control message: warm reset.
pub const RESET: u8 = 0x02;
/// Control message: the ATR is wanted.
pub const GET_ATR: u8 = 0x04;

/// Taken from a connection at once: a short APDU with its length, several times over.
const READ_BYTES: usize = 1024;

/// Reads one message; `None` when the stream ends between two.
///
/// # Errors
/// `UnexpectedEof` when it ends within one, and the stream's own errors.
pub fn receive(stream: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 2];
    if !fill(stream, &mut length)? {
        return Ok(None);
    }
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message)?;
    Ok(Some(message))
}

/// Sends one message in one write.
///
/// # Errors
/// `InvalidData` for more than 65,535 bytes, and the stream's own errors.
pub fn send(stream: &mut impl Write, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    let mut frame = Vec::with_capacity(message.len() + 2);
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(message);
    stream.write_all(&frame)
}

/// Fills a buffer; `false` when the stream ends before its first byte.
fn fill(stream: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
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

/// A connection whose reads acknowledge at once, and that takes what came with one call.
#[derive(Debug)]
pub(crate) struct Prompt(BufReader<Acknowledging>);

impl Prompt {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self(BufReader::with_capacity(READ_BYTES, Acknowledging(stream)))
    }
}

impl Read for Prompt {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Prompt {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.get_mut().0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.get_mut().0.flush()
    }
}

/// The packaged driver sends length and body in two writes: without an immediate acknowledgement of the first, Nagle's
/// algorithm on its side holds the second back for 40 ms. The option does not last, so it is set before each read.
#[derive(Debug)]
struct Acknowledging(TcpStream);

impl Read for Acknowledging {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        set_tcp_quickack(&self.0, true)?;
        self.0.read(buffer)
    }
}
