//! CPU time of this process, of others and of their children.

use crate::doing::{Doing, failed};
use crate::memory;
use fuda_cli::Failure;
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// Ticks per second in `/proc/*/stat`: USER_HZ, 100 on every Linux (proc(5), `utime`).
const TICKS_PER_SECOND: f64 = 100.0;

/// Fields between the program's name and `utime`, and `cutime`, each followed by the time of the system.
const UTIME: usize = 11;
const CUTIME: usize = 13;

/// CPU time that all threads of this process have used.
#[must_use]
pub fn own() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// CPU time, in seconds, of all children that ended and were waited for (proc(5): `cutime` and `cstime`); steps of 10 ms.
///
/// # Errors
/// When `/proc` is not Linux's.
pub fn children_s() -> Result<f64, Failure> {
    read(std::process::id(), CUTIME)
}

/// CPU time, in seconds, that a process has used (proc(5): `utime` and `stime`); steps of 10 ms.
///
/// # Errors
/// When there is no such process.
pub fn of_process_s(pid: u32) -> Result<f64, Failure> {
    read(pid, UTIME)
}

/// CPU time, in seconds, of all children that a process has and has had: a worker that was replaced counts on.
///
/// # Errors
/// As [`of_process_s`].
pub fn of_children_s(pid: u32) -> Result<f64, Failure> {
    let living = memory::children(pid).into_iter().map(of_process_s).sum::<Result<f64, Failure>>()?;
    Ok(living + read(pid, CUTIME)?)
}

fn read(pid: u32, first: usize) -> Result<f64, Failure> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).doing("read a process's CPU time")?;
    seconds(&text, first).ok_or_else(|| failed(format!("/proc/{pid}/stat is not as proc(5) says")))
}

/// Two neighbouring fields, of which the first is so many behind the program's name; the name is in parentheses and may hold anything.
fn seconds(stat: &str, first: usize) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(first);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_two_fields_behind_any_name() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 100 200 0 0 11 12 150 50 20 0 1 0 5 6 7";
        assert_eq!((seconds(stat, CUTIME), seconds(stat, UTIME)), (Some(2.0), Some(0.23)));
        assert!(of_process_s(std::process::id()).unwrap() >= 0.0);
        assert!(children_s().unwrap() >= 0.0);
    }

    #[test]
    fn work_takes_time() {
        let before = own();
        let mut sum = 0_u64;
        while own() == before {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(own() > before);
    }
}
