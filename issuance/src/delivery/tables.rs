//! Reads the three tables back: each row against its columns, its twin in the other file, the manifest and all rows before it.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use fuda_card::id::Kdd;

use super::row::FieldError;
use super::{CARD_COLUMNS, CardRow, CsvEncoding, Manifest, REJECT_COLUMNS, RejectRow, Report, file};

/// Longest line of `cards.jsonl` that is read, in bytes: a row is far below a kilobyte, a file without line ends must not fill the memory.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// What is wrong with a row that cannot be taken apart.
const BROKEN: FieldError = FieldError {
    column: "the row",
    what: "has another number of fields, or is no CSV in the encoding that the manifest names",
};

/// Checks `cards.csv` and `cards.jsonl` side by side, then `rejects.csv`.
pub(super) fn check(folder: &Path, manifest: Option<&Manifest>, report: &mut Report) {
    let mut seen = Seen::default();
    let twins = Twins::open(&folder.join(file::CARDS_JSONL));
    check_cards(folder, twins, manifest, &mut seen, report);
    check_rejects(folder, manifest, &seen, report);
}

/// Where each serial and each chip was first seen.
#[derive(Default)]
struct Seen {
    serials: HashMap<String, u64>,
    printed: HashMap<String, u64>,
    chips: HashMap<Kdd, u64>,
}

fn check_cards(folder: &Path, mut twins: Twins, manifest: Option<&Manifest>, seen: &mut Seen, report: &mut Report) {
    let mut number = 0;
    for row in Rows::open(folder, (file::CARDS_CSV, &CARD_COLUMNS), manifest, report) {
        number += 1;
        let (line, row) = match row {
            Row::Read(line, record) => (line, CardRow::from_record(&record)),
            Row::Broken(line) => (line, Err(BROKEN)),
        };
        let twin = twins.next();
        match row {
            Err(error) => malformed(report, file::CARDS_CSV, line, &error),
            Ok(row) => {
                seen.take(&row, line, report);
                if let Some(manifest) = manifest {
                    belongs(&row, manifest, line, report);
                }
                compare(&row, twin, line, number, report);
            }
        }
    }
    report.cards = number;
    let surplus = twins.count();
    if surplus > 0 {
        report.find("ROWS_DIFFER", file::CARDS_JSONL, Some(number + 1), format!("{surplus} rows more than cards.csv"));
    }
}

impl Seen {
    fn take(&mut self, row: &CardRow, line: u64, report: &mut Report) {
        if let Some(first) = self.serials.insert(row.serial.clone(), line) {
            report.find(
                "SERIAL_TWICE",
                file::CARDS_CSV,
                Some(line),
                format!("serial {} is on line {first} too", row.serial),
            );
        }
        if let Some(first) = self.printed.insert(row.printed.clone(), line) {
            report.find(
                "PRINTED_TWICE",
                file::CARDS_CSV,
                Some(line),
                format!("printed {} is on line {first} too", row.printed),
            );
        }
        if let Some(first) = self.chips.insert(row.chip_id, line) {
            report.find(
                "CHIP_TWICE",
                file::CARDS_CSV,
                Some(line),
                format!("chip {} is on line {first} too", row.chip_id),
            );
        }
    }
}

/// Holds a row against what the manifest says of all rows.
fn belongs(row: &CardRow, manifest: &Manifest, line: u64, report: &mut Report) {
    let facts = &manifest.facts;
    let mut foreign = |what: String| report.find("ROW_FOREIGN", file::CARDS_CSV, Some(line), what);
    if row.lot != facts.lot {
        foreign(format!("lot {} is not the manifest's {}", row.lot, facts.lot));
    }
    if row.profile != facts.profile.name {
        foreign(format!("profile {} is not the manifest's {}", row.profile, facts.profile.name));
    }
    if let Some(key) = row.keys.iter().find(|key| facts.keys.iter().all(|known| known.key != **key)) {
        foreign(format!("key {key} is not in the manifest"));
    }
}

fn compare(row: &CardRow, twin: Option<Result<CardRow, String>>, line: u64, number: u64, report: &mut Report) {
    match twin {
        None => {
            report.find("ROWS_DIFFER", file::CARDS_JSONL, Some(number), format!("cards.csv line {line} has no twin"));
        }
        Some(Err(what)) => report.find("ROW_MALFORMED", file::CARDS_JSONL, Some(number), what),
        // Counters stand in this file alone.
        Some(Ok(twin)) if twin.clone().without_counters() == *row => {}
        Some(Ok(twin)) => {
            let differs =
                CARD_COLUMNS.iter().zip(row.to_record().into_iter().zip(twin.to_record())).find(|(_, (a, b))| a != b);
            let what = differs
                .map_or_else(String::new, |(column, (csv, json))| format!(": {column} is {json:?}, there {csv:?}"));
            report.find(
                "ROWS_DIFFER",
                file::CARDS_JSONL,
                Some(number),
                format!("differs from cards.csv line {line}{what}"),
            );
        }
    }
}

fn check_rejects(folder: &Path, manifest: Option<&Manifest>, seen: &Seen, report: &mut Report) {
    let mut chips: HashMap<Kdd, u64> = HashMap::new();
    let (mut number, mut last) = (0, 0);
    for row in Rows::open(folder, (file::REJECTS, &REJECT_COLUMNS), manifest, report) {
        number += 1;
        let (line, row) = match row {
            Row::Read(line, record) => (line, RejectRow::from_record(&record)),
            Row::Broken(line) => (line, Err(BROKEN)),
        };
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                malformed(report, file::REJECTS, line, &error);
                continue;
            }
        };
        if row.seq <= last {
            report.find("SEQ_ORDER", file::REJECTS, Some(line), format!("seq {} follows {last}", row.seq));
        }
        last = row.seq;
        let Some(chip) = row.chip_id else { continue };
        if let Some(good) = seen.chips.get(&chip) {
            report.find(
                "CHIP_TWICE",
                file::REJECTS,
                Some(line),
                format!("chip {chip} is good on line {good} of cards.csv"),
            );
        }
        if let Some(first) = chips.insert(chip, line) {
            report.find("CHIP_TWICE", file::REJECTS, Some(line), format!("chip {chip} is on line {first} too"));
        }
    }
    report.rejects = number;
}

fn malformed(report: &mut Report, file: &str, line: u64, error: &FieldError) {
    report.find("ROW_MALFORMED", file, Some(line), format!("{} {}", error.column, error.what));
}

/// A row of a CSV table with the line on which it begins.
enum Row {
    Read(u64, csv::StringRecord),
    Broken(u64),
}

/// The rows of a CSV table behind its header; none when the file or the header is not there.
struct Rows {
    reader: Option<csv::Reader<File>>,
    encoding: CsvEncoding,
}

impl Rows {
    fn open(
        folder: &Path,
        (name, columns): (&'static str, &[&str]),
        manifest: Option<&Manifest>,
        report: &mut Report,
    ) -> Self {
        let encoding = manifest.map_or(CsvEncoding::Utf8, |manifest| manifest.encoding(name));
        // A file that is absent was reported already, by its sum.
        let Ok(file) = File::open(folder.join(name)) else { return Self { reader: None, encoding } };
        let mut reader = csv::Reader::from_reader(file);
        if reader.byte_headers().is_ok_and(|header| header.iter().eq(columns.iter().map(|name| name.as_bytes()))) {
            return Self { reader: Some(reader), encoding };
        }
        report.find("HEADER", name, Some(1), format!("the header is not {}", columns.join(",")));
        Self { reader: None, encoding }
    }

    /// A row as text; `None` when it is none in the table's encoding.
    fn text(&self, record: &csv::ByteRecord) -> Option<csv::StringRecord> {
        record.iter().map(|field| self.encoding.decode(field)).collect()
    }
}

impl Iterator for Rows {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let reader = self.reader.as_mut()?;
        let mut record = csv::ByteRecord::new();
        match reader.read_byte_record(&mut record) {
            Ok(false) => None,
            Ok(true) => {
                let line = record.position().map_or(0, csv::Position::line);
                Some(self.text(&record).map_or(Row::Broken(line), |record| Row::Read(line, record)))
            }
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                if error.is_io_error() {
                    self.reader = None;
                }
                Some(Row::Broken(line))
            }
        }
    }
}

/// The rows of `cards.jsonl`.
struct Twins {
    reader: Option<BufReader<File>>,
}

impl Twins {
    fn open(path: &Path) -> Self {
        Self { reader: File::open(path).ok().map(BufReader::new) }
    }
}

impl Iterator for Twins {
    type Item = Result<CardRow, String>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = self.reader.as_mut()?;
        let mut line = Vec::new();
        let read = std::io::Read::take(reader, LINE_BYTES_MAX).read_until(b'\n', &mut line);
        if read.is_err() || line.is_empty() {
            self.reader = None;
            return None;
        }
        Some(serde_json::from_slice(&line).map_err(|error| format!("the row is no card: {error}")))
    }
}
