//! `manifest.json`: what a delivery says about itself, in RFC 8785 form, so that one byte string is signed.

use std::fmt;

use fuda_kms::name::KeyVersion;
use serde::{Deserialize, Serialize};

use super::CsvEncoding;
use super::text::{as_text, words};
use crate::sha256::Sha256Sum;

/// Name and version of the format; a reader refuses another.
pub const FORMAT: &str = "fuda-delivery/1";
/// The same with `counters` in `cards.jsonl`, which readers of the first version do not know; written only where a card has some.
pub const FORMAT_WITH_COUNTERS: &str = "fuda-delivery/2";

/// The manifest. Members that are not listed here are found by writing it anew and comparing bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`] or [`FORMAT_WITH_COUNTERS`].
    pub format: String,
    /// What the line knows.
    #[serde(flatten)]
    pub facts: Facts,
    /// What is in this folder.
    pub delivery: PartFacts,
    /// The tables.
    pub files: Vec<FileFacts>,
    /// The key that signed.
    pub receipt_key: ReceiptFacts,
}

/// What the line knows about the job when it delivers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Name of the site.
    pub site: String,
    /// Test or production: the one never enters the other.
    pub mode: SiteMode,
    /// The order.
    pub order: OrderFacts,
    /// Lot.
    pub lot: String,
    /// The product profile.
    pub profile: ProfileFacts,
    /// Stages that were done: `[0]`, `[1]` or `[0,1]`.
    pub stages: Vec<u8>,
    /// The job's counts when this was written.
    pub counts: Counts,
    /// Key versions on the cards, each with a check value that names its method.
    pub keys: Vec<KeyFacts>,
    /// The key that made the activation codes on the packages, when they were printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<KeyFacts>,
    /// The journal's chain when this was written.
    pub journal: JournalFacts,
    /// When this was written, RFC 3339 with offset.
    pub created_at: String,
}

words! {
    /// What the site's cards are for.
    SiteMode {
        /// Test cards.
        Test = "test",
        /// Real cards.
        Production = "production",
    }
    /// Whether a delivery is all of its job.
    Extent {
        /// Every good card and every reject of the job.
        Whole = "whole",
        /// Some of them.
        Part = "part",
    }
    /// How a key check value is computed.
    KcvMethod {
        /// First 3 bytes of AES-ECB over 16 bytes 01, as on the card wire (GlobalPlatform).
        Gp = "gp",
        /// First 5 bytes of AES-CMAC over 16 bytes 00, as on paper and screens.
        Cmac = "cmac",
    }
}

impl Manifest {
    /// How a table is written.
    #[must_use]
    pub fn encoding(&self, name: &str) -> CsvEncoding {
        let table = self.files.iter().find(|table| table.name == name);
        table.and_then(|table| table.encoding).unwrap_or(CsvEncoding::Utf8)
    }
}

impl From<fuda_cli::config::Mode> for SiteMode {
    fn from(mode: fuda_cli::config::Mode) -> Self {
        match mode {
            fuda_cli::config::Mode::Test => Self::Test,
            fuda_cli::config::Mode::Production => Self::Production,
        }
    }
}

/// The order that was filled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderFacts {
    /// Its number.
    pub id: String,
    /// SHA-256 of the order file.
    pub sha256: Sha256Sum,
}

/// The profile that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileFacts {
    /// Its name.
    pub name: String,
    /// Its hash, which is also on the card.
    pub sha256: Sha256Sum,
}

/// A key version and its check value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFacts {
    /// The version.
    #[serde(with = "as_text")]
    pub key: KeyVersion,
    /// Its check value.
    pub kcv: Kcv,
}

/// A key check value that says how it was computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kcv {
    /// The method.
    pub method: KcvMethod,
    /// The value, upper-case hex.
    pub value: String,
}

/// Where the journal stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalFacts {
    /// Entries of this job.
    pub entries: u64,
    /// Hash of the last entry, which covers all before it.
    pub sha256: Sha256Sum,
}

/// What is in the folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartFacts {
    /// Number of this delivery within its job, from 1.
    pub number: u32,
    /// All of the job or some of it.
    pub extent: Extent,
    /// Rows of `cards.csv`.
    pub cards: u64,
    /// Rows of `rejects.csv`.
    pub rejects: u64,
}

/// A table in the folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileFacts {
    /// File name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its sum.
    pub sha256: Sha256Sum,
    /// How its text is written, when it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<CsvEncoding>,
}

/// The key that signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptFacts {
    /// Its version.
    #[serde(with = "as_text")]
    pub key: KeyVersion,
    /// SHA-256 of its SubjectPublicKeyInfo (DER): compare this by telephone.
    pub spki_sha256: Sha256Sum,
}

/// Every chip of a job, accounted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Good cards ordered.
    pub ordered: u64,
    /// Chips put in: distinct identities and mute chips.
    pub fed: u64,
    /// Good cards made.
    pub good: u64,
    /// Chips in the reject bin.
    pub rejected: u64,
    /// Cards taken out as samples; they do not count as good.
    pub samples: u64,
    /// Chips whose state nobody knows yet.
    pub unknown: u64,
    /// Cards ordered and not made.
    pub unfilled: u64,
}

/// Whether the two identities of DESIGN §5 hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identities {
    /// `fed = good + rejected + samples + unknown`.
    pub fed: bool,
    /// `ordered = good + unfilled`.
    pub ordered: bool,
}

impl Counts {
    /// Checks the identities.
    #[must_use]
    pub fn identities(&self) -> Identities {
        let fed = [self.good, self.rejected, self.samples, self.unknown].into_iter().try_fold(0_u64, u64::checked_add);
        Identities { fed: fed == Some(self.fed), ordered: self.good.checked_add(self.unfilled) == Some(self.ordered) }
    }

    /// What does not add up, in words; `part` is held against the counts as well.
    pub(super) fn complaints(&self, part: &PartFacts) -> Vec<String> {
        let identities = self.identities();
        let whole = part.extent == Extent::Whole;
        let rules = [
            (identities.fed, "fed = good + rejected + samples + unknown"),
            (identities.ordered, "ordered = good + unfilled"),
            (
                part.cards <= self.good && (!whole || part.cards == self.good),
                "cards delivered = good (at most, in part)",
            ),
            (
                part.rejects <= self.rejected && (!whole || part.rejects == self.rejected),
                "rejects listed = rejected (at most, in part)",
            ),
        ];
        rules.iter().filter(|(holds, _)| !holds).map(|(_, rule)| (*rule).to_owned()).collect()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ordered, fed, good, rejected, samples, unknown, unfilled } = self;
        write!(
            f,
            "ordered {ordered}, fed {fed}, good {good}, rejected {rejected}, samples {samples}, unknown {unknown}, unfilled {unfilled}"
        )
    }
}
