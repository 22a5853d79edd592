//! Where the harms fell: by what the journal held of the card at that moment, and by the command of the card that was next.

use super::plan::KINDS;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What the journal holds of a chip, in the order of its life.
const STATES: [(&str, &str); 7] = [
    ("", "nothing yet"),
    ("intended", "the intent"),
    ("zeroth", "end of 0th issuance"),
    ("first", "end of 1st issuance"),
    ("unknown", "out of reach"),
    ("sealed", "the seal"),
    ("rejected", "the reject"),
];

/// Columns of the row of commands.
const COMMANDS_A_ROW: usize = 10;

/// Counts.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    states: BTreeMap<usize, [u32; KINDS.len()]>,
    /// Kills of the line by command, the first at 0.
    commands: Vec<u32>,
}

impl Histogram {
    /// A harm of a kind, and the state of its card in the journal.
    pub(super) fn add(&mut self, kind: usize, state: &str) {
        let row = STATES.iter().position(|(word, _)| *word == state).unwrap_or_else(|| panic!("a card is `{state}`"));
        self.states.entry(row).or_default()[kind] += 1;
    }

    /// A kill of the line at a command, counted from 1.
    pub(super) fn add_command(&mut self, at: usize) {
        if self.commands.len() < at {
            self.commands.resize(at, 0);
        }
        self.commands[at - 1] += 1;
    }

    /// Fewest kills of the line that any command of a card has met.
    pub(super) fn least(&self, commands: usize) -> u32 {
        (0..commands).map(|at| self.commands.get(at).copied().unwrap_or(0)).min().unwrap_or(0)
    }

    /// A table of less than 80 columns.
    pub(super) fn table(&self) -> String {
        let mut out = format!("{:<22}", "journal of the card");
        for kind in KINDS {
            write!(out, "{kind:>7}").unwrap();
        }
        out.push_str("    all\n");
        for (row, counts) in &self.states {
            write!(out, "{:<22}", STATES[*row].1).unwrap();
            for count in counts {
                write!(out, "{count:>7}").unwrap();
            }
            writeln!(out, "{:>7}", counts.iter().sum::<u32>()).unwrap();
        }
        out.push_str("kills of the line by the command of the card, before, behind or after it\n");
        for (row, counts) in self.commands.chunks(COMMANDS_A_ROW).enumerate() {
            let first = row * COMMANDS_A_ROW + 1;
            write!(out, "{:<22}", format!("{first} to {}", first + counts.len() - 1)).unwrap();
            for count in counts {
                write!(out, "{count:>4}").unwrap();
            }
            out.push('\n');
        }
        out
    }

    /// The same for programs: counts by kind in each state.
    pub(super) fn object(&self) -> serde_json::Value {
        let row = |counts: &[u32; KINDS.len()]| -> serde_json::Map<String, serde_json::Value> {
            KINDS.iter().zip(counts).map(|(kind, count)| ((*kind).to_owned(), (*count).into())).collect()
        };
        let name = |row: usize| if row == 0 { "nothing" } else { STATES[row].0 };
        let rows = self.states.iter().map(|(at, counts)| (name(*at).to_owned(), row(counts).into()));
        rows.collect::<serde_json::Map<_, _>>().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fits_a_terminal_and_counts_all() {
        let mut histogram = Histogram::default();
        for (kind, state) in [(0, ""), (0, "intended"), (6, "sealed")] {
            histogram.add(kind, state);
        }
        (1..=53).for_each(|at| histogram.add_command(at));
        let table = histogram.table();
        assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
        assert_eq!((histogram.least(53), histogram.least(54)), (1, 0));
        assert_eq!(histogram.object()["intended"]["line"], 1);
    }
}
