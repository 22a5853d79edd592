//! Rebuilds the crate when a migration file appears: the folder is embedded as a whole.

#![allow(clippy::print_stdout, reason = "standard output is how a build script speaks to Cargo")]

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
