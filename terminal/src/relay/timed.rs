//! A TCP connection with one deadline for all that happens on it until the next one is set.
//!
//! Time limits of a socket are per call, so a peer that sends a byte now and then would keep us for ever.

use super::stop::Stop;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

/// One wait, before the person's wish to stop is looked at.
const SLICE: Duration = Duration::from_millis(250);
/// For one of the host's addresses.
const CONNECT: Duration = Duration::from_secs(4);
/// Addresses of a host that are tried.
const ADDRESSES_MAX: usize = 4;

/// A connection that ends waiting at a time.
#[derive(Debug)]
pub(super) struct Timed {
    stream: TcpStream,
    until: Instant,
    stop: Stop,
}

impl Timed {
    /// Connects to a host.
    pub(super) fn connect(host: &str, port: u16, until: Instant, stop: &Stop) -> io::Result<Self> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in resolve(host, port, until)?.into_iter().take(ADDRESSES_MAX) {
            match TcpStream::connect_timeout(&address, left(until)?.min(CONNECT)) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(Self { stream, until, stop: stop.clone() });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    pub(super) const fn set_until(&mut self, until: Instant) {
        self.until = until;
    }

    fn wait(&self) -> io::Result<Duration> {
        if self.stop.is_overdue() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "stopped"));
        }
        left(self.until).map(|left| left.min(SLICE))
    }
}

fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

const fn is_wait(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

/// The system's resolver has no deadline; a thread that waits for it may stay behind.
fn resolve(host: &str, port: u16, until: Instant) -> io::Result<Vec<SocketAddr>> {
    let (sender, found) = sync_channel(1);
    let host = host.to_owned();
    thread::spawn(move || {
        let addresses = (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
        // Nobody waits any more: the answer came too late.
        let _ = sender.send(addresses);
    });
    found.recv_timeout(left(until)?).map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.stream.set_read_timeout(Some(self.wait()?))?;
            match self.stream.read(buffer) {
                Err(error) if is_wait(error.kind()) => {}
                ended => return ended,
            }
        }
    }
}

impl Write for Timed {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        loop {
            self.stream.set_write_timeout(Some(self.wait()?))?;
            match self.stream.write(buffer) {
                Err(error) if is_wait(error.kind()) => {}
                ended => return ended,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
