//! `rss.cards_10000`: the largest memory of the line's processes after ten thousand cards. [`crate::long`] has a hundred thousand beside it:
//! what grows with the cards of a run would show.

use crate::line::Line;
use crate::report::Entry;
use crate::site::Site;
use fuda_cli::Failure;

/// What a process of the line may have, in megabytes (10⁶ bytes).
pub(crate) const LIMIT_MB: f64 = 32.0;

/// Number of the order; those before belong to other measurements.
const ORDER: u32 = 900;
const CARDS: u32 = 10_000;

/// Measures the run.
///
/// # Errors
/// When the line does not make every card.
pub fn measure(site: &Site) -> Result<Entry, Failure> {
    let run = Line { cards: CARDS, order: ORDER, workers: 2 }.run(site)?;
    Ok(Entry {
        name: "rss.cards_10000",
        value: run.line_mb.max(run.worker_mb),
        unit: "MB",
        bound: Some(LIMIT_MB),
        note: format!(
            "{CARDS} cards at {:.0} cards/s; line {:.1} MB, largest worker {:.1} MB (the simulator {:.1} MB); bound: what is allowed",
            run.rate, run.line_mb, run.worker_mb, run.cards_mb
        ),
    })
}

/// The largest memory that a process has had so far, in megabytes (proc(5): VmHWM); `None` when it is gone.
#[must_use]
pub fn peak_mb(pid: u32) -> Option<f64> {
    Some(bytes(pid, "VmHWM:")? / 1e6)
}

/// The memory that a process has now, in bytes (proc(5): VmRSS); `None` when it is gone.
#[must_use]
pub fn now_bytes(pid: u32) -> Option<f64> {
    bytes(pid, "VmRSS:")
}

fn bytes(pid: u32, name: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024.0)
}

/// The processes whose parent this one is.
#[must_use]
pub fn children(of: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{of}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_memory_and_its_child_is_found() {
        let own = std::process::id();
        assert!(peak_mb(own).unwrap() > 1.0);
        assert!(now_bytes(own).unwrap() > 1e6);
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        assert!(children(own).contains(&child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(peak_mb(child.id()), None);
    }
}
