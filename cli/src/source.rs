//! An input file as text with places in it: byte offsets become line and column.

use crate::{Exit, Failure};
use std::fmt;
use std::path::Path;

/// Largest input file that is read whole: an order of a million serials fits, a disk image does not.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A text file that a person wrote, and the name to call it by in reports.
#[derive(Debug, Clone, Default)]
pub struct Source {
    name: String,
    text: String,
}

/// A place in a text: both count from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line number.
    pub line: usize,
    /// Column number, in characters.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl Source {
    /// A text with the name that reports use.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// `INPUT_UNREADABLE` (exit 5) when it is absent, too large, not permitted or not UTF-8 (with the byte's place).
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let unreadable = |what: String| {
            Failure::new("INPUT_UNREADABLE", Exit::Input, what)
                .at(name.clone())
                .remedy("name a readable UTF-8 text file")
        };
        let size = std::fs::metadata(path).map_err(|error| unreadable(format!("cannot read the file: {error}")))?.len();
        if size > FILE_BYTES_MAX {
            return Err(unreadable(format!("the file has {size} bytes, more than the {FILE_BYTES_MAX} that are read")));
        }
        let bytes = std::fs::read(path).map_err(|error| unreadable(format!("cannot read the file: {error}")))?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { name, text }),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let readable = String::from_utf8_lossy(error.as_bytes().get(..valid).unwrap_or_default()).into_owned();
                let place = Self::new(name.clone(), readable).place(valid);
                Err(unreadable("the file is not UTF-8 text".to_owned()).at(place))
            }
        }
    }

    /// The name used in reports.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a byte offset; an offset past the end is the end.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let before = self.text.get(..end).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        Position { line: before.matches('\n').count() + 1, column }
    }

    /// `file:line:column` of a byte offset.
    #[must_use]
    pub fn place(&self, offset: usize) -> String {
        format!("{}:{}", self.name, self.position(offset))
    }

    /// Parses the text as TOML into `T`, with the place of the first thing that does not fit.
    ///
    /// # Errors
    /// `INPUT_INVALID` (exit 5).
    pub fn parse_toml<T: serde::de::DeserializeOwned>(&self) -> Result<T, Failure> {
        toml::from_str(&self.text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            let what = error.message().lines().collect::<Vec<_>>().join("; ");
            Failure::input(self, offset, what, "see the commented example in `examples/`")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_offsets_past_the_end_stay_inside() {
        let source = Source::new("f", "あい\nう = 1");
        assert_eq!(source.position(0), Position { line: 1, column: 1 });
        assert_eq!(source.position(3), Position { line: 1, column: 2 });
        assert_eq!(source.position(4), Position { line: 1, column: 2 });
        assert_eq!(source.position(7), Position { line: 2, column: 1 });
        assert_eq!(source.position(999), Position { line: 2, column: 6 });
    }

    #[test]
    fn a_toml_error_names_its_place() {
        #[derive(Debug, serde::Deserialize)]
        struct Wanted {
            #[expect(dead_code, reason = "only the parse error matters here")]
            quantity: u32,
        }
        let source = Source::new("order.toml", "\nquantity = \"ten\"\n");
        let failure = source.parse_toml::<Wanted>().unwrap_err();
        assert_eq!(failure.place, "order.toml:2:12");
    }
}
