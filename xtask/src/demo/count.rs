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

    /// A column of the table of cards.
    pub(super) fn cards(&self, name: &str) -> Result<Vec<&str>, Failure> {
        self.column(&self.cards, name)
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Counts, Delivery};

    const CARDS: &str = "serial,chip_id\n001,AA\n002,BB\n";
    const LINES: &str = "{\"serial\":\"001\",\"chip_id\":\"AA\"}\n{\"serial\":\"002\",\"chip_id\":\"BB\"}\n";
    const REJECTS: &str = "seq,chip_id\n1,CC\n";
    const MANIFEST: &str =
        r#"{"counts":{"ordered":2,"fed":3,"good":2,"rejected":1,"samples":0,"unknown":0,"unfilled":0}}"#;
    const JOB: Counts = Counts { ordered: 2, fed: 3, good: 2, rejected: 1, samples: 0, unknown: 0, unfilled: 0 };

    /// Counts a delivery in which `from` became `to`; the folder goes away with the test.
    fn counted(from: &str, to: &str, job: Counts, chips_fed: u64) -> Result<(), String> {
        let name = format!("fuda-count-{}-{:?}", std::process::id(), std::thread::current().id());
        let dir: PathBuf = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        for (file, text) in
            [("cards.csv", CARDS), ("cards.jsonl", LINES), ("rejects.csv", REJECTS), ("manifest.json", MANIFEST)]
        {
            std::fs::write(dir.join(file), text.replace(from, to)).unwrap();
        }
        let result = Delivery::read(&dir).and_then(|delivery| delivery.agree_with(job, chips_fed));
        std::fs::remove_dir_all(&dir).unwrap();
        result.map_err(|failure| failure.what)
    }

    #[test]
    fn a_delivery_that_agrees_with_itself_and_the_job_passes() {
        assert_eq!(counted("", "", JOB, 3), Ok(()));
    }

    #[test]
    fn every_difference_is_found() {
        for (from, to, found) in [
            ("002,BB\n", "", "rows of cards.csv"),
            ("002", "001", "serial 001 is there twice"),
            ("CC", "AA", "chip AA is there twice"),
            ("{\"serial\":\"002\"", "{\"serial\":\"003\"", "serial in cards.jsonl"),
            ("\"BB\"", "\"DD\"", "chip_id in cards.jsonl"),
            ("1,CC\n", "", "rows of rejects.csv"),
            ("\"good\":2", "\"good\":1", "manifest.json and of the job"),
            ("\"counts\"", "\"count\"", "has no counts"),
            ("chip_id", "chip", "no column"),
        ] {
            let error = counted(from, to, JOB, 3).unwrap_err();
            assert!(error.contains(found), "{from:?} -> {to:?}: {error}");
        }
    }

    #[test]
    fn a_job_that_loses_a_chip_does_not_balance() {
        for job in [Counts { fed: 4, ..JOB }, Counts { ordered: 3, ..JOB }, Counts { unknown: 1, ..JOB }] {
            assert!(counted("", "", job, job.fed).unwrap_err().contains("does not hold"));
        }
        assert!(counted("", "", JOB, 4).unwrap_err().contains("left the stack"));
    }
}
