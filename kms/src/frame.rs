//! Messages on the socket between pool and worker: four bytes of length, big-endian, then that many bytes.
//!
//! Whatever is read lands in a buffer of its own that is wiped: a frame may hold session keys or a PIN.

use crate::error::Error;
use crate::wire::FRAME_BYTES_MAX;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::io::{ErrorKind, IoSlice, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Writing this much never waits for long: a worker reads at once or it hangs.
const WRITE_WAIT_MAX: Duration = Duration::from_secs(5);

/// One end of the socket.
#[derive(Debug)]
pub(crate) struct Framed {
    socket: UnixStream,
    head: [u8; 4],
    body: Zeroizing<Vec<u8>>,
    /// Bytes read of head and body together.
    filled: usize,
}

/// What came.
#[derive(Debug)]
pub(crate) enum Arrived {
    /// A whole frame.
    Frame(Zeroizing<Vec<u8>>),
    /// Nothing whole, in the time allowed.
    Nothing,
    /// The other end is closed.
    End,
}

impl Framed {
    /// Frames on a connected socket.
    pub(crate) fn new(socket: UnixStream) -> Result<Self, Error> {
        socket.set_write_timeout(Some(WRITE_WAIT_MAX)).map_err(failed)?;
        Ok(Self { socket, head: [0; 4], body: Zeroizing::new(Vec::new()), filled: 0 })
    }

    /// Writes one frame.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let length = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= FRAME_BYTES_MAX);
        let head = length.ok_or_else(|| too_long(bytes.len()))?.to_be_bytes();
        self.write(&head, bytes).map_err(failed)
    }

    /// In one go: a reader that woke up for the head alone would go to sleep again.
    fn write(&mut self, head: &[u8], body: &[u8]) -> std::io::Result<()> {
        let written = match self.socket.write_vectored(&[IoSlice::new(head), IoSlice::new(body)]) {
            Err(error) if error.kind() == ErrorKind::Interrupted => 0,
            written => written?,
        };
        self.socket.write_all(head.get(written..).unwrap_or_default())?;
        self.socket.write_all(body.get(written.saturating_sub(head.len())..).unwrap_or_default())
    }

    /// Waits for a frame until a moment; a part of one that came is kept for the next call.
    pub(crate) fn receive(&mut self, until: Instant) -> Result<Arrived, Error> {
        loop {
            if self.filled >= 4 {
                let length = usize::try_from(u32::from_be_bytes(self.head)).unwrap_or(usize::MAX);
                if length > FRAME_BYTES_MAX {
                    return Err(too_long(length));
                }
                if self.body.len() != length {
                    self.body = Zeroizing::new(vec![0; length]);
                }
                if self.filled == 4 + length {
                    self.filled = 0;
                    return Ok(Arrived::Frame(std::mem::take(&mut self.body)));
                }
            }
            if !self.readable(until)? {
                return Ok(Arrived::Nothing);
            }
            let target = match self.filled {
                filled @ 0..4 => self.head.get_mut(filled..),
                filled => self.body.get_mut(filled - 4..),
            };
            match self.socket.read(target.unwrap_or_default()) {
                Ok(0) => return Ok(Arrived::End),
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(Arrived::End),
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// Waits for a frame as long as it takes.
    pub(crate) fn receive_next(&mut self) -> Result<Arrived, Error> {
        loop {
            match self.receive(Instant::now() + Duration::from_secs(3600))? {
                Arrived::Nothing => {}
                other => return Ok(other),
            }
        }
    }

    /// Whether bytes, or the end, are there to be read before a moment.
    pub(crate) fn readable(&self, until: Instant) -> Result<bool, Error> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let seconds = i64::try_from(left.as_secs()).unwrap_or(i64::MAX);
            let wait = Timespec { tv_sec: seconds, tv_nsec: left.subsec_nanos().into() };
            match poll(&mut [PollFd::new(&self.socket, PollFlags::IN)], Some(&wait)) {
                Ok(ready) => return Ok(ready > 0),
                Err(Errno::INTR) => {}
                Err(error) => return Err(failed(error.into())),
            }
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn failed(error: std::io::Error) -> Error {
    Error::Message { text: format!("the socket to the HSM worker: {error}") }
}

fn too_long(length: usize) -> Error {
    Error::Message { text: format!("{length} bytes, more than {FRAME_BYTES_MAX}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Framed, Framed, UnixStream) {
        let (one, other) = UnixStream::pair().unwrap();
        let raw = one.try_clone().unwrap();
        (Framed::new(one).unwrap(), Framed::new(other).unwrap(), raw)
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(30)
    }

    fn frame(arrived: Arrived) -> Vec<u8> {
        match arrived {
            Arrived::Frame(bytes) => bytes.to_vec(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn frames_arrive_whole_and_in_order_then_the_end() {
        let (mut one, mut other, raw) = pair();
        for bytes in [&b"first"[..], b"", b"third"] {
            one.send(bytes).unwrap();
        }
        for bytes in [&b"first"[..], b"", b"third"] {
            assert_eq!(frame(other.receive(soon()).unwrap()), bytes);
        }
        assert!(matches!(other.receive(soon()).unwrap(), Arrived::Nothing));
        drop((one, raw));
        assert!(matches!(other.receive_next().unwrap(), Arrived::End));
    }

    #[test]
    fn a_frame_that_comes_in_pieces_is_put_together() {
        let (_one, mut other, mut raw) = pair();
        for byte in [0, 0, 0, 3, b'a', b'b'] {
            raw.write_all(&[byte]).unwrap();
            assert!(matches!(other.receive(Instant::now()).unwrap(), Arrived::Nothing));
        }
        raw.write_all(b"c").unwrap();
        assert_eq!(frame(other.receive(soon()).unwrap()), b"abc");
    }

    #[test]
    fn a_frame_that_is_too_long_is_refused_on_both_sides() {
        let (mut one, mut other, mut raw) = pair();
        assert!(matches!(one.send(&vec![0; FRAME_BYTES_MAX + 1]), Err(Error::Message { .. })));
        raw.write_all(&0x7FFF_FFFF_u32.to_be_bytes()).unwrap();
        assert!(matches!(other.receive(soon()), Err(Error::Message { .. })));
    }
}
