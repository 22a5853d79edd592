//! The report of a failed command: a stable code, what is wrong, where, and what to do about it.

use crate::{Exit, Source};
use serde_json::json;
use std::fmt;

/// Why a command failed, told to a person and to a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Stable code for programs, such as `KEY_KCV_MISMATCH`.
    pub code: &'static str,
    /// The exit code that goes with it.
    pub exit: Exit,
    /// What is wrong, one sentence without a full stop.
    pub what: String,
    /// Where: file:line:column, card, reader, key version; empty when there is no better place than the command.
    pub place: String,
    /// What to do; empty when the sentence above says it.
    pub remedy: String,
}

impl Failure {
    /// A failure with a code and one sentence.
    pub fn new(code: &'static str, exit: Exit, what: impl Into<String>) -> Self {
        Self { code, exit, what: what.into(), place: String::new(), remedy: String::new() }
    }

    /// A failure of an input file at a byte offset of its text (exit 5).
    pub fn input(source: &Source, offset: usize, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new("INPUT_INVALID", Exit::Input, what).at(source.place(offset)).remedy(remedy)
    }

    /// The same failure with its place.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = place.into();
        self
    }

    /// The same failure with what to do about it.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// The object that `--json` prints: `{"error":{"code","exit","what","where","do"}}`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        json!({ "error": {
            "code": self.code,
            "exit": self.exit.number(),
            "what": self.what,
            "where": self.place,
            "do": self.remedy,
        }})
    }

    /// The report for a person, with its labels in Japanese when the operator asked for that.
    #[must_use]
    pub fn report(&self, lang: crate::globals::Lang) -> String {
        let (error, place, remedy) = lang.failure_labels();
        let mut text = format!("{error}[{}]: {}", self.code, self.what);
        for (label, line) in [(place, &self.place), (remedy, &self.remedy)] {
            if !line.is_empty() {
                text.push_str(&format!("\n  {label}: {line}"));
            }
        }
        text
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.report(crate::globals::Lang::En))
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_what_where_and_what_to_do() {
        let failure = Failure::new("KEY_KCV_MISMATCH", Exit::Integrity, "the token holds another key")
            .at("ap/ticket@2")
            .remedy("compare the ceremony record with `fuda-kms key kcv ap/ticket@2`");
        insta::assert_snapshot!(failure, @r"
        error[KEY_KCV_MISMATCH]: the token holds another key
          where: ap/ticket@2
          do: compare the ceremony record with `fuda-kms key kcv ap/ticket@2`
        ");
        insta::assert_snapshot!(failure.to_json(), @r#"{"error":{"code":"KEY_KCV_MISMATCH","do":"compare the ceremony record with `fuda-kms key kcv ap/ticket@2`","exit":6,"what":"the token holds another key","where":"ap/ticket@2"}}"#);
    }

    #[test]
    fn an_input_failure_names_line_and_column() {
        let source = Source::new("order.toml", "order = \"A\"\nquantity = 0\n");
        let failure = Failure::input(&source, 23, "quantity is 0", "give 1 to 1000000");
        assert_eq!(failure.place, "order.toml:2:12");
        assert_eq!(failure.exit.number(), 5);
    }
}
