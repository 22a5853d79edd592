//! What can go wrong with worker processes, as the pool sees it from outside.

use fuda_cli::Exit;
use std::path::PathBuf;
use thiserror::Error;

/// An error of the pool itself.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PoolError {
    /// The worker's program cannot be started.
    #[error("cannot start the HSM worker {}: {text}", path.display())]
    Program {
        /// The program.
        path: PathBuf,
        /// Why not.
        text: String,
    },
    /// The program beside ours is of another build.
    #[error("the HSM worker is of another build: {found}, not {ours}")]
    Version {
        /// What it says it is.
        found: String,
        /// What we are.
        ours: String,
    },
    /// A worker did not get to the token in time. It is left to end by itself: killed in C_Login it might harm the token.
    #[error("the HSM worker was not ready after {waited_s} s")]
    Late {
        /// How long we waited, in seconds.
        waited_s: u64,
    },
    /// A worker ended without a word.
    #[error("the HSM worker ended: {how}")]
    Gone {
        /// Signal or exit code.
        how: String,
    },
    /// A worker was ended by somebody else.
    #[error("the HSM worker was killed: {how}")]
    Killed {
        /// The signal.
        how: String,
    },
    /// The token directory, or the file that names it, cannot be read.
    #[error("the token directory cannot be read: {}: {source}", path.display())]
    MasterAway {
        /// What cannot be read.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The token directory that workers have copies of holds other keys than when they were made, and no change of the registry says why.
    #[error("the token directory has changed since the workers copied it, and the registry knows of no change")]
    MasterChanged,
    /// Several workers died or hung with one request.
    #[error("the request was given up after {attempts} workers: {why}")]
    GivenUp {
        /// How many.
        attempts: u32,
        /// What became of the last.
        why: String,
    },
}

impl PoolError {
    /// Stable code, exit code, what to do.
    pub(crate) const fn row(&self) -> (&'static str, Exit, &'static str) {
        match self {
            Self::Program { .. } => {
                ("WORKER_NOT_STARTED", Exit::Hsm, "the program `fuda-kms` must lie beside this one")
            }
            Self::Version { .. } => {
                ("WORKER_VERSION", Exit::Hsm, "install all programs of one release; stop those that still run")
            }
            Self::Late { .. } => (
                "WORKER_START_LATE",
                Exit::Hsm,
                "see whether the HSM hangs; end the worker by hand when you know that it is not in C_Login",
            ),
            Self::Gone { .. } | Self::Killed { .. } => ("WORKER_GONE", Exit::Hsm, "see the log and the HSM vendor's"),
            Self::MasterAway { .. } => (
                "TOKEN_DIRECTORY",
                Exit::Hsm,
                "bring it back; it is directories.tokendir of the file that SOFTHSM2_CONF names",
            ),
            Self::MasterChanged => {
                ("TOKEN_CHANGED", Exit::Integrity, "find out who wrote to it; `fuda-kms check` looks at every key")
            }
            Self::GivenUp { .. } => {
                ("HSM_REQUEST_GIVEN_UP", Exit::Hsm, "see the log for what the workers died of; try another card")
            }
        }
    }
}
