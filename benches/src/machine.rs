//! The machine a figure belongs to: cores, processor, and how long its disk takes to keep a promise.

use crate::doing::Doing;
use crate::rounds::number;
use fuda_cli::Failure;
use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// Bytes of one write of the bare file: a page of SQLite's log with its header.
const PAGE_BYTES: usize = 4096 + 24;

/// Pages of the bare file: as long as SQLite lets its log grow before it begins again from the front (`wal_autocheckpoint`).
const PAGES: u32 = 1000;

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

/// Writes of a page with `fdatasync` after each, per second: what a disk gives to a program that does nothing else.
///
/// The file has its length before and is written round and round, as SQLite does with its log: a file that grows costs the file system more.
///
/// # Errors
/// When the folder cannot be written.
pub fn syncs_per_second(folder: &Path, length: Duration) -> Result<f64, Failure> {
    let path = folder.join("bare-file");
    let mut file = File::create(&path).doing("create a file")?;
    let page = [0xA5; PAGE_BYTES];
    for _ in 0..PAGES {
        file.write_all(&page).doing("write a file")?;
    }
    file.sync_all().doing("sync a file")?;
    let (since, mut syncs) = (Instant::now(), 0);
    while since.elapsed() < length {
        if syncs % u64::from(PAGES) == 0 {
            file.rewind().doing("go back in a file")?;
        }
        file.write_all(&page).doing("write a file")?;
        file.sync_data().doing("sync a file")?;
        syncs += 1;
    }
    let rate = number(syncs) / since.elapsed().as_secs_f64();
    std::fs::remove_file(&path).doing("remove a file")?;
    Ok(rate)
}

/// What a reader of the figures must know when others work on this machine too; `None` on a quiet one.
#[must_use]
pub fn unrest() -> Option<String> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    let load: f64 = text.split(' ').next()?.parse().ok()?;
    (load > 2.0 * f64::from(cores())).then(|| {
        format!(
            "load {load:.1} on {} cores: others work here too. A bound of one thread gets a smaller share of the cores than a line of \
             many, so a ratio may pass 1; compare CPU times, or measure on a quiet machine.",
            cores()
        )
    })
}
