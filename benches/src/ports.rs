//! Free TCP ports in a row for simulated encoders.

use crate::doing::failed;
use fuda_cli::Failure;
use std::net::{Ipv4Addr, TcpListener};

/// Below the ports that Linux hands to outgoing connections (32768–60999), where a feeder that keeps trying could reach itself.
const LOWEST: u16 = 20_000;
const HIGHEST: u16 = 32_000;

/// Rows of ports that another measurement on this machine is unlikely to look at in the same moment.
const ROWS: u16 = 500;

/// The first of `length` free ports in a row on 127.0.0.1.
///
/// # Errors
/// When there is no such row.
pub fn free_row(length: u16) -> Result<u16, Failure> {
    let stride = usize::from(((HIGHEST - LOWEST) / ROWS).max(length));
    let start = std::process::id() % u32::from(ROWS);
    let rows: Vec<u16> = (LOWEST..HIGHEST - length).step_by(stride).collect();
    let ordered = rows.iter().cycle().skip(usize::try_from(start).unwrap_or(0)).take(rows.len());
    for &first in ordered {
        // All are held at once, then released together.
        let held: Vec<_> = (first..first + length).map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port))).collect();
        if held.iter().all(Result::is_ok) {
            return Ok(first);
        }
    }
    Err(failed(format!("no {length} free TCP ports in a row")))
}
