//! The order: what the line is asked to make, as a file that a person wrote.
//!
//! Two spellings of the same thing, told apart by the file's name:
//!
//! * **TOML** (`order.toml`), described key by key in `order/parse.rs` and by the commented `examples/order.toml`.
//! * **CSV with a header** (`order.csv`): the first lines begin with `#` and hold, behind it, the same TOML
//!   (`# quantity = 1000`, `# [serial]`, …); then comes `serial,printed` and one row per card. So one file carries the whole order.
//!
//! Every mistake is reported with file:line:column, what is wrong and what is allowed; unknown keys are mistakes. What has a default is
//! exactly `[line]` (the defaults of the house, which only concern how carefully the line works) and `serial.check` for serials that
//! somebody else chose.

mod check_digit;
mod fields;
mod form;
mod keys;
mod line;
mod list;
mod parse;
mod serial;

pub use check_digit::CheckDigit;
pub use keys::{KeyChoice, KeyPlan, RecoverySets};
pub use line::LineRules;
pub use parse::QUANTITY_MAX;
pub use serial::{SERIAL_CHARS_MAX, Serial, SerialError, SerialRule, SerialSource};

use std::fmt;
use std::path::Path;

use fuda_cli::{Failure, Source};

use fuda_issuance::delivery::Sha256Sum;

/// An order that was read and found whole. Whether profile and key versions exist is for `check` and `run` to say.
#[derive(Debug, Clone)]
pub struct Order {
    /// Its number; names the job.
    pub id: OrderId,
    /// The product profile's name.
    pub profile: ProfileName,
    /// What is to be done to each chip.
    pub stages: Stages,
    /// Good cards ordered, 1 to [`QUANTITY_MAX`].
    pub quantity: u32,
    /// Serials beyond the quantity, for cards that are rejected.
    pub spares: u32,
    /// Lot, at most 16 characters.
    pub lot: Lot,
    /// Where serials come from.
    pub serial: SerialRule,
    /// Which key versions are written.
    pub keys: KeyPlan,
    /// How carefully the line works.
    pub line: LineRules,
    stages_offset: usize,
    source: Source,
}

impl Order {
    /// Reads an order file.
    ///
    /// # Errors
    /// `INPUT_UNREADABLE` or `INPUT_INVALID` (exit 5) with file:line:column; `SERIAL_RANGE_EXHAUSTED` (exit 5) when its serials do not suffice.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        Self::parse(Source::read(path)?)
    }

    /// Parses an order; a name that ends in `.csv` says CSV with a header.
    ///
    /// # Errors
    /// As [`Order::read`].
    pub fn parse(source: Source) -> Result<Self, Failure> {
        parse::parse(source)
    }

    /// The serials of this order; a separate list is read from `folder`, where the order lies.
    ///
    /// # Errors
    /// `INPUT_UNREADABLE`, `INPUT_INVALID` or `SERIAL_RANGE_EXHAUSTED` (exit 5) with the list's file:line:column.
    pub fn serials(&self, folder: &Path) -> Result<SerialSource, Failure> {
        SerialSource::open(self, folder)
    }

    /// Serials that the order may use: quantity and spares.
    #[must_use]
    pub const fn serials_needed(&self) -> u32 {
        self.quantity + self.spares
    }

    /// SHA-256 of the file's bytes: the same number with another sum is another order.
    #[must_use]
    pub fn sha256(&self) -> Sha256Sum {
        Sha256Sum::of(self.source.text().as_bytes())
    }

    /// Where the file says which stages.
    #[must_use]
    pub const fn stages_offset(&self) -> usize {
        self.stages_offset
    }

    /// The file as read, for the auditor and for further reports.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }
}

/// What an order asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stages {
    /// `[0]`: blank chips become zeroth-issued chips under the transport key (0次発行).
    Zeroth,
    /// `[1]`: zeroth-issued chips become stock under the issuer key (1次発行).
    First,
    /// `[0, 1]`: blank chips become stock.
    Both,
}

impl Stages {
    /// First stage, as a number.
    #[must_use]
    pub const fn first(self) -> u8 {
        match self {
            Self::Zeroth | Self::Both => 0,
            Self::First => 1,
        }
    }

    /// Last stage, as a number.
    #[must_use]
    pub const fn last(self) -> u8 {
        match self {
            Self::Zeroth => 0,
            Self::First | Self::Both => 1,
        }
    }
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident, $chars_max:literal, $more:literal;)*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// What is allowed, as reports say it.
            pub const ALLOWED: &'static str = concat!("1 to ", $chars_max, " of A-Z a-z 0-9", $more, ", beginning with a letter or digit");

            /// From text that fits [`Self::ALLOWED`].
            #[must_use]
            pub fn new(text: &str) -> Option<Self> {
                let fits = |c: char| c.is_ascii_alphanumeric() || $more.contains(c) && c != ' ';
                let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
                (begins && text.len() <= $chars_max && text.chars().all(fits)).then(|| Self(text.to_owned()))
            }

            /// As text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )* };
}

names! {
    /// An order's number. It also names folders, hence the narrow alphabet.
    OrderId, 32, " . _ -";
    /// A product profile's name.
    ProfileName, 64, " . _ -";
    /// A lot (ロット).
    Lot, 16, " . _ -";
}
