//! Tests that cannot run on this machine.

use std::io::Write;

/// Says that a test cannot run here: on standard error, and in the file that `$FUDA_SKIP_LOG` names, which the summary counts.
pub fn skipped(test: &str, why: &str) {
    let line = format!("SKIPPED {test}: {why}\n");
    eprint!("{line}");
    if let Some(log) = std::env::var_os("FUDA_SKIP_LOG") {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(log);
        file.and_then(|mut file| file.write_all(line.as_bytes())).unwrap();
    }
}
