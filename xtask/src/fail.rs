//! What went wrong, where, and what the person at the keyboard does about it; the exit codes are those of the binaries.

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

/// The exit codes that `xtask` shares with the binaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    Incomplete = 1,
    Usage = 2,
    Stopped = 3,
    Input = 5,
    Integrity = 6,
    Hsm = 7,
    Lacking = 9,
    Bug = 70,
}

impl Exit {
    /// The number the shell sees.
    pub(crate) fn number(self) -> u8 {
        self as u8
    }

    /// The exit code of a binary, taken over as our own where it has a meaning here.
    pub(crate) fn of_child(code: Option<i32>) -> Exit {
        match code {
            Some(1) => Exit::Incomplete,
            Some(3) => Exit::Stopped,
            Some(5) => Exit::Input,
            Some(6) => Exit::Integrity,
            Some(7) => Exit::Hsm,
            Some(9) => Exit::Lacking,
            _ => Exit::Bug,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.number())
    }
}

/// A failure a person can act on.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: &'static str,
    pub(crate) exit: Exit,
    pub(crate) what: String,
    pub(crate) place: String,
    pub(crate) remedy: String,
}

impl Failure {
    pub(crate) fn new(code: &'static str, exit: Exit, what: impl Into<String>, remedy: impl Into<String>) -> Failure {
        Failure { code, exit, what: what.into(), place: String::new(), remedy: remedy.into() }
    }

    /// The command line is wrong.
    pub(crate) fn usage(what: impl Into<String>, remedy: impl Into<String>) -> Failure {
        Failure::new("USAGE", Exit::Usage, what, remedy)
    }

    /// The file system refused.
    pub(crate) fn io(act: &str, path: &Path, error: &std::io::Error) -> Failure {
        Failure::new(
            "FILE_SYSTEM",
            Exit::Bug,
            format!("cannot {act}: {error}"),
            "check rights and free space, then try again",
        )
        .at(path.display().to_string())
    }

    /// Says where it happened.
    pub(crate) fn at(mut self, place: impl Into<String>) -> Failure {
        self.place = place.into();
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.what)?;
        if !self.place.is_empty() {
            write!(f, "\nwhere: {}", self.place)?;
        }
        if !self.remedy.is_empty() {
            write!(f, "\n   do: {}", self.remedy)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}
