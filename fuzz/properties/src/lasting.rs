//! What a card keeps: its report without what counts, and its secrets.

use fuda_card_sim::Card;
use fuda_card_sim::report::{FileReport, KeySetReport, Report, Secrets};

/// What a refused command may change besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counters {
    /// Nothing.
    Kept,
    /// Sequence counters and wrong tries.
    Free,
}

/// The card as it would come back after a power cut.
pub(crate) fn lasting(card: &Card, counters: Counters) -> Report {
    let report = card.report(Secrets::Shown);
    if counters == Counters::Free { without_counters(report) } else { report }
}

/// A report without what counts.
pub(crate) fn without_counters(mut report: Report) -> Report {
    report.failures = 0;
    forget(&mut report.key_sets);
    report.mf.iter_mut().for_each(forget_below);
    report
}

fn forget(sets: &mut [KeySetReport]) {
    sets.iter_mut().for_each(|set| set.counter.clear());
}

fn forget_below(file: &mut FileReport) {
    file.pin_tries = file.pin_tries.map(|_| 0);
    forget(&mut file.key_sets);
    file.files.iter_mut().for_each(forget_below);
}

/// Every static key on the card.
pub(crate) fn static_keys(report: &Report) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    collect(&report.key_sets, &mut keys);
    report.mf.iter().for_each(|mf| collect_below(mf, &mut keys));
    keys
}

fn collect(sets: &[KeySetReport], keys: &mut Vec<Vec<u8>>) {
    let shown = sets.iter().filter_map(|set| set.keys.as_ref()).flatten();
    keys.extend(shown.map(|key| hex::decode(key).unwrap()));
}

fn collect_below(file: &FileReport, keys: &mut Vec<Vec<u8>>) {
    collect(&file.key_sets, keys);
    file.files.iter().for_each(|file| collect_below(file, keys));
}

/// Whether some working file holds these bytes, within a record or over several, or a stored object.
pub(crate) fn is_written(report: &Report, bytes: &[u8]) -> bool {
    let bytes = hex::encode_upper(bytes);
    report.objects.values().any(|object| object.contains(&bytes))
        || report.mf.as_ref().is_some_and(|mf| is_below(mf, &bytes))
}

fn is_below(file: &FileReport, bytes: &str) -> bool {
    file.contents.concat().contains(bytes) || file.files.iter().any(|file| is_below(file, bytes))
}
