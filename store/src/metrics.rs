//! What the writers count: how many jobs shared how many commits, and how long a commit takes on this disk.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A reading of the counters since the store was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Metrics {
    /// COMMITs that returned success.
    pub commits: u64,
    /// Jobs whose effects were committed.
    pub jobs: u64,
    /// Jobs that answered `Err`, panicked, or were lost with their transaction.
    pub jobs_failed: u64,
    /// Most jobs that shared one commit.
    pub jobs_in_largest_commit: u64,
    /// Time spent inside COMMIT, summed.
    pub commit_time: Duration,
    /// Transactions that were run again: another one was in the way, or the connection was lost before COMMIT.
    pub repeated: u64,
    /// Reads answered.
    pub reads: u64,
}

/// The counters themselves; nothing is read together with them, so relaxed order suffices.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    commits: AtomicU64,
    jobs: AtomicU64,
    jobs_failed: AtomicU64,
    jobs_in_largest_commit: AtomicU64,
    commit_micros: AtomicU64,
    repeated: AtomicU64,
    reads: AtomicU64,
}

impl Counters {
    pub(crate) fn committed(&self, kept: u64, failed: u64, took: Duration) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.jobs.fetch_add(kept, Ordering::Relaxed);
        self.jobs_failed.fetch_add(failed, Ordering::Relaxed);
        self.jobs_in_largest_commit.fetch_max(kept, Ordering::Relaxed);
        self.commit_micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn lost(&self, jobs: u64) {
        self.jobs_failed.fetch_add(jobs, Ordering::Relaxed);
    }

    pub(crate) fn repeated(&self) {
        self.repeated.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) {
        self.reads.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> Metrics {
        Metrics {
            commits: self.commits.load(Ordering::Relaxed),
            jobs: self.jobs.load(Ordering::Relaxed),
            jobs_failed: self.jobs_failed.load(Ordering::Relaxed),
            jobs_in_largest_commit: self.jobs_in_largest_commit.load(Ordering::Relaxed),
            commit_time: Duration::from_micros(self.commit_micros.load(Ordering::Relaxed)),
            repeated: self.repeated.load(Ordering::Relaxed),
            reads: self.reads.load(Ordering::Relaxed),
        }
    }
}
