//! The list of chips that sets are made for: one chip identity a line, or CSV with a column `chip_id` (a delivery's `cards.csv` is one).

use fuda_cli::{Failure, Source};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// Most cards of one list: as many as one order has.
pub const CARDS_MAX: usize = 1_000_000;

/// The column of a CSV that is read; the others are anybody's.
const COLUMN: &str = "chip_id";

const ALLOWED: &str = "give 20 hex digits: the 10 bytes that the chip answers to INITIALIZE UPDATE";

/// Chip identities, each once, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardList {
    /// The chips.
    pub chips: Vec<[u8; 10]>,
    /// SHA-256 of the file's bytes.
    pub sha256: [u8; 32],
}

impl CardList {
    /// Reads a list.
    ///
    /// # Errors
    /// `INPUT_INVALID` (exit 5) with file:line:column for what is no chip identity, for one that comes twice, for no card and for too many.
    pub fn parse(source: &Source) -> Result<Self, Failure> {
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(source.text().as_bytes());
        let mut rows = Rows { source, column: None, chips: Vec::new(), lines: HashMap::new(), counted: (0, 1) };
        for record in reader.records() {
            let at = |position: Option<&csv::Position>| {
                position.map_or(0, |position| usize::try_from(position.byte()).unwrap_or(0))
            };
            let record = record.map_err(|error| {
                Failure::input(source, at(error.position()), "the row is not CSV", "give UTF-8 text, one card a line")
            })?;
            rows.take(&record, at(record.position()))?;
        }
        if rows.chips.is_empty() {
            return Err(Failure::input(source, 0, "the list names no card", ALLOWED));
        }
        Ok(Self { chips: rows.chips, sha256: Sha256::digest(source.text().as_bytes()).into() })
    }
}

struct Rows<'a> {
    source: &'a Source,
    /// Number of the column, once the first row has been seen.
    column: Option<usize>,
    chips: Vec<[u8; 10]>,
    lines: HashMap<[u8; 10], usize>,
    /// A byte of the text, and the line that it is in: lines are counted once, however long the list is.
    counted: (usize, usize),
}

impl Rows<'_> {
    fn take(&mut self, record: &csv::StringRecord, at: usize) -> Result<(), Failure> {
        // The reader counts empty lines before a row as part of it.
        let rest = self.source.text().get(at..).unwrap_or_default();
        let start = at + rest.len() - rest.trim_start_matches(['\r', '\n']).len();
        let column = match self.column {
            Some(column) => column,
            None => {
                let header = record.iter().position(|field| field == COLUMN);
                self.column = Some(header.unwrap_or(0));
                if header.is_some() {
                    return Ok(());
                }
                if record.len() > 1 {
                    let what = format!("the first row has {} fields and none is `{COLUMN}`", record.len());
                    let remedy = "give a header with `chip_id`, or one chip identity a line";
                    return Err(Failure::input(self.source, start, what, remedy));
                }
                0
            }
        };
        let text = record.get(column).unwrap_or_default();
        let place = field_at(self.source.text(), start, column);
        let mut chip = [0; 10];
        if hex::decode_to_slice(text, &mut chip).is_err() {
            return Err(Failure::input(self.source, place, format!("`{text:.40}` is no chip identity"), ALLOWED));
        }
        let line = self.line(start);
        if let Some(earlier) = self.lines.insert(chip, line) {
            let what = format!("chip {} is already on line {earlier}", hex::encode_upper(chip));
            return Err(Failure::input(self.source, place, what, "name each chip once"));
        }
        if self.chips.len() == CARDS_MAX {
            let what = format!("this is one card more than {CARDS_MAX}");
            return Err(Failure::input(self.source, place, what, "split the list"));
        }
        self.chips.push(chip);
        Ok(())
    }
}

impl Rows<'_> {
    /// The line of a byte behind all those that were asked for before.
    fn line(&mut self, at: usize) -> usize {
        let (from, line) = self.counted;
        let passed = self.source.text().as_bytes().get(from..at).unwrap_or_default();
        self.counted = (at, line + passed.iter().filter(|byte| **byte == b'\n').count());
        self.counted.1
    }
}

/// Where the field with a number begins in the row that starts at a byte.
fn field_at(text: &str, start: usize, number: usize) -> usize {
    let (mut quoted, mut field) = (false, 0);
    for (at, byte) in text.bytes().enumerate().skip(start) {
        match byte {
            _ if field == number => return at,
            b'"' => quoted = !quoted,
            b',' if !quoted => field += 1,
            b'\n' if !quoted => break,
            _ => {}
        }
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "000102030405060708AA";
    const B: &str = "000102030405060708bb";

    fn parse(text: &str) -> Result<CardList, Failure> {
        CardList::parse(&Source::new("cards.csv", text))
    }

    #[test]
    fn plain_lines_and_a_column_of_a_table_say_the_same() {
        let plain = parse(&format!("{A}\n\n{B}\r\n")).unwrap();
        assert_eq!(plain.chips.iter().map(hex::encode_upper).collect::<Vec<_>>(), [A, "000102030405060708BB"]);
        let table = parse(&format!("serial,printed,chip_id,lot\n1,\"8,1\",{A},L\n2,82,{B},L\n")).unwrap();
        assert_eq!(table.chips, plain.chips);
        assert_ne!(table.sha256, plain.sha256);
    }

    #[test]
    fn mistakes_have_their_place() {
        for (text, place, what) in [
            (String::new(), "cards.csv:1:1", "names no card"),
            ("chip_id\n".to_owned(), "cards.csv:1:1", "names no card"),
            (format!("{A}\n00010203"), "cards.csv:2:1", "no chip identity"),
            (format!("{A}\n{A}\n"), "cards.csv:2:1", "already on line 1"),
            (format!("{A}\n\n{}\n", A.to_lowercase()), "cards.csv:3:1", "already on line 1"),
            (format!("serial,chip\n1,{A}\n"), "cards.csv:1:1", "none is `chip_id`"),
            (format!("serial,chip_id\n1,{A}\n\"2,2\",zz\n"), "cards.csv:3:7", "`zz` is no chip identity"),
            (format!("serial,chip_id\n1,{A}\n2\n"), "cards.csv:3:1", "`` is no chip identity"),
        ] {
            let failure = parse(&text).unwrap_err();
            assert_eq!((failure.exit, failure.place.as_str()), (fuda_cli::Exit::Input, place), "{text:?} {failure}");
            assert!(failure.what.contains(what), "{failure}");
        }
    }
}
