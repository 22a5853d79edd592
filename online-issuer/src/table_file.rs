//! Files of others that come in: CSV with a header of ours, UTF-8 or CP932, each row read or named by its line.

use fuda_cli::{Exit, Failure};
use fuda_issuance::delivery::CsvEncoding;
use std::path::Path;

/// Largest file that is read, in bytes: a month of a large bank account or of a chain of shops.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A row: its line, and what it says or what is wrong with it.
pub(crate) type Row<T> = (u64, Result<T, String>);

/// Reads a file whose header is `columns`; `parse` is given the fields of a row, without the spaces around them.
///
/// # Errors
/// `INPUT_UNREADABLE` and `INPUT_INVALID` (exit 5) for a file that is no such table.
pub(crate) fn read<T, const N: usize>(
    path: &Path,
    encoding: CsvEncoding,
    columns: [&str; N],
    parse: impl Fn([&str; N]) -> Result<T, String>,
) -> Result<Vec<Row<T>>, Failure> {
    let name = path.display().to_string();
    let unreadable = |what: String| Failure::new("INPUT_UNREADABLE", Exit::Input, what).at(name.clone());
    let size = std::fs::metadata(path).map_err(|error| unreadable(format!("cannot read the file: {error}")))?.len();
    if size > FILE_BYTES_MAX {
        return Err(unreadable(format!("the file has {size} bytes, more than the {FILE_BYTES_MAX} that are read")));
    }
    let bytes = std::fs::read(path).map_err(|error| unreadable(format!("cannot read the file: {error}")))?;
    let text = encoding.decode(&bytes);
    let text = text.ok_or_else(|| {
        unreadable("the file is not of its encoding".to_owned())
            .remedy("give --csv-encoding utf-8 or cp932, as it was written")
    })?;
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).from_reader(text.trim_start_matches('\u{FEFF}').as_bytes());
    if !reader.headers().is_ok_and(|header| header.iter().map(str::trim).eq(columns)) {
        return Err(Failure::new("INPUT_INVALID", Exit::Input, format!("the header is not {}", columns.join(",")))
            .at(format!("{name}:1:1")));
    }
    let rows = reader.records().map(|row| match row {
        Ok(row) => {
            let fields: Vec<&str> = row.iter().map(str::trim).collect();
            let fields = <[&str; N]>::try_from(fields.as_slice())
                .map_err(|_| format!("the row has {} fields, not {N}", fields.len()));
            (row.position().map_or(0, csv::Position::line), fields.and_then(&parse))
        }
        Err(error) => (error.position().map_or(0, csv::Position::line), Err("the row is no CSV".to_owned())),
    });
    Ok(rows.collect())
}
