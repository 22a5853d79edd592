//! A trace of the wire: one line per APDU with time, port and chip.
//!
//! It holds every byte that crossed the contact, because the cards are simulated; nothing like it exists for real ones.

use crate::card::Exchange;
use crate::error::Error;
use fuda_card::id::Kdd;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A trace file, appended to.
#[derive(Debug)]
pub struct Trace(File);

impl Trace {
    /// Opens a trace file for appending.
    ///
    /// # Errors
    /// [`Error::CardFile`] when it cannot be written.
    pub fn append(path: &Path) -> Result<Self, Error> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        file.map(Self).map_err(|source| Error::CardFile { path: path.to_owned(), source })
    }

    /// Writes `seconds-since-1970 port chip command -> answer (time the card took)`.
    ///
    /// A trace that cannot be written is not worth a card: the line is lost.
    pub fn line(&self, port: u16, chip: Kdd, command: &[u8], exchange: &Exchange, took: Duration) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let answer = match exchange {
            Exchange::Answer { bytes, .. } => hex::encode_upper(bytes),
            Exchange::PulledOut => "pulled out".to_owned(),
            Exchange::Hung => "hung".to_owned(),
        };
        let command = hex::encode_upper(command);
        let (seconds, micros, took) = (now.as_secs(), now.subsec_micros(), took.as_micros());
        let line = format!("{seconds}.{micros:06} {port} {chip} {command} -> {answer} ({took} us)\n");
        // One write per line: lines of several feeders do not mix.
        let _ = (&self.0).write_all(line.as_bytes());
    }
}
