//! TCP ports in a row, a row for each site of this process.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the ports that Linux hands to outgoing connections, and apart from those that `cargo xtask demo` takes.
const LOWEST: u16 = 10_000;
const COUNT: u16 = 9_900;
/// Encoders of a site.
pub const ROW: u16 = 4;

static TAKEN: AtomicU16 = AtomicU16::new(0);

/// The first of [`ROW`] free ports on 127.0.0.1.
#[must_use]
pub fn take() -> u16 {
    // Two test processes at once begin at different places; the bind below settles what is left.
    let begin = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap();
    for _ in 0..COUNT {
        let at = (u32::from(begin) + u32::from(TAKEN.fetch_add(ROW, Ordering::Relaxed))) % u32::from(COUNT);
        let first = LOWEST + u16::try_from(at).unwrap();
        let listeners = (first..first + ROW).map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)));
        if listeners.collect::<Result<Vec<_>, _>>().is_ok() {
            return first;
        }
    }
    panic!("no {ROW} free ports in a row");
}
