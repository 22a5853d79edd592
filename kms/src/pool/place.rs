//! Where HSM workers run.

use super::error::PoolError;
use crate::error::Error;
use std::path::{Path, PathBuf};

/// The program that is a worker.
const PROGRAM: &str = "fuda-kms";

/// Where HSM workers run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Each in a process of its own: what hangs is killed, what crashes is started again, and no key comes into our memory.
    Processes {
        /// The program `fuda-kms` of the same build.
        program: PathBuf,
    },
    /// As threads of this process, on the token itself: for tools that look at one token, and tests.
    Threads,
}

impl Place {
    /// Processes of the `fuda-kms` that lies beside the running program.
    ///
    /// # Errors
    /// [`Error::Pool`] when the system does not tell where the running program lies.
    pub fn beside() -> Result<Self, Error> {
        let failed = |error: std::io::Error| PoolError::Program { path: PROGRAM.into(), text: error.to_string() };
        let ours = std::env::current_exe().map_err(failed)?;
        Ok(Self::Processes { program: beside(&ours) })
    }
}

/// Cargo puts programs into a folder, and their tests and benches into its `deps`.
fn beside(ours: &Path) -> PathBuf {
    let folder = ours.parent().unwrap_or(Path::new("."));
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    folder.join(PROGRAM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worker_lies_beside_the_program_or_above_its_tests() {
        for (ours, worker) in [
            ("/usr/bin/fuda-factory", "/usr/bin/fuda-kms"),
            ("/w/target/debug/fuda-kms", "/w/target/debug/fuda-kms"),
            ("/w/target/debug/deps/token-0123", "/w/target/debug/fuda-kms"),
        ] {
            assert_eq!(beside(Path::new(ours)), Path::new(worker));
        }
    }
}
