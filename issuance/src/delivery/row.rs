//! Rows of the three tables: what each column may hold, and the same row as CSV and as JSON.

use std::fmt::Display;
use std::str::FromStr;

use fuda_card::id::{DfName, Kdd, Kvn};
use fuda_kms::name::KeyVersion;
use serde::{Deserialize, Serialize};

use super::text::{as_number, as_text, as_texts, words};

/// Columns of `cards.csv`.
pub const CARD_COLUMNS: [&str; 11] =
    ["serial", "printed", "chip_id", "lot", "carton", "profile", "stage", "keys", "encoder", "operator", "issued_at"];

/// Columns of `rejects.csv`.
pub const REJECT_COLUMNS: [&str; 10] =
    ["seq", "chip_id", "serial", "class", "step", "sw", "encoder", "attempt", "live_keys", "disposition"];

/// A field that is not what its column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FieldError {
    pub(super) column: &'static str,
    pub(super) what: &'static str,
}

/// A good card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardRow {
    /// Serial number.
    pub serial: String,
    /// Number printed on the card or its package.
    pub printed: String,
    /// The chip's identity.
    #[serde(with = "as_text")]
    pub chip_id: Kdd,
    /// Lot.
    pub lot: String,
    /// Carton; empty until it is packed.
    pub carton: String,
    /// Name of the product profile.
    pub profile: String,
    /// How far the chip was issued.
    pub stage: CardStage,
    /// Key versions on the card; in CSV one blank between two.
    #[serde(with = "as_texts")]
    pub keys: Vec<KeyVersion>,
    /// Encoder that finished it.
    pub encoder: String,
    /// Who ran the line.
    pub operator: String,
    /// When it was sealed, RFC 3339 with offset.
    pub issued_at: String,
    /// Counters of key sets of cards that were met more often than issuing takes; in `cards.jsonl` alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counters: Vec<SetCounter>,
}

/// How far the counter of a key set is proved to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetCounter {
    /// DF of the set.
    #[serde(with = "as_text")]
    pub df: DfName,
    /// Its number.
    #[serde(with = "as_number")]
    pub kvn: Kvn,
    /// The last session's.
    pub counter: u32,
}

/// A chip in the reject bin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectRow {
    /// Number in the bin, from 1 upwards.
    pub seq: u64,
    /// The chip's identity; none when it never told it (a mute chip).
    pub chip_id: Option<Kdd>,
    /// The serial that was bound to it, if any.
    pub serial: Option<String>,
    /// Who is at fault.
    pub class: RejectClass,
    /// Step at which it failed.
    pub step: String,
    /// Status word as four hex digits, if the card gave one.
    pub sw: Option<String>,
    /// Encoder in which it failed.
    pub encoder: String,
    /// Times it was put in.
    pub attempt: u32,
    /// Key sets of ours that the chip may carry.
    pub live_keys: u32,
    /// What became of it.
    pub disposition: Disposition,
}

words! {
    /// How far a chip was issued.
    CardStage {
        /// After 0th issuance: under the transport key.
        Zeroth = "zeroth",
        /// After 1st issuance: stock.
        First = "first",
    }
    /// Who is at fault for a reject.
    RejectClass {
        /// The encoder.
        Reader = "reader",
        /// The chip.
        Card = "card",
        /// A key on the chip is not the expected one.
        Key = "key",
        /// What was read back is not what was written.
        Data = "data",
        /// The HSM.
        Hsm = "hsm",
        /// The store.
        Store = "store",
    }
    /// What became of a rejected chip.
    Disposition {
        /// In the reject bin, locked away.
        Bin = "bin",
        /// Not ours: given back.
        Foreign = "foreign",
        /// Destroyed before a witness.
        Destroyed = "destroyed",
    }
}

impl CardRow {
    pub(super) fn to_record(&self) -> [String; 11] {
        let keys: Vec<String> = self.keys.iter().map(ToString::to_string).collect();
        [
            self.serial.clone(),
            self.printed.clone(),
            self.chip_id.to_string(),
            self.lot.clone(),
            self.carton.clone(),
            self.profile.clone(),
            self.stage.as_str().to_owned(),
            keys.join(" "),
            self.encoder.clone(),
            self.operator.clone(),
            self.issued_at.clone(),
        ]
    }

    pub(super) fn from_record(record: &csv::StringRecord) -> Result<Self, FieldError> {
        let fields = Record { record, columns: &CARD_COLUMNS };
        let keys = fields.text("keys")?.split_ascii_whitespace().map(str::parse).collect::<Result<_, _>>();
        let row = Self {
            serial: fields.text("serial")?,
            printed: fields.text("printed")?,
            chip_id: fields.parsed("chip_id", "is no chip identity (20 upper-case hex digits)")?,
            lot: fields.text("lot")?,
            carton: fields.text("carton")?,
            profile: fields.text("profile")?,
            stage: fields.word("stage", CardStage::from_word, "is neither zeroth nor first")?,
            keys: keys.map_err(|_| FieldError { column: "keys", what: "is no list of key versions" })?,
            encoder: fields.text("encoder")?,
            operator: fields.text("operator")?,
            issued_at: fields.text("issued_at")?,
            counters: Vec::new(),
        };
        row.check().map(|()| row)
    }

    /// The row as `cards.csv` can say it.
    pub(super) fn without_counters(self) -> Self {
        Self { counters: Vec::new(), ..self }
    }

    /// Holds the fields that are plain text against their columns' rules.
    pub(super) fn check(&self) -> Result<(), FieldError> {
        let texts =
            [("serial", &self.serial), ("printed", &self.printed), ("lot", &self.lot), ("profile", &self.profile)];
        for (column, text) in texts.into_iter().chain([("encoder", &self.encoder)]) {
            filled(column, text)?;
        }
        plain("carton", &self.carton)?;
        plain("operator", &self.operator)?;
        if self.keys.is_empty() {
            return Err(FieldError { column: "keys", what: "is empty" });
        }
        time("issued_at", &self.issued_at)
    }
}

impl RejectRow {
    pub(super) fn to_record(&self) -> [String; 10] {
        [
            self.seq.to_string(),
            self.chip_id.map_or_else(String::new, |chip| chip.to_string()),
            self.serial.clone().unwrap_or_default(),
            self.class.as_str().to_owned(),
            self.step.clone(),
            self.sw.clone().unwrap_or_default(),
            self.encoder.clone(),
            self.attempt.to_string(),
            self.live_keys.to_string(),
            self.disposition.as_str().to_owned(),
        ]
    }

    pub(super) fn from_record(record: &csv::StringRecord) -> Result<Self, FieldError> {
        let fields = Record { record, columns: &REJECT_COLUMNS };
        let chip = match fields.text("chip_id")? {
            empty if empty.is_empty() => None,
            _ => Some(fields.parsed("chip_id", "is no chip identity (20 upper-case hex digits)")?),
        };
        let some = |text: String| (!text.is_empty()).then_some(text);
        let row = Self {
            seq: fields.parsed("seq", "is no number")?,
            chip_id: chip,
            serial: some(fields.text("serial")?),
            class: fields.word("class", RejectClass::from_word, "is none of reader, card, key, data, hsm, store")?,
            step: fields.text("step")?,
            sw: some(fields.text("sw")?),
            encoder: fields.text("encoder")?,
            attempt: fields.parsed("attempt", "is no number")?,
            live_keys: fields.parsed("live_keys", "is no number")?,
            disposition: fields.word("disposition", Disposition::from_word, "is none of bin, foreign, destroyed")?,
        };
        row.check().map(|()| row)
    }

    pub(super) fn check(&self) -> Result<(), FieldError> {
        filled("step", &self.step)?;
        filled("encoder", &self.encoder)?;
        plain("serial", self.serial.as_deref().unwrap_or_default())?;
        let hex = |sw: &String| sw.len() == 4 && sw.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b));
        if !self.sw.as_ref().is_none_or(hex) {
            return Err(FieldError { column: "sw", what: "is no status word (4 upper-case hex digits)" });
        }
        if self.seq == 0 || self.attempt == 0 {
            return Err(FieldError {
                column: if self.seq == 0 { "seq" } else { "attempt" },
                what: "is 0, but counts from 1",
            });
        }
        Ok(())
    }
}

/// A CSV row with the names of its columns.
struct Record<'a> {
    record: &'a csv::StringRecord,
    columns: &'static [&'static str],
}

impl Record<'_> {
    fn text(&self, column: &'static str) -> Result<String, FieldError> {
        let at = self.columns.iter().position(|name| *name == column);
        let field = at.and_then(|at| self.record.get(at));
        field.map(str::to_owned).ok_or(FieldError { column, what: "is missing" })
    }

    /// A value that is written exactly as it is printed.
    fn parsed<T: FromStr + Display>(&self, column: &'static str, what: &'static str) -> Result<T, FieldError> {
        let text = self.text(column)?;
        text.parse().ok().filter(|value: &T| value.to_string() == text).ok_or(FieldError { column, what })
    }

    fn word<T>(&self, column: &'static str, parse: fn(&str) -> Option<T>, what: &'static str) -> Result<T, FieldError> {
        parse(&self.text(column)?).ok_or(FieldError { column, what })
    }
}

fn plain(column: &'static str, text: &str) -> Result<(), FieldError> {
    if text.chars().any(char::is_control) {
        Err(FieldError { column, what: "holds a control character" })
    } else {
        Ok(())
    }
}

fn filled(column: &'static str, text: &str) -> Result<(), FieldError> {
    if text.is_empty() { Err(FieldError { column, what: "is empty" }) } else { plain(column, text) }
}

pub(super) fn time(column: &'static str, text: &str) -> Result<(), FieldError> {
    let fits = text.parse::<jiff::Timestamp>().is_ok() && !text.contains([' ', '[']);
    if fits { Ok(()) } else { Err(FieldError { column, what: "is no RFC 3339 time with offset" }) }
}
