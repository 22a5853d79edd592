//! Free TCP ports in a row, so that two demos at once do not meet.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};

use crate::fail::{Exit, Failure};
use crate::places::Places;

/// Searched from here, in steps of one row. The range lies below the ports that Linux hands to outgoing connections
/// (32768–60999): a feeder that keeps connecting to a port of that range can end up connected to itself.
const LOWEST: u16 = 20_000;
const HIGHEST: u16 = 32_000;

/// A row of ports, ours for as long as this lives.
#[derive(Debug)]
pub(crate) struct Row {
    first: u16,
    length: u16,
    /// Other demos of this workspace see the lock; anybody else's program is seen by binding.
    _lock: File,
}

impl Row {
    /// Finds `length` free ports in a row on 127.0.0.1.
    ///
    /// # Errors
    /// When there is no such row, or the lock folder cannot be written.
    pub(crate) fn find(places: &Places, length: u16) -> Result<Row, Failure> {
        let dir = places.fuda.join("ports");
        std::fs::create_dir_all(&dir).map_err(|e| Failure::io("create the folder", &dir, &e))?;
        for first in (LOWEST..HIGHEST).step_by(usize::from(length)) {
            let file = dir.join(first.to_string());
            let lock = File::create(&file).map_err(|e| Failure::io("create the lock", &file, &e))?;
            if lock.try_lock().is_ok() && all_free(first, length) {
                return Ok(Row { first, length, _lock: lock });
            }
        }
        Err(Failure::new(
            "NO_PORTS",
            Exit::Lacking,
            format!("no {length} free TCP ports in a row"),
            "end some programs that listen on this machine",
        ))
    }

    /// The first of them.
    pub(crate) fn first(&self) -> u16 {
        self.first
    }

    /// The encoder specification for all of them.
    pub(crate) fn encoders(&self) -> String {
        format!("vpcd:{}", self.address())
    }

    /// The same row as an address that a feeder connects to.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}-{}", self.first, self.first + self.length - 1)
    }
}

fn all_free(first: u16, length: u16) -> bool {
    // All are held at once, then released together.
    let listeners: Vec<_> =
        (first..first + length).map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port))).collect();
    listeners.iter().all(Result::is_ok)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::all_free;

    #[test]
    fn one_taken_port_spoils_the_row() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert!(!all_free(port - 1, 3));
        drop(taken);
    }
}
