//! Holding cards, delivery, report and database against each other, by a program that is not the factory.

use crate::chip::Chip;
use crate::site::{Site, repository};
use crate::{Database, Delivery};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Where every chip of a job has gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts(BTreeMap<String, u64>);

const NAMES: [&str; 7] = ["ordered", "fed", "good", "rejected", "samples", "unknown", "unfilled"];

impl Counts {
    /// The counts in an object that names them. Both identities must hold.
    #[must_use]
    pub fn of(object: &Value) -> Self {
        let count = |name: &str| object[name].as_u64().unwrap_or_else(|| panic!("no count `{name}` in {object}"));
        let counts = Self(NAMES.iter().map(|name| ((*name).to_owned(), count(name))).collect());
        let of = |name| counts.count(name);
        assert_eq!(of("fed"), of("good") + of("rejected") + of("samples") + of("unknown"), "{counts:?}");
        assert_eq!(of("ordered"), of("good") + of("unfilled"), "{counts:?}");
        counts
    }

    /// One of them.
    #[must_use]
    pub fn count(&self, name: &str) -> u64 {
        self.0[name]
    }
}

/// The job's counts from `job show`, held against the tables of the database.
#[must_use]
pub fn accounts(site: &Site, job: &str) -> Counts {
    let shown = site.factory(&["job", "show", job]).done();
    let counts = Counts::of(&shown);
    let database = site.database();
    let count = |table: &str| database.count(&format!("SELECT COUNT(*) FROM {table} AND job = '{job}'"));
    assert_eq!(counts.count("good"), count("card WHERE state = 'sealed'"));
    assert_eq!(counts.count("unknown"), count("card WHERE state NOT IN ('sealed', 'rejected')"));
    assert_eq!(counts.count("rejected"), count("reject WHERE 1 = 1"));
    counts
}

/// Compares all that a whole, finished job left behind; answers its counts.
#[must_use]
pub fn everything(site: &Site, job: &str, delivery: &Delivery) -> Counts {
    let counts = accounts(site, job);
    assert_eq!(Counts::of(&delivery.manifest["counts"]), counts, "manifest.json and the job");
    assert_eq!(delivery.cards.len() as u64, counts.count("good"), "rows of cards.csv");
    assert_eq!(delivery.rejects.len() as u64, counts.count("rejected"), "rows of rejects.csv");
    tables(delivery);
    stored(&site.database(), job, delivery);
    no_serial_twice(&site.database());
    let order = &site
        .database()
        .rows(&format!("SELECT profile, profile_sha256, lot, order_text FROM job WHERE id = '{job}'"))[0];
    assert_eq!(delivery.manifest["order"]["sha256"], hex::encode(Sha256::digest(order[3].as_bytes())));
    let product = Product::read(&order[0], &order[1], &order[2]);
    let mut keys = BTreeSet::new();
    for kdd in delivery.column("chip_id") {
        let chip = Chip::ejected(site, kdd);
        product.is_on(&chip);
        for key in chip.keys() {
            assert!(keys.insert(key), "{kdd} has a key that another card or another place on it has too");
        }
    }
    counts
}

/// `cards.csv` and `cards.jsonl` say the same, field by field; what the second alone tells of counters is of key sets of the card.
fn tables(delivery: &Delivery) {
    assert_eq!(delivery.lines.len(), delivery.cards.len());
    for (line, row) in delivery.lines.iter().zip(&delivery.cards) {
        let mut line = line.as_object().unwrap().clone();
        for counter in line.remove("counters").iter().flat_map(|list| list.as_array().unwrap()) {
            let counter = counter.as_object().unwrap();
            assert_eq!(counter.keys().collect::<Vec<_>>(), ["counter", "df", "kvn"]);
            assert!(
                counter["counter"].as_u64().unwrap() > 0 && [0x30, 0x3D].map(Value::from).contains(&counter["kvn"]),
                "{counter:?}"
            );
        }
        let fields = line.iter().map(|(name, value)| {
            let text = match value {
                Value::Array(words) => words.iter().map(|word| word.as_str().unwrap()).collect::<Vec<_>>().join(" "),
                other => other.as_str().unwrap().to_owned(),
            };
            (name.clone(), text)
        });
        assert_eq!(&fields.collect::<BTreeMap<_, _>>(), row);
    }
}

/// The rows of the delivery are the sealed cards of the database, in the order of their positions.
fn stored(database: &Database, job: &str, delivery: &Delivery) {
    let rows = database.rows(&format!(
        "SELECT serial, printed, kdd, encoder, operator FROM card WHERE job = '{job}' AND state = 'sealed' ORDER BY position"
    ));
    let columns = ["serial", "printed", "chip_id", "encoder", "operator"];
    let told: Vec<Vec<String>> =
        delivery.cards.iter().map(|row| columns.iter().map(|&column| row[column].clone()).collect()).collect();
    assert_eq!(told, rows);
    let rows = database.rows(&format!(
        "SELECT seq, kdd, serial, class, sw, encoder, attempt, live_keys, disposition FROM reject WHERE job = '{job}' ORDER BY seq"
    ));
    let columns = ["seq", "chip_id", "serial", "class", "sw", "encoder", "attempt", "live_keys", "disposition"];
    let told: Vec<Vec<String>> =
        delivery.rejects.iter().map(|row| columns.iter().map(|&column| row[column].clone()).collect()).collect();
    assert_eq!(told, rows);
}

/// A serial belongs to one chip, and a chip to one job, over the whole store.
pub fn no_serial_twice(database: &Database) {
    let twice = database.rows("SELECT serial FROM card GROUP BY serial HAVING COUNT(DISTINCT kdd) > 1");
    assert!(twice.is_empty(), "{twice:?}");
    let astray = database.rows(
        "SELECT card.serial, card.kdd FROM card LEFT JOIN serial ON serial.serial = card.serial AND serial.kdd = card.kdd \
         WHERE serial.kdd IS NULL",
    );
    assert!(astray.is_empty(), "{astray:?}");
}

/// What a finished card of a profile must hold, read from the profile's file.
#[derive(Debug)]
pub enum Product {
    /// Files: FID, name and KVN of each DF, and the stage records.
    Files {
        /// The DFs.
        folders: Vec<(String, String, String)>,
        /// ZERO and FIRST.
        records: [String; 2],
    },
    /// Keys only: the KVN of the issuer set.
    Keys(String),
}

impl Product {
    /// The product of a built-in profile, for a lot.
    #[must_use]
    pub fn read(profile: &str, profile_sha256: &str, lot: &str) -> Self {
        let text = std::fs::read_to_string(repository(&format!("profiles/{profile}.toml"))).unwrap();
        let file: toml::Table = text.parse().unwrap();
        if let Some(domain) = file.get("domain") {
            return Self::Keys(domain["issuer"]["kvn"].as_str().unwrap().to_owned());
        }
        let folders = file["df"].as_array().unwrap().iter().map(|df| {
            let text = |name: &str| df.get(name).and_then(toml::Value::as_str).map(str::to_owned);
            (text("fid").unwrap(), text("df_name").unwrap(), text("kvn").unwrap_or_else(|| "30".to_owned()))
        });
        let record = |stage: u8| {
            let hash = hex::decode(profile_sha256).unwrap();
            let tag = Sha256::digest(lot.as_bytes());
            let mut record = [b"PS\x01", [stage].as_slice(), &hash[..12], &tag[..8]].concat();
            let check = Sha256::digest(&record);
            record.extend_from_slice(&check[..8]);
            hex::encode_upper(record)
        };
        Self::Files { folders: folders.collect(), records: [record(1), record(2)] }
    }

    /// The card is stock: activated, its stages recorded, one key set in each place, every DF waiting for 2nd issuance.
    pub fn is_on(&self, chip: &Chip) {
        let kdd = &chip.kdd;
        let (folders, records) = match self {
            Self::Files { folders, records } => (folders, records),
            Self::Keys(kvn) => {
                assert_eq!((chip.state.as_str(), kvns(chip, "")), ("domain", vec![kvn.clone()]), "{kdd}");
                return;
            }
        };
        assert_eq!(chip.state, "activated", "{kdd}");
        assert_eq!(kvns(chip, ""), ["30"], "{kdd}: the MF has the issuer's set and no other");
        assert_eq!(chip.file("2F02").unwrap()["contents"], serde_json::json!(records), "{kdd}");
        assert_eq!(chip.folders(), folders.iter().map(|(fid, ..)| fid).collect::<Vec<_>>(), "{kdd}");
        for (fid, name, kvn) in folders {
            let folder = chip.file(fid).unwrap();
            assert_eq!(folder["name"], **name, "{kdd}: {fid}");
            assert_eq!(folder["life_cycle"], "initialisation", "{kdd}: {fid}");
            assert_eq!(kvns(chip, fid), [kvn.as_str()], "{kdd}: {fid}");
        }
    }
}

fn kvns(chip: &Chip, folder: &str) -> Vec<String> {
    chip.key_sets(folder).into_iter().map(|set| set.kvn).collect()
}
