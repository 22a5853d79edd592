//! The CSV spelling of an order: TOML behind `#`, then rows.
//!
//! The header is turned into TOML of the same length, byte for byte (`#` becomes a space), so that every offset in a report is an offset of the
//! file itself.

use fuda_cli::Source;

/// An order file taken apart.
pub(super) struct Form {
    /// The keys and tables, as TOML whose offsets are the file's.
    pub(super) toml: String,
    /// Where the rows begin; `None` for an order in TOML.
    pub(super) rows: Option<usize>,
}

impl Form {
    pub(super) fn of(source: &Source) -> Self {
        let text = source.text();
        if !source.name().ends_with(".csv") {
            return Self { toml: text.to_owned(), rows: None };
        }
        let mut toml = String::with_capacity(text.len());
        for line in text.split_inclusive('\n') {
            match line.strip_prefix('#') {
                Some(behind) => {
                    toml.push(' ');
                    toml.push_str(behind);
                }
                None if line.trim().is_empty() => toml.push_str(line),
                None => break,
            }
        }
        let rows = toml.len();
        Self { toml, rows: Some(rows) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_keeps_its_offsets() {
        let text = "# order = \"A\"\n\n#[keys]\nserial,printed\n1,1\n#2,2\n";
        let form = Form::of(&Source::new("order.csv", text));
        assert_eq!(form.toml, "  order = \"A\"\n\n [keys]\n");
        assert_eq!(form.rows, Some(form.toml.len()));
        let form = Form::of(&Source::new("order.toml", "# a comment\norder = \"A\"\n"));
        assert_eq!((form.toml.as_str(), form.rows), ("# a comment\norder = \"A\"\n", None));
    }
}
