//! What the tortured cards hold in their memory, held against what the delivery and the journal say of them.

use fuda_card_sim::Card;
use fuda_card_sim::report::{FileReport, Report, Secrets};
use fuda_tests::{Delivery, Site};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Everything that must not be. The counts are of cards.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    /// A serial that two chips have.
    pub(super) serials_twice: usize,
    /// A good card that is not in every byte what an undisturbed one is, or has a key of another card.
    pub(super) mixed_cards: usize,
    /// A chip of which something is missing: the chip of a good card, or the accounts of a chip that was written to.
    pub(super) lost_chips: usize,
    /// A chip that the accounts leave open or count twice.
    pub(super) unaccounted: usize,
    /// A chip that nobody can open any more, or has a wrong authentication on its counter; a token that is latched.
    pub(super) lockouts: usize,
    /// A chip in the reject bin that did nothing wrong.
    pub(super) wasted: usize,
}

impl Verdict {
    pub(super) fn add(&mut self, other: Self) {
        self.serials_twice += other.serials_twice;
        self.mixed_cards += other.mixed_cards;
        self.lost_chips += other.lost_chips;
        self.unaccounted += other.unaccounted;
        self.lockouts += other.lockouts;
        self.wasted += other.wasted;
    }

    /// The five counts that are asked for, and the one that is not.
    pub(super) fn members(self) -> [(&'static str, usize); 6] {
        [
            ("serials_twice", self.serials_twice),
            ("mixed_cards", self.mixed_cards),
            ("lost_chips", self.lost_chips),
            ("unaccounted", self.unaccounted),
            ("lockouts", self.lockouts),
            ("wasted", self.wasted),
        ]
    }
}

/// The memory of every chip of a site.
pub(super) struct Memories(BTreeMap<String, Report>);

impl Memories {
    pub(super) fn read(site: &Site) -> Self {
        let mut files = Vec::new();
        for folder in ["stack", "ejected", "hands"] {
            collect(&site.path(folder), &mut files);
        }
        let reports = files.iter().map(|file| Card::report_of(file, Secrets::Shown).unwrap());
        Self(reports.map(|report| (report.kdd.clone(), report)).collect())
    }

    pub(super) fn of(&self, kdd: &str) -> &Report {
        &self.0[kdd]
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "card") {
            files.push(path);
        }
    }
}

/// Judges a job that came to its end. `example` is an undisturbed card; `liars` chips may be rejected.
pub(super) fn judge(site: &Site, job: &str, delivery: &Delivery, example: &str, liars: usize) -> Verdict {
    let memories = Memories::read(site);
    let database = site.database();
    let cards = database.rows(&format!("SELECT kdd, serial, state FROM card WHERE job = '{job}'"));
    let rejects = database.column(&format!("SELECT kdd FROM reject WHERE job = '{job}'"));
    let good: BTreeSet<&str> = delivery.column("chip_id").into_iter().collect();
    let mut verdict = Verdict::default();

    let mut owners: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let delivered = delivery.cards.iter().map(|row| (row["serial"].as_str(), row["chip_id"].as_str()));
    for (serial, kdd) in delivered.chain(cards.iter().map(|card| (card[1].as_str(), card[0].as_str()))) {
        owners.entry(serial).or_default().insert(kdd);
    }
    verdict.serials_twice = said("has two chips", owners.iter().filter(|(_, chips)| chips.len() > 1));

    let wanted = shape(memories.of(example));
    let of_two = keys_of_two(&memories);
    verdict.mixed_cards = said(
        "is no whole card",
        good.iter()
            .filter(|&&kdd| memories.0.get(kdd).is_some_and(|report| shape(report) != wanted || of_two.contains(kdd))),
    );

    let known: BTreeSet<&str> =
        cards.iter().map(|card| card[0].as_str()).chain(rejects.iter().map(String::as_str)).collect();
    let gone = said("is delivered and not there", good.iter().filter(|&&kdd| !memories.0.contains_key(kdd)));
    let touched = memories.0.values().filter(|report| report.state != "blank").map(|report| report.kdd.as_str());
    verdict.lost_chips = gone + said("was written to and is in no account", touched.filter(|kdd| !known.contains(kdd)));

    let open = cards.iter().filter(|card| !matches!(card[2].as_str(), "sealed" | "rejected"));
    let phantoms = rejects.iter().filter(|kdd| !memories.0.contains_key(*kdd));
    verdict.unaccounted = said("is left open", open) + said("is rejected and no chip", phantoms) + imbalance(site, job);

    let locked = memories.0.values().filter(|report| report.failures > 0 || !opens(site, report));
    verdict.lockouts = said("is locked", locked.map(|report| &report.kdd)) + latches(site);
    verdict.wasted = rejects.len().saturating_sub(liars);
    if verdict.wasted > 0 {
        let bin =
            database.rows(&format!("SELECT kdd, serial, class, code, step, attempt FROM reject WHERE job = '{job}'"));
        said("is in the bin", bin.iter());
    }
    verdict
}

/// Counts, and says which.
#[expect(clippy::print_stdout, reason = "a failing test shows it")]
fn said<T: std::fmt::Debug>(what: &str, found: impl Iterator<Item = T>) -> usize {
    found.inspect(|one| println!("{one:?} {what}")).count()
}

/// All that two cards of an order have in common.
fn shape(report: &Report) -> Value {
    let sets: Vec<_> = report.key_sets.iter().map(|set| (&set.kvn, set.bits)).collect();
    json!([report.state, report.protocol, report.scp03_i, report.objects, sets, report.mf.as_ref().map(file_shape)])
}

fn file_shape(file: &FileReport) -> Value {
    let sets: Vec<_> = file.key_sets.iter().map(|set| (&set.kvn, set.bits)).collect();
    let files: Vec<Value> = file.files.iter().map(file_shape).collect();
    json!([file.fid, file.kind, file.name, file.life_cycle, file.fcp, file.contents, sets, file.pin_tries, files])
}

/// Chips with a key that another place, on this chip or another, has too.
fn keys_of_two(memories: &Memories) -> BTreeSet<String> {
    let mut places: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for report in memories.0.values() {
        for key in keys(report) {
            places.entry(key).or_default().push(&report.kdd);
        }
    }
    places.into_values().filter(|chips| chips.len() > 1).flatten().map(str::to_owned).collect()
}

fn keys(report: &Report) -> Vec<String> {
    let folders = report.mf.iter().flat_map(|mf| &mf.files).flat_map(|file| &file.key_sets);
    report.key_sets.iter().chain(folders).filter_map(|set| set.keys.clone()).flatten().collect()
}

/// Whether the records name a key for some set of the chip's MF, or it has its maker's.
fn opens(site: &Site, report: &Report) -> bool {
    let query = format!("SELECT kvn FROM card_key WHERE card = '{}' AND state <> 'deleted'", report.kdd);
    let sets: Vec<u8> = report.key_sets.iter().map(|set| u8::from_str_radix(&set.kvn, 16).unwrap()).collect();
    if report.state == "terminated" || sets.contains(&0xFF) {
        return true;
    }
    site.database().column(&query).iter().any(|kvn| sets.contains(&kvn.parse().unwrap()))
}

/// By how much the two identities of the job are out.
fn imbalance(site: &Site, job: &str) -> usize {
    let shown = site.factory(&["job", "show", job]).done();
    let count = |name: &str| usize::try_from(shown[name].as_u64().unwrap()).unwrap();
    let fed = count("good") + count("rejected") + count("samples") + count("unknown");
    fed.abs_diff(count("fed")) + (count("good") + count("unfilled")).abs_diff(count("ordered"))
}

fn latches(site: &Site) -> usize {
    let entries = std::fs::read_dir(site.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    said("is a latch", entries.filter(|name| name.to_string_lossy().ends_with(".pin-latch")))
}
