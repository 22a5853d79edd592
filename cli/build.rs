//! Tells the programs which commit they were built from.

#![allow(clippy::print_stdout, reason = "cargo reads what a build script prints")]

use std::path::Path;
use std::process::Command;

fn main() {
    // The log of HEAD grows with every commit and checkout; a source archive has none and says so.
    for path in ["../.git/HEAD", "../.git/logs/HEAD"] {
        if Path::new(path).exists() {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    let git = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    let commit =
        git.ok().filter(|output| output.status.success()).and_then(|output| String::from_utf8(output.stdout).ok());
    println!("cargo:rustc-env=FUDA_COMMIT={}", commit.as_deref().map_or("unknown", str::trim));
}
