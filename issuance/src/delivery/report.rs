//! What a check of a delivery found, for a person and for `--json`.

use std::fmt;

use fuda_cli::{Exit, Failure};
use serde::Serialize;

use super::Counts;
use crate::sha256::Sha256Sum;

/// Findings that are listed; a folder with more is wrong as a whole, and the rest is only counted.
const FINDINGS_MAX: usize = 50;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable code.
    pub code: &'static str,
    /// The file.
    pub file: String,
    /// The line, counted from 1, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {} [{}]", self.file, self.what, self.code),
            None => write!(f, "{}: {} [{}]", self.file, self.what, self.code),
        }
    }
}

/// Which key the signature was held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    /// The one in the folder: it proves that the folder is whole, not who made it.
    Folder,
    /// One that the caller knows from elsewhere.
    Given,
}

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The folder.
    pub folder: String,
    /// The order, as the manifest names it.
    pub order: Option<String>,
    /// Number of the delivery in its job, as the manifest names it.
    pub number: Option<u32>,
    /// The job's counts, as the manifest gives them.
    pub counts: Option<Counts>,
    /// Rows of `cards.csv`.
    pub cards: u64,
    /// Rows of `rejects.csv`.
    pub rejects: u64,
    /// SHA-256 of the receipt key (SubjectPublicKeyInfo) under which the signature verifies.
    pub signed_by: Option<Sha256Sum>,
    /// Where that key comes from.
    pub trust: Trust,
    /// What is wrong; empty for a sound delivery.
    pub findings: Vec<Finding>,
    /// Findings beyond those listed.
    pub findings_more: u64,
}

impl Report {
    pub(super) fn new(folder: String, trust: Trust) -> Self {
        Self {
            folder,
            order: None,
            number: None,
            counts: None,
            cards: 0,
            rejects: 0,
            signed_by: None,
            trust,
            findings: Vec::new(),
            findings_more: 0,
        }
    }

    pub(super) fn find(&mut self, code: &'static str, file: &str, line: Option<u64>, what: impl Into<String>) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { code, file: file.to_owned(), line, what: what.into() });
        } else {
            self.findings_more += 1;
        }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }

    /// The failure of a command that wanted a sound delivery: `DELIVERY_UNSOUND` (exit 6) at the first finding.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        let first = self.findings.first()?;
        let more = u64::try_from(self.findings.len() - 1).unwrap_or(u64::MAX) + self.findings_more;
        let what = match more {
            0 => first.what.clone(),
            more => format!("{}, and {more} more findings", first.what),
        };
        let line = first.line.map_or_else(String::new, |line| format!(":{line}"));
        let place = format!("{}/{}{line}", self.folder, first.file);
        Some(Failure::new("DELIVERY_UNSOUND", Exit::Integrity, what).at(place).remedy(
            "do not use these cards; ask the line for the delivery again and compare the receipt key by telephone",
        ))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_sound() { "sound" } else { "NOT SOUND" };
        write!(f, "{}: {state}, {} cards, {} rejects", self.folder, self.cards, self.rejects)?;
        if let Some(key) = self.signed_by {
            let trust = match self.trust {
                Trust::Folder => "the key in the folder",
                Trust::Given => "the key that was given",
            };
            write!(f, ", signed by {trust}, {key}")?;
        }
        for finding in &self.findings {
            write!(f, "\n{finding}")?;
        }
        if self.findings_more > 0 {
            write!(f, "\n… and {} more", self.findings_more)?;
        }
        Ok(())
    }
}
