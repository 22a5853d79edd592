//! Exit codes: the same meaning in every Fuda program, stable for scripts.

use std::process::ExitCode;

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything asked for was done.
    Done = 0,
    /// Done, but not complete: some of what was asked for is missing from the result.
    Incomplete = 1,
    /// The command line is wrong.
    Usage = 2,
    /// Stopped before the end; the same command goes on from there.
    Stopped = 3,
    /// Refused by policy: a state, a role or the site mode forbids it.
    Refused = 4,
    /// An input file is wrong; the report names file, line and column.
    Input = 5,
    /// Integrity: a check value, known answer, signature or registry entry does not fit.
    Integrity = 6,
    /// The HSM or its PIN.
    Hsm = 7,
    /// The store: gone, full or of another schema.
    Store = 8,
    /// A reader or a card.
    Reader = 9,
    /// The network or the service centre.
    Network = 10,
    /// A defect of Fuda itself.
    Bug = 70,
}

impl Exit {
    /// The exit code of a number that another process reported.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        let all = [
            Self::Done,
            Self::Incomplete,
            Self::Usage,
            Self::Stopped,
            Self::Refused,
            Self::Input,
            Self::Integrity,
            Self::Hsm,
            Self::Store,
            Self::Reader,
            Self::Network,
            Self::Bug,
        ];
        all.into_iter().find(|exit| exit.number() == number)
    }

    /// The number that the shell sees.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}
