//! The pool of worker processes: it answers as threads do, and goes on when workers die, hang or cannot start.

mod basics;
mod fakes;
mod health;
mod kills;
mod registry;
mod resets;
mod token_away;

use crate::requests::{known_keys, verify, whole_card};
use crate::site::Site;
use fuda_kms::{CardRequest, Error, Hsm, Metrics};
use rustix::process::{Pid, Signal, kill_process};
use std::time::{Duration, Instant};

/// A pool on a token whose keys the test knows.
fn pool(site: &Site, workers: u16) -> Hsm {
    known_keys(site);
    site.pool(workers).unwrap()
}

/// Has a card computed, and every byte of it compared with software.
fn card(hsm: &Hsm) -> Result<(), Error> {
    let request: CardRequest = whole_card(hsm.epoch()?);
    verify(&request, &hsm.card(request.clone())?.steps);
    Ok(())
}

fn pids(metrics: &Metrics) -> Vec<u32> {
    metrics.workers.iter().filter_map(|worker| worker.pid).collect()
}

/// Sends a signal, if the process is still there.
fn signal(pid: u32, signal: Signal) {
    let _ = kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), signal);
}

/// Whether a process runs; a zombie does not.
fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

/// Every child of a process: workers that serve, and those on their way to the token.
fn children(parent: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_string_lossy().parse().ok());
    pids.filter(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let ours = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)?.parse().ok()) == Some(parent);
        ours && runs(*pid)
    })
    .collect()
}

fn until(what: &str, mut so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !so() {
        assert!(since.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
