//! Counting again what the factory says it made, by a program that is not the factory and shares no code with it.
//!
//! Every number is taken from at least two places: the tables of the delivery, its manifest and the job as the database
//! has it. Nothing is corrected here; the first difference ends the demo.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::csv::Table;
use crate::fail::{Exit, Failure};
use crate::json::{self, Value};

/// The five numbers that account for every chip, and the order's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) ordered: u64,
    pub(super) fed: u64,
    pub(super) good: u64,
    pub(super) rejected: u64,
    pub(super) samples: u64,
    pub(super) unknown: u64,
    pub(super) unfilled: u64,
}

impl Counts {
    /// Takes the counts out of an object that names them.
    pub(super) fn of(object: &Value, whence: &str) -> Result<Counts, Failure> {
        let count = |name: &str| {
            object.count(&[name]).ok_or_else(|| differs(format!("{whence} does not say how many are `{name}`")))
        };
        Ok(Counts {
            ordered: count("ordered")?,
            fed: count("fed")?,
            good: count("good")?,
            rejected: count("rejected")?,
            samples: count("samples")?,
            unknown: count("unknown")?,
            unfilled: count("unfilled")?,
        })
    }

    /// The two identities that let a job close.
    fn balance(&self) -> Result<(), Failure> {
        if self.fed != self.good + self.rejected + self.samples + self.unknown {
            return Err(differs(format!("fed = good + rejected + samples + unknown does not hold: {self:?}")));
        }
        if self.ordered != self.good + self.unfilled {
            return Err(differs(format!("ordered = good + unfilled does not hold: {self:?}")));
        }
        Ok(())
    }
}

/// A delivery folder as a customer finds it.
#[derive(Debug)]
pub(super) struct Delivery {
    dir: PathBuf,
    cards: Table,
    rejects: Table,
    manifest: Value,
}

impl Delivery {
    /// # Errors
    /// When a file is missing or is not what it should be.
    pub(super) fn read(dir: &Path) -> Result<Delivery, Failure> {
        let text = |name: &str| {
            let path = dir.join(name);
            std::fs::read_to_string(&path).map_err(|e| Failure::io("read", &path, &e))
        };
        let table = |name: &str| Table::parse(&text(name)?).map_err(|error| differs(format!("{name}: {error}")));
        let manifest =
            json::parse(&text("manifest.json")?).map_err(|error| differs(format!("manifest.json: {error}")))?;
        Ok(Delivery { cards: table("cards.csv")?, rejects: table("rejects.csv")?, manifest, dir: dir.to_path_buf() })
    }

    /// Compares everything with everything, and with the `job`'s counts from the database.
    ///
    /// # Errors
    /// Exit 6 with the first difference.
    pub(super) fn agree_with(&self, job: Counts, chips_fed: u64) -> Result<(), Failure> {
        job.balance()?;
        let counts = self.manifest.at(&["counts"]).ok_or_else(|| differs("manifest.json has no counts"))?;
        same("counts of manifest.json and of the job", &Counts::of(counts, "manifest.json")?, &job)?;
        same("rows of cards.csv and good cards", &self.cards.rows(), &job.good)?;
        same("rows of rejects.csv and rejected chips", &self.rejects.rows(), &job.rejected)?;
        same("chips that left the stack and chips that the job saw", &chips_fed, &job.fed)?;

        let serials = self.column(&self.cards, "serial")?;
        let chips = self.column(&self.cards, "chip_id")?;
        unique("serial", &serials)?;
        let rejected = self.column(&self.rejects, "chip_id")?;
        unique("chip", &chips.iter().chain(&rejected).copied().collect::<Vec<_>>())?;
        self.lines_say_the_same(&serials, &chips)
    }

    /// Serials of `wanted` cards, spread over the whole delivery.
    pub(super) fn sample(&self, wanted: usize) -> Result<Vec<String>, Failure> {
        let chips = self.column(&self.cards, "chip_id")?;
        let step = (chips.len() / wanted).max(1);
        Ok(chips.iter().step_by(step).take(wanted).map(|&chip| chip.to_owned()).collect())
    }

    fn column<'a>(&self, table: &'a Table, name: &str) -> Result<Vec<&'a str>, Failure> {
        table.column(name).ok_or_else(|| differs(format!("no column `{name}`")).at(self.dir.display().to_string()))
    }

    fn lines_say_the_same(&self, serials: &[&str], chips: &[&str]) -> Result<(), Failure> {
        let path = self.dir.join("cards.jsonl");
        let text = std::fs::read_to_string(&path).map_err(|e| Failure::io("read", &path, &e))?;
        same("lines of cards.jsonl and rows of cards.csv", &text.lines().count(), &serials.len())?;
        for ((line, serial), chip) in text.lines().zip(serials).zip(chips) {
            let card = json::parse(line).map_err(|error| differs(format!("cards.jsonl: {error}: {line}")))?;
            same("serial in cards.jsonl and cards.csv", &card.text(&["serial"]), &Some(*serial))?;
            same("chip_id in cards.jsonl and cards.csv", &card.text(&["chip_id"]), &Some(*chip))?;
        }
        Ok(())
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, left: &T, right: &T) -> Result<(), Failure> {
    if left == right { Ok(()) } else { Err(differs(format!("{what} differ: {left:?} and {right:?}"))) }
}

fn unique(what: &str, values: &[&str]) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    match values.iter().find(|value| !seen.insert(**value)) {
        None => Ok(()),
        Some(twice) => Err(differs(format!("{what} {twice} is there twice"))),
    }
}

fn differs(what: impl Into<String>) -> Failure {
    Failure::new("COUNTS_DIFFER", Exit::Integrity, what, "keep the demo's folder: this is a bug of Fuda")
}
