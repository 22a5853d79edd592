//! Reading the file on the line: all of it once, then the set of one chip at a time.
//!
//! Kept is where each chip's line begins, 18 bytes a card; the blobs stay in the file until a chip is there.

use super::format::{Card, End, Head, LINE_BYTES_MAX};
use crate::check_value::CheckValue;
use crate::error::Error;
use crate::name::KeyVersion;
use crate::registry::Elsewhere;
use crate::sealed::SealedSet;
use fuda_cli::{Exit, Failure};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A file of sealed sets, whole and sound.
#[derive(Debug)]
pub struct SetsFile {
    file: File,
    name: String,
    of: Elsewhere,
    kek: KeyVersion,
    kek_check_value: CheckValue,
    /// Chips in rising order, and where their lines begin.
    places: Vec<([u8; 10], u64)>,
    sha256: [u8; 32],
}

impl SetsFile {
    /// Reads a file and checks every line of it.
    ///
    /// # Errors
    /// `INPUT_UNREADABLE` or `INPUT_INVALID` (exit 5) with file:line; `SETS_UNSOUND` (exit 6) when it is not what was written: cut off, or
    /// with another digest.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let unreadable = |error: std::io::Error| {
            Failure::new("INPUT_UNREADABLE", Exit::Input, format!("cannot read the file: {error}"))
                .at(name.clone())
                .remedy("name the file that `fuda-kms key sets` made")
        };
        let mut lines = Lines { reader: BufReader::new(File::open(path).map_err(unreadable)?), number: 0, offset: 0 };
        let wrong = |line: u64, what: &str| {
            Failure::new("INPUT_INVALID", Exit::Input, what)
                .at(format!("{name}:{line}:1"))
                .remedy("name the file that `fuda-kms key sets` made, with nothing changed in it")
        };
        let mut digest = Sha256::new();
        let bytes = lines.next().map_err(unreadable)?;
        let head: Head = serde_json::from_slice(&bytes).map_err(|_| wrong(1, "this is no file of key sets"))?;
        let (Some(of), Some(kek_check_value), true) = (head.origin(), head.kek_check_value(), head.is_known()) else {
            return Err(wrong(1, "this program does not know this kind of key sets"));
        };
        digest.update(&bytes);
        let mut places = Vec::new();
        let end = loop {
            let place = lines.offset;
            let bytes = lines.next().map_err(unreadable)?;
            if bytes.last() != Some(&b'\n') && bytes.len() < LINE_BYTES_MAX {
                return Err(unsound(&name, "the file ends before its end line: it is not whole"));
            }
            if let Ok(end) = serde_json::from_slice::<End>(&bytes) {
                break end;
            }
            let card =
                serde_json::from_slice::<Card>(&bytes).map_err(|_| wrong(lines.number, "this is no card's line"))?;
            if card.set(&of.version, &head.kek.0, of.length).is_none() {
                return Err(wrong(lines.number, "a key of this card is malformed"));
            }
            places.push((card.chip_id.0, place));
            digest.update(&bytes);
        };
        let sha256: [u8; 32] = digest.finalize().into();
        let count = places.len() as u64;
        if end.sha256.0 != sha256 || end.end != count || head.cards != count {
            return Err(unsound(&name, "the file is not as it was written: its digest or its count differs"));
        }
        places.sort_unstable();
        if places.windows(2).any(|pair| matches!(pair, [one, other] if one.0 == other.0)) {
            return Err(unsound(&name, "a chip comes twice"));
        }
        let file = lines.reader.into_inner();
        Ok(Self { file, name, of, kek: head.kek.0, kek_check_value, places, sha256 })
    }

    /// The version that the sets come from.
    #[must_use]
    pub const fn of(&self) -> &Elsewhere {
        &self.of
    }

    /// The KEK that opens them.
    #[must_use]
    pub const fn kek(&self) -> &KeyVersion {
        &self.kek
    }

    /// The KEK's check value where the sets were made.
    #[must_use]
    pub const fn kek_check_value(&self) -> &CheckValue {
        &self.kek_check_value
    }

    /// Cards in it.
    #[must_use]
    pub fn cards(&self) -> usize {
        self.places.len()
    }

    /// SHA-256 of its lines.
    #[must_use]
    pub const fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// The set of a chip; none when the file does not name it.
    ///
    /// # Errors
    /// [`Error::SetsChanged`] when the file has changed since it was opened.
    pub fn set(&self, chip: &[u8; 10]) -> Result<Option<SealedSet>, Error> {
        let Ok(found) = self.places.binary_search_by(|(known, _)| known.cmp(chip)) else { return Ok(None) };
        let changed = || Error::SetsChanged { file: self.name.clone() };
        let offset = self.places.get(found).map(|(_, offset)| *offset).ok_or_else(changed)?;
        let mut buffer = [0; LINE_BYTES_MAX];
        let read = self.file.read_at(&mut buffer, offset).map_err(|_| changed())?;
        let bytes = buffer.get(..read).and_then(|bytes| bytes.split(|byte| *byte == b'\n').next()).unwrap_or_default();
        let card: Card = serde_json::from_slice(bytes).map_err(|_| changed())?;
        if card.chip_id.0 != *chip {
            return Err(changed());
        }
        card.set(&self.of.version, &self.kek, self.of.length).map(Some).ok_or_else(changed)
    }
}

fn unsound(name: &str, what: &str) -> Failure {
    Failure::new("SETS_UNSOUND", Exit::Integrity, what).at(name).remedy("fetch the file again from where it was made")
}

/// Lines of bounded length with their numbers.
struct Lines {
    reader: BufReader<File>,
    number: u64,
    offset: u64,
}

impl Lines {
    /// The next line with its end; empty at the end of the file.
    fn next(&mut self) -> std::io::Result<Vec<u8>> {
        let mut line = Vec::with_capacity(512);
        self.reader.by_ref().take(LINE_BYTES_MAX as u64).read_until(b'\n', &mut line)?;
        self.number += 1;
        self.offset += line.len() as u64;
        Ok(line)
    }
}
