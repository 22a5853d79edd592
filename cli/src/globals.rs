//! The options that every Fuda command takes.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Options common to all commands.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// Configuration file [default: $FUDA_CONFIG, ./fuda.toml, /etc/fuda/fuda.toml]
    #[arg(long, global = true, value_name = "FILE", env = "FUDA_CONFIG", hide_env = true)]
    pub config: Option<PathBuf>,
    /// Print the result as one JSON object on the last line of standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// Language of messages
    #[arg(long, global = true, value_enum, default_value_t = Lang::of_environment(), value_name = "en|ja", hide_possible_values = true)]
    pub lang: Lang,
    /// Never ask a question; fail instead
    #[arg(long, global = true)]
    pub no_input: bool,
    /// Log more (-v info, -vv debug)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Log errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Form of log lines on standard error
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "text|json", hide_possible_values = true)]
    pub log_format: LogFormat,
    /// Colour; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "auto|always|never", hide_possible_values = true)]
    pub color: Color,
}

/// Language of messages to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    /// English.
    En,
    /// Japanese.
    Ja,
}

impl Lang {
    /// What the environment asks for: the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that says something (POSIX.1-2017 §8.2).
    #[must_use]
    pub fn of_environment() -> Self {
        let said = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(std::env::var_os);
        let first = said.map(|value| value.to_string_lossy().into_owned()).find(|value| !value.is_empty());
        if first.is_some_and(|value| value.starts_with("ja")) { Self::Ja } else { Self::En }
    }

    /// The labels of a failure report: the error itself, its place, what to do.
    #[must_use]
    pub const fn failure_labels(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::En => ("error", "where", "do"),
            Self::Ja => ("エラー", "場所", "対処"),
        }
    }
}

/// Form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One readable line each.
    Text,
    /// One JSON object each.
    Json,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}
