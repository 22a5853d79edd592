//! The programs under test, and what one of them said when it ended.

use serde_json::Value;
use std::path::PathBuf;
use std::process::ExitStatus;

/// A program of this workspace: in `$FUDA_BIN_DIR`, else beside the test binary, where cargo puts both.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let folder = std::env::var_os("FUDA_BIN_DIR").map_or_else(beside_the_test, PathBuf::from);
    let path = folder.join(name);
    assert!(path.is_file(), "{} is missing: run `cargo xtask test`, or `cargo build` first", path.display());
    path
}

/// `target/debug/deps/it-…` is the test, `target/debug/NAME` the program.
fn beside_the_test() -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(2).unwrap().to_owned()
}

/// A program that ended.
#[derive(Debug)]
pub struct Ended {
    /// What was called, for messages.
    pub command: String,
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: String,
    /// What it said to a person.
    pub stderr: String,
}

impl Ended {
    /// The object on the last line of standard output.
    #[must_use]
    pub fn json(&self) -> Value {
        let last = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|error| panic!("the last line is no JSON: {error}\n{self}"))
    }

    /// The same program, which must have ended with this exit code.
    #[must_use]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{self}");
        self
    }

    /// The object that it printed; it must have ended well.
    #[must_use]
    pub fn done(self) -> Value {
        self.exits(0).json()
    }

    /// The report of its failure: exit code and stable code must be these, and the exit code in the report too.
    #[must_use]
    pub fn fails(self, exit: i32, code: &str) -> Failure {
        assert_eq!(self.status.code(), Some(exit), "{self}");
        let object = self.json();
        let error = object["error"].as_object().unwrap_or_else(|| panic!("no error object\n{self}"));
        let names: Vec<&str> = error.keys().map(String::as_str).collect();
        assert_eq!(names, ["code", "do", "exit", "what", "where"], "{self}");
        assert_eq!(error["exit"], exit, "{self}");
        let text =
            |name: &str| error[name].as_str().unwrap_or_else(|| panic!("`{name}` is no text\n{self}")).to_owned();
        assert_eq!(text("code"), code, "{self}");
        let failure = Failure { what: text("what"), place: text("where"), remedy: text("do") };
        assert!(!failure.what.is_empty(), "{self}");
        // A person gets the same report without asking for it.
        assert!(self.stderr.contains(&format!("error[{code}]: {}", failure.what)), "{self}");
        failure
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { command, status, stdout, stderr } = self;
        write!(f, "{command}\n{status}\n── stdout ──\n{stdout}\n── stderr ──\n{stderr}")
    }
}

/// The three sentences of a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What is wrong.
    pub what: String,
    /// Where.
    pub place: String,
    /// What to do.
    pub remedy: String,
}
