//! Counts from what the test programs print, and from the file in which tests name themselves when they cannot run.
//!
//! The test harness hides what a passing test prints. A test that cannot run here therefore appends one line to the file
//! that `FUDA_SKIP_LOG` names: `SKIPPED <name>: <why>`. Vectors that this project may not carry are no skip: their readers
//! say on standard error, past the harness, whether they were there.

use std::path::Path;

/// What came out of all test programs together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) ignored: Vec<String>,
    pub(super) skipped: Vec<String>,
    pub(super) absent: Vec<String>,
}

impl Tally {
    pub(super) fn read(output: &str, complaint: &str, skip_log: &Path) -> Tally {
        Tally::of(output, complaint, &std::fs::read_to_string(skip_log).unwrap_or_default())
    }

    fn of(output: &str, complaint: &str, skip_log: &str) -> Tally {
        let skipped = once_each(skip_log.lines().filter_map(|line| line.strip_prefix("SKIPPED ")));
        let absent = complaint.lines().filter(|line| line.contains("public vectors ") && line.contains("did not run"));
        let ignored = output.lines().filter_map(|line| line.strip_prefix("test ")?.split_once(" ... ignored"));
        Tally {
            // A test that skipped itself returned, and the harness counted that.
            passed: passed(output).saturating_sub(u64::try_from(skipped.len()).unwrap_or(0)),
            failed: sum(output, " failed"),
            ignored: ignored.map(|(name, _)| name.to_owned()).collect(),
            absent: once_each(absent),
            skipped,
        }
    }
}

fn once_each<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Tests that passed so far.
pub(super) fn passed(output: &str) -> u64 {
    sum(output, " passed")
}

/// Adds up `N<what>` over the lines `test result: ok. 8 passed; 0 failed; 0 ignored; …`.
fn sum(output: &str, what: &str) -> u64 {
    let results = output.lines().filter_map(|line| line.strip_prefix("test result: "));
    let counts = results.flat_map(|line| line.split(['.', ';'])).filter_map(|part| part.strip_suffix(what));
    counts.filter_map(|count| count.trim().parse::<u64>().ok()).sum()
}

/// The parts in which the test programs say what failed and how.
pub(super) fn failures(output: &str) -> String {
    let mut kept = Vec::new();
    let mut inside = false;
    for line in output.lines() {
        inside = (inside || line == "failures:") && !line.starts_with("test result:");
        if inside {
            kept.push(line);
        }
    }
    kept.join("\n")
}

#[cfg(test)]
mod tests {
    use super::{Tally, failures};

    const OUTPUT: &str = "\
running 3 tests
test a::b ... ok
test a::c ... ignored, too slow
test a::d ... FAILED

failures:

---- a::d stdout ----
left != right

failures:
    a::d

test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s
test result: ok. 8 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";

    #[test]
    fn counts_over_all_programs_and_names_what_did_not_run() {
        let log = "SKIPPED pcscd::insert: no pcscd\nSKIPPED pcscd::insert: no pcscd\n";
        let tally = Tally::of(OUTPUT, "     Running x\npublic vectors kcv: did not run, no such files in v\n", log);
        assert_eq!((tally.passed, tally.failed), (8, 1));
        assert_eq!(tally.ignored, ["a::c"]);
        assert_eq!(tally.skipped, ["pcscd::insert: no pcscd"]);
        assert_eq!(tally.absent, ["public vectors kcv: did not run, no such files in v"]);
    }

    #[test]
    fn keeps_what_failed_and_how() {
        assert!(failures(OUTPUT).contains("left != right"));
        assert!(!failures(OUTPUT).contains("test result"));
        assert_eq!(failures("test result: ok. 8 passed; 0 failed\n"), "");
    }
}
