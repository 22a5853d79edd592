//! What `--version` says beside the number: the commit, and whatever a program's files and messages depend on.

/// The commit that this build was made from; `unknown` when it was not built in a checkout.
pub const COMMIT: &str = env!("FUDA_COMMIT");

/// `0.1.0 (commit 1a2b3c4d5e6f, schema 20261123110000)`.
#[must_use]
pub fn text(number: &str, details: &[(&str, &str)]) -> String {
    let details = details.iter().map(|(name, value)| format!(", {name} {value}"));
    format!("{number} (commit {COMMIT}{})", details.collect::<String>())
}
