//! A delivery folder as its receiver finds it, read without the code that wrote it.

use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A row of a table: value by column.
pub type Row = BTreeMap<String, String>;

/// Everything in a delivery.
#[derive(Debug)]
pub struct Delivery {
    /// Its folder.
    pub folder: PathBuf,
    /// `cards.csv`.
    pub cards: Vec<Row>,
    /// `cards.jsonl`.
    pub lines: Vec<Value>,
    /// `rejects.csv`.
    pub rejects: Vec<Row>,
    /// `manifest.json`.
    pub manifest: Value,
}

impl Delivery {
    /// Reads a delivery. Every file that the manifest names must have the digest that it says.
    #[must_use]
    pub fn read(folder: &Path) -> Self {
        let text =
            |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let manifest: Value = serde_json::from_str(&text("manifest.json")).unwrap();
        for file in manifest["files"].as_array().unwrap() {
            let content = text(file["name"].as_str().unwrap());
            assert_eq!(file["sha256"], hex::encode(Sha256::digest(content.as_bytes())), "{file}");
            assert_eq!(file["bytes"], content.len(), "{file}");
        }
        Self {
            cards: table(&text("cards.csv")),
            lines: text("cards.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
            rejects: table(&text("rejects.csv")),
            manifest,
            folder: folder.to_owned(),
        }
    }

    /// One column of `cards.csv`, top to bottom.
    #[must_use]
    pub fn column(&self, name: &str) -> Vec<&str> {
        self.cards.iter().map(|row| row[name].as_str()).collect()
    }
}

fn table(text: &str) -> Vec<Row> {
    assert!(text.ends_with('\n') && !text.contains('\r'), "lines end with LF");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let record =
        |record: csv::StringRecord| header.iter().zip(&record).map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    reader.records().map(|row| record(row.unwrap())).collect()
}
