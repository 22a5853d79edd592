//! The report: entries with value and bound, as a table for people and a list for programs.

use crate::rounds::Scale;
use crate::site::Site;
use crate::{hsm, journal, machine, many_keys, memory, pipeline, scp03, stages, store, vpcd};
use fuda_cli::{Failure, output};
use serde_json::{Value, json};

/// One figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What was measured, `hsm.softhsm.card`.
    pub name: &'static str,
    /// The figure.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// The figure that cannot be passed, measured in the same run.
    pub bound: Option<f64>,
    /// What a reader must know to judge it.
    pub note: String,
}

impl Entry {
    /// value ÷ bound.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        self.bound.filter(|bound| *bound > 0.0).map(|bound| self.value / bound)
    }

    fn to_json(&self) -> Value {
        json!({ "name": self.name, "value": self.value, "unit": self.unit, "bound": self.bound, "ratio": self.ratio() })
    }

    fn row(&self) -> String {
        let cell = |number: Option<f64>, digits| number.map_or_else(|| "-".to_owned(), |n| format!("{n:.digits$}"));
        format!(
            "{:<22} {:>10} {:<10} {:>10} {:>6}  {}",
            self.name,
            cell(Some(self.value), digits(self.value)),
            self.unit,
            cell(self.bound, self.bound.map_or(0, digits)),
            cell(self.ratio(), 2),
            self.note
        )
    }
}

/// Three digits that say something.
fn digits(value: f64) -> usize {
    match value {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        _ => 2,
    }
}

/// Measures everything, telling each entry as it comes.
///
/// # Errors
/// What keeps a measurement from being made; a figure is never guessed.
pub fn measure(site: &Site, scale: Scale) -> Result<Vec<Entry>, Failure> {
    let unrest = machine::unrest();
    output::line(&machine::facts(site.folder()));
    output::line(&format!("{:<22} {:>10} {:<10} {:>10} {:>6}", "entry", "value", "unit", "bound", "ratio"));
    let mut entries = Vec::new();
    let mut tell = |entry: Entry| {
        output::line(&entry.row());
        entries.push(entry);
    };
    let hsm = hsm::measure(site, scale)?;
    tell(hsm.entry());
    let commits = store::measure(site, scale)?;
    tell(commits.clone());
    let journal = journal::measure(site, scale, commits.value)?;
    tell(journal.entry());
    tell(scp03::measure(scale)?);
    let loopback = vpcd::measure(site, scale, &hsm.dialogue)?;
    tell(loopback.entry());
    let alone = stages::Alone::measure(scale, &hsm, &loopback, &journal)?;
    alone.entries().into_iter().for_each(&mut tell);
    pipeline::measure(site, scale, &hsm, &alone)?.into_iter().for_each(&mut tell);
    if scale == Scale::Full {
        memory::measure(site)?.into_iter().for_each(&mut tell);
        tell(many_keys::measure(site, scale)?);
    }
    if let Some(words) = unrest {
        output::line(&words);
    }
    Ok(entries)
}

/// The list that `target/bench/report.json` holds.
#[must_use]
pub fn to_json(entries: &[Entry]) -> Value {
    Value::Array(entries.iter().map(Entry::to_json).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_the_five_members_of_the_contract() {
        let entry = Entry { name: "a.b", value: 3.0, unit: "cards/s", bound: Some(4.0), note: "said".to_owned() };
        let expected = json!([{ "name": "a.b", "value": 3.0, "unit": "cards/s", "bound": 4.0, "ratio": 0.75 }]);
        assert_eq!(to_json(std::slice::from_ref(&entry)), expected);
        let unbound = Entry { bound: None, ..entry };
        assert_eq!(to_json(&[unbound])[0]["ratio"], Value::Null);
    }
}
