//! A list of serials: `serial,printed`, one row per card.

use std::collections::HashMap;

use fuda_cli::{Failure, Source};

use super::CheckDigit;
use super::serial::{SERIAL_CHARS_MAX, Serial, serial_fits};

const HEADER: [&str; 2] = ["serial", "printed"];

/// Longest printed text, in characters: one line on a package.
const PRINTED_CHARS_MAX: usize = 64;

/// Reads the rows of `source` from byte `begin` on; refuses duplicates of either column.
pub(super) fn read(source: &Source, begin: usize, check: Option<CheckDigit>) -> Result<Vec<Serial>, Failure> {
    let text = source.text();
    let body = text.get(begin..).unwrap_or_default();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(body.as_bytes());
    let (lines, printed_lines) = (HashMap::new(), HashMap::new());
    let mut rows = Rows { source, check, serials: Vec::new(), lines, printed_lines, counted: (0, 1) };
    let mut header_seen = false;
    for record in reader.records() {
        let record = record.map_err(|error| {
            let at = error.position().map_or(0, |position| usize::try_from(position.byte()).unwrap_or(0));
            Failure::input(source, begin + at, "the row is not CSV", "give serial,printed in UTF-8")
        })?;
        let at = record.position().map_or(0, |position| usize::try_from(position.byte()).unwrap_or(0));
        // The reader counts empty lines before a row as part of it.
        let empty = text.get(begin + at..).map_or(0, |rest| rest.len() - rest.trim_start_matches(['\r', '\n']).len());
        let start = begin + at + empty;
        if header_seen {
            rows.take(&record, start)?;
        } else if record.iter().eq(HEADER) {
            header_seen = true;
        } else {
            let found: Vec<&str> = record.iter().collect();
            let what = format!("the first row is {:?}", found.join(","));
            return Err(Failure::input(source, start, what, "begin with the header serial,printed"));
        }
    }
    if !header_seen {
        return Err(Failure::input(
            source,
            begin,
            "there are no rows",
            "give the header serial,printed and one row per card",
        ));
    }
    Ok(rows.serials)
}

struct Rows<'a> {
    source: &'a Source,
    check: Option<CheckDigit>,
    serials: Vec<Serial>,
    lines: HashMap<String, usize>,
    printed_lines: HashMap<String, usize>,
    /// A byte of the text, and the line that it is in: lines are counted once, however long the list is.
    counted: (usize, usize),
}

impl Rows<'_> {
    fn take(&mut self, record: &csv::StringRecord, start: usize) -> Result<(), Failure> {
        let wrong = |offset: usize, what: String, allowed: &str| {
            Failure::input(self.source, offset, what, format!("give {allowed}"))
        };
        let (Some(serial), Some(printed), 2) = (record.get(0), record.get(1), record.len()) else {
            return Err(wrong(start, format!("the row has {} fields", record.len()), "two: serial,printed"));
        };
        let printed_at = second_field(self.source.text(), start);
        if !serial_fits(serial) {
            let allowed = format!("1 to {SERIAL_CHARS_MAX} of A-Z a-z 0-9 -");
            return Err(wrong(start, format!("the serial is {serial:?}"), &allowed));
        }
        if let Some(expected) = self.check.and_then(|check| check.mismatch(serial)) {
            return Err(wrong(
                start,
                format!("the serial {serial} has a wrong check digit"),
                &format!("{expected} at its end"),
            ));
        }
        let fits = (1..=PRINTED_CHARS_MAX).contains(&printed.chars().count());
        if !fits || printed.chars().any(char::is_control) || printed.trim() != printed {
            let allowed = format!("1 to {PRINTED_CHARS_MAX} characters without blanks at the ends");
            return Err(wrong(printed_at, format!("the printed number is {printed:?}"), &allowed));
        }
        let line = line(self.source.text(), &mut self.counted, start);
        if let Some(earlier) = self.lines.insert(serial.to_owned(), line) {
            return Err(wrong(start, format!("the serial {serial} is already on line {earlier}"), "each serial once"));
        }
        if let Some(earlier) = self.printed_lines.insert(printed.to_owned(), line) {
            let what = format!("the printed number {printed} is already on line {earlier}");
            return Err(wrong(printed_at, what, "each printed number once"));
        }
        self.serials.push(Serial { number: serial.to_owned(), printed: printed.to_owned() });
        Ok(())
    }
}

/// The line of a byte behind all those that were asked for before.
fn line(text: &str, counted: &mut (usize, usize), at: usize) -> usize {
    let passed = text.as_bytes().get(counted.0..at).unwrap_or_default();
    *counted = (at, counted.1 + passed.iter().filter(|byte| **byte == b'\n').count());
    counted.1
}

/// Where the second field of the row at `start` begins.
fn second_field(text: &str, start: usize) -> usize {
    let mut quoted = false;
    for (at, byte) in text.bytes().enumerate().skip(start) {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => return at + 1,
            b'\n' if !quoted => break,
            _ => {}
        }
    }
    start
}
