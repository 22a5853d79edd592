//! Plain tables for a terminal: columns as wide as their widest cell, two spaces apart, the last one unpadded.

use std::fmt;

/// Between two columns, in characters.
const GAP: usize = 2;

/// The narrowest that a column is made, in characters: less tells nothing.
const COLUMN_MIN: usize = 6;

/// A table with a head and rows of the same number of cells.
#[derive(Debug, Clone)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these column heads.
    pub fn new<T: Into<String>>(head: impl IntoIterator<Item = T>) -> Self {
        Self { rows: vec![head.into_iter().map(Into::into).collect()] }
    }

    /// Appends a row.
    pub fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// The same table in lines of at most so many characters: the widest columns lose the ends of their cells, marked by `…`.
    /// Rows that cannot be made so narrow stay wider.
    #[must_use]
    pub fn within(mut self, columns_max: usize) -> Self {
        let mut widths = self.widths();
        loop {
            let total = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
            match widths.iter_mut().max() {
                Some(widest) if total > columns_max && *widest > COLUMN_MIN => *widest -= 1,
                _ => break,
            }
        }
        for row in &mut self.rows {
            for (cell, width) in row.iter_mut().zip(&widths).filter(|(cell, width)| cell.chars().count() > **width) {
                *cell = cell.chars().take(width - 1).chain(['…']).collect();
            }
        }
        self
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths = Vec::new();
        for row in &self.rows {
            for (column, cell) in row.iter().enumerate() {
                let width = cell.chars().count();
                match widths.get_mut(column) {
                    Some(widest) => *widest = width.max(*widest),
                    None => widths.push(width),
                }
            }
        }
        widths
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for (number, row) in self.rows.iter().enumerate() {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            let line = cells.collect::<Vec<_>>().join("  ");
            let end = if number + 1 == self.rows.len() { "" } else { "\n" };
            write!(f, "{}{end}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_cells_lose_their_ends_and_narrow_tables_stay() {
        let mut table = Table::new(["LABEL", "SERIAL"]);
        table.row(["a-label-that-is-rather-long", "1234567890"]);
        let narrow = table.clone().within(24);
        assert_eq!(narrow.to_string(), "LABEL         SERIAL\na-label-tha…  1234567890");
        assert_eq!(table.clone().within(80).to_string(), table.to_string());
        let narrowest = table.within(0).to_string();
        assert!(narrowest.lines().all(|line| line.chars().count() <= 2 * COLUMN_MIN + GAP), "{narrowest}");
    }
}
