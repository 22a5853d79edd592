//! `SHA256SUMS` as coreutils writes and reads it: 64 hex digits, two blanks, a name.

use crate::sha256::Sha256Sum;

/// The file for `sums`.
pub(super) fn print(sums: &[(&str, Sha256Sum)]) -> String {
    sums.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect()
}

/// The lines of a file: line number and what it says, `None` where it says nothing that can be understood.
pub(super) fn parse(text: &str) -> Vec<(u64, Option<(String, Sha256Sum)>)> {
    let line = |line: &str| {
        // A star marks binary mode, which is the same on every system that has this program.
        let (sum, name) = line.split_once("  ").or_else(|| line.split_once(" *"))?;
        let fits = !name.is_empty() && !name.contains(['/', '\\']);
        Some((fits.then(|| name.to_owned())?, sum.parse().ok()?))
    };
    (1..).zip(text.lines().map(line)).collect()
}
