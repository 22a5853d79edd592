//! Rows of somebody's file that fit nowhere, as `payment import` and `sale import` tell them.

use fuda_cli::output;
use serde_json::{Value, json};
use std::path::Path;

/// Rows that are listed; a file with more is another file than it should be.
const LISTED_MAX: usize = 200;

/// Names them on the terminal, and returns all of them for programs.
pub(super) fn tell(path: &Path, rows: &[(u64, String)]) -> Value {
    for (line, reason) in rows.iter().take(LISTED_MAX) {
        output::line(&format!("{}:{line}: {reason}", path.display()));
    }
    rows.iter().map(|(line, reason)| json!({ "line": line, "reason": reason })).collect()
}
