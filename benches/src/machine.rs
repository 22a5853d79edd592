//! The machine a figure belongs to: cores, processor, and how long its disk takes to keep a promise.

use crate::doing::Doing;
use crate::rounds::{median, number};
use fuda_cli::Failure;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// Bytes of one append of the bare file: a page of SQLite's log with its header.
const APPEND_BYTES: usize = 4096 + 24;

/// Cores that this process may use.
#[must_use]
pub fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1))
}

/// One line: cores, processor, load, file system of `folder`.
#[must_use]
pub fn facts(folder: &Path) -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map(|(_, name)| name);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!(
        "{} cores, {}, load {}, folder on {}",
        cores(),
        model.unwrap_or(std::env::consts::ARCH),
        load.split(' ').next().unwrap_or("unknown"),
        file_system(folder).unwrap_or_else(|| "an unknown file system".to_owned())
    )
}

/// Type and options of the mount that holds `folder` (proc(5), `/proc/self/mounts`).
fn file_system(folder: &Path) -> Option<String> {
    let mounts = std::fs::read_to_string("/proc/self/mounts").ok()?;
    let mut best: Option<(usize, String)> = None;
    for line in mounts.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let [_, point, kind, options, ..] = fields.as_slice() else { continue };
        if folder.starts_with(point) && best.as_ref().is_none_or(|(length, _)| point.len() >= *length) {
            best = Some((point.len(), format!("{kind} ({options})")));
        }
    }
    best.map(|(_, words)| words)
}

/// Appends of a page with `fdatasync` after each, per second: what a disk gives to a program that does nothing else.
///
/// # Errors
/// When the folder cannot be written.
pub fn syncs_per_second(folder: &Path, length: Duration) -> Result<f64, Failure> {
    let path = folder.join("bare-file");
    let mut file = File::create(&path).doing("create a file")?;
    let page = [0xA5; APPEND_BYTES];
    let (since, mut syncs) = (Instant::now(), 0);
    while since.elapsed() < length {
        file.write_all(&page).doing("append to a file")?;
        file.sync_data().doing("sync a file")?;
        syncs += 1;
    }
    let rate = number(syncs) / since.elapsed().as_secs_f64();
    std::fs::remove_file(&path).doing("remove a file")?;
    Ok(rate)
}

/// The median of some rounds of [`syncs_per_second`].
///
/// # Errors
/// As that.
pub fn median_syncs(folder: &Path, rounds: u32, length: Duration) -> Result<f64, Failure> {
    let rates = (0..rounds).map(|_| syncs_per_second(folder, length)).collect::<Result<Vec<_>, _>>()?;
    Ok(median(&rates))
}
