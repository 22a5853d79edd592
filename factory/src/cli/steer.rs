//! What people say on the command line about jobs, rejects, encoders, samples and a restored store.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// A word about a job.
#[derive(Debug, Args)]
pub struct Said {
    /// Order number
    pub job: String,
    /// Who says so; goes into the journal
    #[arg(long, value_name = "ID", default_value = "-")]
    pub operator: String,
}

/// `job close`.
#[derive(Debug, Args)]
#[command(
    after_help = "drawn = chips that told an identity (good, rejected, samples, unknown) + mute + returned. The line counts the first; \
people count the others.\n\nExample:\n  fuda-factory job close 2026-0417-A --checker tanaka --drawn 1030 --returned 22 --mute 1"
)]
pub struct Close {
    /// Order number
    pub job: String,
    /// Who counted; nobody who worked at a line of the job
    #[arg(long, value_name = "ID")]
    pub checker: String,
    /// Chips taken from the stock for this job
    #[arg(long, value_name = "N")]
    pub drawn: u64,
    /// Of them, given back untouched
    #[arg(long, value_name = "N")]
    pub returned: u64,
    /// Of them, chips in the bin that told no identity
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub mute: u64,
}

/// `reject …`.
#[derive(Debug, Subcommand)]
pub enum RejectCommand {
    /// What lies in the reject bin of a job, or of all jobs
    List {
        /// Order number
        job: Option<String>,
    },
    /// Record that the job's own chips in the bin were destroyed: no key counts as carried by them any more
    Destroy(Destroy),
}

/// `reject destroy`.
#[derive(Debug, Args)]
pub struct Destroy {
    /// Order number
    pub job: String,
    /// Chips that were destroyed, as counted; all of the job's own must be
    #[arg(long, value_name = "N")]
    pub count: u64,
    /// Who saw it; nobody who worked at a line of the job
    #[arg(long, value_name = "ID")]
    pub witness: String,
    /// Number of the certificate of destruction
    #[arg(long, value_name = "TEXT")]
    pub certificate: String,
}

/// `encoder …`.
#[derive(Debug, Subcommand)]
pub enum EncoderCommand {
    /// Encoders of every running line, and whether they are in service
    List,
    /// Put an encoder that is quarantined back into service
    Release {
        /// Its name, as `encoder list` says
        encoder: String,
    },
}

/// `store fence`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Until then no job starts on a store that is older than this machine or the deliveries remember (STORE_RESTORED).\n\n\
Example:\n  fuda-factory store fence --officer suzuki --deliveries /archive/2026"
)]
pub struct Fence {
    /// The officer who signs
    #[arg(long, value_name = "ID")]
    pub officer: String,
    /// More folders with deliveries of this site (repeatable) [also: factory.out in fuda.toml]
    #[arg(long, value_name = "DIR")]
    pub deliveries: Vec<PathBuf>,
}

/// `card sample`.
#[derive(Debug, Args)]
pub struct CardSample {
    /// Order number
    pub job: String,
    /// Serial or chip identity
    pub card: String,
    /// What it is drawn for
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Who draws it
    #[arg(long, value_name = "ID", default_value = "-")]
    pub operator: String,
}
