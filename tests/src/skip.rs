//! Tests that need a program which a machine may lack.

use std::io::Write;
use std::path::PathBuf;

/// Where a program is; a test that lacks it names itself in `$FUDA_SKIP_LOG`, and returns.
#[must_use]
pub fn needs(test: &str, program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_file());
    if found.is_none() {
        skipped(test, &format!("there is no `{program}`"));
    }
    found
}

/// Says that a test cannot run here.
pub fn skipped(test: &str, why: &str) {
    let line = format!("SKIPPED {test}: {why}\n");
    eprint!("{line}");
    if let Some(log) = std::env::var_os("FUDA_SKIP_LOG") {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(log);
        file.and_then(|mut file| file.write_all(line.as_bytes())).unwrap();
    }
}
