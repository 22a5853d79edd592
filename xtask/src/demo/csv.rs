//! A small reader of CSV with a header (RFC 4180, LF or CRLF).

/// A table: names of columns, then rows of the same length.
#[derive(Debug)]
pub(super) struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// # Errors
    /// The row and what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Table, String> {
        let mut rows = records(text)?;
        if rows.is_empty() {
            return Err("there is no header".to_owned());
        }
        let header = rows.remove(0);
        match rows.iter().position(|row| row.len() != header.len()) {
            None => Ok(Table { header, rows }),
            Some(at) => Err(format!("row {} has another number of fields than the header", at + 1)),
        }
    }

    /// How many rows follow the header.
    pub(super) fn rows(&self) -> u64 {
        u64::try_from(self.rows.len()).unwrap_or(u64::MAX)
    }

    /// One column, top to bottom.
    pub(super) fn column(&self, name: &str) -> Option<Vec<&str>> {
        let at = self.header.iter().position(|column| column == name)?;
        self.rows.iter().map(|row| row.get(at).map(String::as_str)).collect()
    }
}

fn records(text: &str) -> Result<Vec<Vec<String>>, String> {
    let (mut rows, mut row, mut field) = (Vec::new(), Vec::new(), String::new());
    let mut chars = text.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => field.push('"'),
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            c => field.push(c),
        }
    }
    match (quoted, row.is_empty() && field.is_empty()) {
        (true, _) => Err("a quoted field does not end".to_owned()),
        (false, true) => Ok(rows),
        (false, false) => Err("the last line does not end".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn reads_quotes_commas_and_line_breaks_in_fields() {
        let table = Table::parse("serial,note\n1,\"a, \"\"b\"\"\nc\"\n2,\r\n").unwrap();
        assert_eq!(table.rows(), 2);
        assert_eq!(table.column("serial").unwrap(), ["1", "2"]);
        assert_eq!(table.column("note").unwrap(), ["a, \"b\"\nc", ""]);
        assert!(table.column("chip").is_none());
    }

    #[test]
    fn a_torn_table_is_refused() {
        for text in ["", "a,b\n1,2\n3", "a,b\n1\n", "a,b\n\"1,2\n"] {
            assert!(Table::parse(text).is_err(), "{text:?} was read");
        }
    }
}
