//! Standard output of a command: lines for a person, one JSON object for a program.
//!
//! A reader that has gone away (`| head`) ends the output, never the program's work.

use std::io::{self, Write};

/// Prints one line (or several) to standard output.
pub fn line(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// Prints one JSON object on one line to standard output.
pub fn json(value: &serde_json::Value) {
    line(&value.to_string());
}

/// Prints one line (or several) to standard error, for what is not the result.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
