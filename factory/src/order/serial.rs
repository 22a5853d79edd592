//! Serials: counted, listed or scanned; the nth one of an order is always the same.
//!
//! **Counter.** `first` is the number *without* its check digit; the serial is the number followed by the check digit that `check` names
//! (`first = "8810400000001"`, `check = "luhn"` gives 88104000000013, 88104000000021, …; with `check = "none"` the serial is the number
//! itself). The width never changes: leading zeros stay, and a range that would need one digit more is exhausted.
//!
//! **File.** Serials come whole, check digit included; `check = "luhn"` verifies each.
//!
//! **Scan.** The operator scans the package at the encoder; `check` verifies likewise.

use std::path::{Path, PathBuf};

use fuda_cli::{Exit, Failure, Source};

use super::{CheckDigit, Order, list};
use fuda_issuance::delivery::Sha256Sum;

/// Longest serial, in characters: what fits a bar code on a card's package.
pub const SERIAL_CHARS_MAX: usize = 32;

/// Digits of a counter, without the check digit.
pub(super) const COUNTER_DIGITS_MAX: usize = 24;

/// A serial with what is printed on the card or its package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serial {
    /// The serial; UNIQUE over all orders of a site.
    pub number: String,
    /// The printed number; the serial when nobody says otherwise.
    pub printed: String,
}

/// `[serial]` as ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SerialRule {
    /// Counted upwards.
    Counter {
        /// First number, without check digit.
        first: u128,
        /// Its width, leading zeros included.
        digits: usize,
        /// What follows it.
        check: CheckDigit,
    },
    /// Listed in a file of its own, beside the order.
    File {
        /// Relative to the order's folder.
        path: PathBuf,
        /// What every serial ends with, if it is to be verified.
        check: Option<CheckDigit>,
        /// Where the order names the file.
        offset: usize,
    },
    /// Listed in the order itself (CSV spelling).
    Rows(Vec<Serial>),
    /// Read from the package at the encoder.
    Scan {
        /// What every serial ends with, if it is to be verified.
        check: Option<CheckDigit>,
    },
}

/// Why there is no such serial.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SerialError {
    /// Quantity and spares are used up.
    #[error("the order has {available} serials and all are used or withdrawn")]
    Exhausted {
        /// Serials of the order.
        available: u32,
    },
    /// The order wants serials scanned.
    #[error("this order takes its serials from the scanner")]
    ScanWanted,
    /// What was scanned cannot be a serial.
    #[error("scanned {0:?}, which is no serial")]
    Malformed(String),
    /// The scanned serial ends with a wrong check digit.
    #[error("scanned {0}, whose check digit is wrong")]
    CheckDigit(String),
}

impl SerialError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Exhausted { .. } => "SERIAL_RANGE_EXHAUSTED",
            Self::ScanWanted => "SERIAL_SCAN_WANTED",
            Self::Malformed(_) => "SERIAL_MALFORMED",
            Self::CheckDigit(_) => "SERIAL_CHECK_DIGIT",
        }
    }
}

impl From<SerialError> for Failure {
    fn from(error: SerialError) -> Self {
        let remedy = match &error {
            SerialError::Exhausted { .. } => "close the job and order the unfilled cards anew with more spares",
            SerialError::ScanWanted => "connect the scanner of this encoder",
            SerialError::Malformed(_) | SerialError::CheckDigit(_) => "scan the package again",
        };
        Self::new(error.code(), Exit::Stopped, error.to_string()).remedy(remedy)
    }
}

/// The serials of one order, by position: 0 is the first.
#[derive(Debug, Clone)]
pub struct SerialSource {
    rule: SerialRule,
    listed: Vec<Serial>,
    list_sha256: Option<Sha256Sum>,
    available: u32,
}

impl SerialSource {
    pub(super) fn open(order: &Order, folder: &Path) -> Result<Self, Failure> {
        let available = order.serials_needed();
        let mut rule = order.serial.clone();
        let mut list_sha256 = None;
        let listed = match &mut rule {
            SerialRule::Counter { .. } | SerialRule::Scan { .. } => Vec::new(),
            SerialRule::Rows(rows) => std::mem::take(rows),
            SerialRule::File { path, check, .. } => {
                let source = Source::read(&folder.join(path))?;
                let listed = list::read(&source, 0, *check)?;
                enough(&source, source.text().len(), listed.len(), available)?;
                list_sha256 = Some(Sha256Sum::of(source.text().as_bytes()));
                listed
            }
        };
        Ok(Self { rule, listed, list_sha256, available })
    }

    /// The serial at `position`.
    ///
    /// # Errors
    /// [`SerialError::Exhausted`] behind the last one, [`SerialError::ScanWanted`] when nobody knows it beforehand.
    pub fn nth(&self, position: u32) -> Result<Serial, SerialError> {
        let exhausted = SerialError::Exhausted { available: self.available };
        if position >= self.available {
            return Err(exhausted);
        }
        match &self.rule {
            SerialRule::Counter { first, digits, check } => {
                let number = first.checked_add(u128::from(position)).map(|number| format!("{number:0digits$}"));
                let number = check.append(number.filter(|number| number.len() == *digits).ok_or(exhausted)?);
                Ok(Serial { printed: number.clone(), number })
            }
            SerialRule::File { .. } | SerialRule::Rows(_) => {
                self.listed.get(position as usize).cloned().ok_or(exhausted)
            }
            SerialRule::Scan { .. } => Err(SerialError::ScanWanted),
        }
    }

    /// What a scanner read, as a serial of this order.
    ///
    /// # Errors
    /// [`SerialError::Malformed`] or [`SerialError::CheckDigit`].
    pub fn scanned(&self, text: &str) -> Result<Serial, SerialError> {
        let number = text.trim();
        if !serial_fits(number) {
            return Err(SerialError::Malformed(text.to_owned()));
        }
        match &self.rule {
            SerialRule::Scan { check: Some(check) } if check.mismatch(number).is_some() => {
                Err(SerialError::CheckDigit(number.to_owned()))
            }
            _ => Ok(Serial { number: number.to_owned(), printed: number.to_owned() }),
        }
    }

    /// Serials there are: quantity and spares.
    #[must_use]
    pub const fn available(&self) -> u32 {
        self.available
    }

    /// All serials in their order; empty when they are scanned.
    pub fn iter(&self) -> impl Iterator<Item = Serial> + '_ {
        (0..self.available).map_while(|position| self.nth(position).ok())
    }

    /// SHA-256 of the separate list: a job that goes on must find the same list again.
    #[must_use]
    pub const fn list_sha256(&self) -> Option<Sha256Sum> {
        self.list_sha256
    }
}

/// Whether `text` can be a serial at all.
pub(super) fn serial_fits(text: &str) -> bool {
    (1..=SERIAL_CHARS_MAX).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// A list must have exactly the serials that the order may use: a list of another length is another order's list.
pub(super) fn enough(source: &Source, offset: usize, listed: usize, needed: u32) -> Result<(), Failure> {
    let needed = needed as usize;
    let what = || format!("there are {listed} serials, the order takes {needed} (quantity and spares)");
    match listed.cmp(&needed) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Less => Err(exhausted(source, offset, what())),
        std::cmp::Ordering::Greater => Err(Failure::input(
            source,
            offset,
            what(),
            "remove the rows that belong to another order, or correct quantity and spares",
        )),
    }
}

pub(super) fn exhausted(source: &Source, offset: usize, what: String) -> Failure {
    let mut failure = Failure::input(source, offset, what, "give more serials, or order fewer cards");
    failure.code = "SERIAL_RANGE_EXHAUSTED";
    failure
}
