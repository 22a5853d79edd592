//! One line per job: two lines on one order would each make the cards that are missing.

use crate::site::Site;
use fuda_cli::{Exit, Failure};
use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::path::PathBuf;

/// Held for as long as a line works on a job; the operating system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct JobLock {
    _file: File,
}

impl JobLock {
    /// Takes the lock of a job, a file beside the database.
    ///
    /// # Errors
    /// `JOB_RUNNING` (exit 4) when another line has it; `JOB_LOCK` (exit 8) when the file cannot be made.
    pub(crate) fn take(site: &Site, job: &str) -> Result<Self, Failure> {
        let database = site.store.path();
        let name = database.file_name().unwrap_or_default().to_string_lossy();
        let path: PathBuf = database.with_file_name(format!("{name}.{job}.lock"));
        let file = File::create(&path).map_err(|error| {
            Failure::new("JOB_LOCK", Exit::Store, format!("cannot make the lock of job {job}: {error}"))
                .at(path.display().to_string())
        })?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { _file: file }),
            Err(rustix::io::Errno::WOULDBLOCK) => {
                Err(Failure::new("JOB_RUNNING", Exit::Refused, format!("another line works on job {job}"))
                    .at(path.display().to_string())
                    .remedy("stop that line first, or split the order"))
            }
            Err(error) => Err(Failure::new("JOB_LOCK", Exit::Store, format!("cannot lock job {job}: {error}"))
                .at(path.display().to_string())),
        }
    }
}
