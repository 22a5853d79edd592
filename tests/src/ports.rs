//! TCP ports in a row, a row for each site, whichever process it is of.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the ports that Linux hands to outgoing connections, and apart from those that `cargo xtask demo` takes.
const LOWEST: u16 = 10_000;
/// Rows that there are.
const COUNT: u16 = 1_980;
/// Encoders of a site.
const ENCODERS: u16 = 4;

/// Rows that this process has asked for.
static ASKED: AtomicU16 = AtomicU16::new(0);

/// Ports of so many encoders on 127.0.0.1. Nobody else has them, although they are free: the port before them is this row's mark, and is
/// listened at for as long as the row is somebody's.
#[derive(Debug)]
pub struct Row {
    mark: TcpListener,
}

impl Row {
    /// A row that nobody has.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn take() -> Self {
        // Processes begin at different places, so that they seldom ask for the same one.
        let begin = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap();
        let marks = (0..COUNT).map(|_| {
            let row = (begin + ASKED.fetch_add(1, Ordering::Relaxed) % COUNT) % COUNT;
            LOWEST + row * (1 + ENCODERS)
        });
        let mut rows = marks.filter_map(|mark| listen(mark).map(|mark| Self { mark }));
        // A stranger may be at one of them.
        rows.find(|row| (0..ENCODERS).all(|encoder| listen(row.port(encoder)).is_some()))
            .expect("no free ports in a row")
    }

    /// The port of an encoder, counted from 0.
    ///
    /// # Panics
    /// When the row has no such encoder.
    #[must_use]
    pub fn port(&self, encoder: u16) -> u16 {
        assert!(encoder < ENCODERS, "a row has {ENCODERS} encoders");
        self.mark.local_addr().unwrap().port() + 1 + encoder
    }

    /// The ports of so many encoders from one on, as FIRST-LAST.
    #[must_use]
    pub fn range(&self, first: u16, encoders: u16) -> String {
        format!("{}-{}", self.port(first), self.port(first + encoders - 1))
    }
}

fn listen(port: u16) -> Option<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()
}
