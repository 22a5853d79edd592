//! The memory of a running program, searched for what must not be in it.
//!
//! The program is stopped with SIGSTOP while it is read, so that one snapshot is one moment. Linux only; the kernel lets a process read
//! what it started.

use aho_corasick::AhoCorasick;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::thread::sleep;
use std::time::Duration;

/// Read at once; windows overlap by the longest pattern.
const WINDOW_BYTES: usize = 1 << 20;
/// A stopped program is seen as stopped after microseconds; a busy machine takes longer.
const STOP_POLL: Duration = Duration::from_micros(200);
/// What `pagemap` has for each page, and two bits of it.
const ENTRY_BYTES: usize = 8;
const PRESENT: u64 = 1 << 63;
const SWAPPED: u64 = 1 << 62;

/// Byte strings to be found, each with a name: as they are, and written in hex of either case.
#[derive(Debug)]
pub struct Wanted {
    names: Vec<String>,
    machine: AhoCorasick,
    longest: usize,
}

impl Wanted {
    /// A searcher for these.
    #[must_use]
    pub fn new(secrets: &[(String, Vec<u8>)]) -> Self {
        let (mut names, mut patterns) = (Vec::new(), Vec::new());
        for (name, bytes) in secrets {
            for pattern in [bytes.clone(), hex::encode(bytes).into_bytes(), hex::encode_upper(bytes).into_bytes()] {
                names.push(name.clone());
                patterns.push(pattern);
            }
        }
        let longest = patterns.iter().map(Vec::len).max().unwrap_or(1);
        Self { names, machine: AhoCorasick::new(&patterns).unwrap(), longest }
    }

    /// Names of what is in these bytes.
    fn in_bytes(&self, bytes: &[u8], found: &mut BTreeSet<String>) {
        for hit in self.machine.find_overlapping_iter(bytes) {
            found.insert(self.names[hit.pattern().as_usize()].clone());
        }
    }
}

/// What one look at one program came to.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Names of what was found.
    pub found: BTreeSet<String>,
    /// Bytes that were read.
    pub bytes: u64,
}

/// Stops a program, searches all its memory that can have been written to, lets it go on. `None` when it has ended.
#[must_use]
pub fn snapshot(pid: u32, wanted: &Wanted) -> Option<Snapshot> {
    let target = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(target, Signal::STOP).ok()?;
    while state(pid)? != 'T' {
        sleep(STOP_POLL);
    }
    let seen = search(pid, wanted);
    kill_process(target, Signal::CONT).ok()?;
    seen
}

fn search(pid: u32, wanted: &Wanted) -> Option<Snapshot> {
    let memory = File::open(format!("/proc/{pid}/mem")).ok()?;
    let pages = File::open(format!("/proc/{pid}/pagemap")).ok()?;
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    let mut snapshot = Snapshot::default();
    let mut window = vec![0; WINDOW_BYTES];
    for (mut from, to) in maps.lines().filter_map(written_region).flat_map(|region| touched(&pages, region)) {
        while from < to {
            let length = WINDOW_BYTES.min(usize::try_from(to - from).unwrap());
            // A region may have guard pages that cannot be read.
            let Ok(read) = memory.read_at(&mut window[..length], from) else { break };
            if read == 0 {
                break;
            }
            wanted.in_bytes(&window[..read], &mut snapshot.found);
            snapshot.bytes += read as u64;
            let overlap = if from + (read as u64) < to { wanted.longest.min(read - 1) } else { 0 };
            from += (read - overlap) as u64;
        }
    }
    Some(snapshot)
}

/// Start and end of a region that can be written, from a line of `maps`.
fn written_region(line: &str) -> Option<(u64, u64)> {
    let mut words = line.split_whitespace();
    let (range, rights) = (words.next()?, words.next()?);
    let (from, to) = range.split_once('-')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    rights.starts_with("rw").then_some((number(from)?, number(to)?))
}

/// The parts of a region that exist, in memory or swapped out (proc_pid_pagemap(5)): an allocator may reserve a gigabyte and touch little of it.
fn touched(pages: &File, (from, to): (u64, u64)) -> Vec<(u64, u64)> {
    let page = rustix::param::page_size() as u64;
    let mut entries = vec![0; usize::try_from((to - from) / page).unwrap() * ENTRY_BYTES];
    // `[vsyscall]` and its like have none.
    if pages.read_exact_at(&mut entries, from / page * ENTRY_BYTES as u64).is_err() {
        return vec![(from, to)];
    }
    let mut parts: Vec<(u64, u64)> = Vec::new();
    for (entry, at) in entries.chunks_exact(ENTRY_BYTES).zip((from..to).step_by(usize::try_from(page).unwrap())) {
        let entry = u64::from_ne_bytes(entry.try_into().unwrap());
        match parts.last_mut() {
            _ if entry & (PRESENT | SWAPPED) == 0 => {}
            Some((_, end)) if *end == at => *end += page,
            _ => parts.push((at, at + page)),
        }
    }
    parts
}

/// The state letter of a process; `None` when it is gone.
fn state(pid: u32) -> Option<char> {
    let (_, fields) = stat(pid)?;
    fields.chars().next().filter(|state| *state != 'Z')
}

/// Name and remaining fields of `/proc/PID/stat`; the name may hold spaces and brackets.
fn stat(pid: u32) -> Option<(String, String)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (head, fields) = text.rsplit_once(") ")?;
    Some((head.split_once('(')?.1.to_owned(), fields.to_owned()))
}

/// The processes whose parent this one is.
#[must_use]
pub fn children(of: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap();
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| stat(*pid).is_some_and(|(_, fields)| fields.split(' ').nth(1) == Some(&of.to_string()))).collect()
}
