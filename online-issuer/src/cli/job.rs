//! `job …`, `card …` and `drain` on the command line.

use clap::{Args, Subcommand};

/// `job …`.
#[derive(Debug, Subcommand)]
pub enum JobCommand {
    /// Jobs by state, those that changed last first
    List(List),
    /// One job: its card, its state, its scripts
    Show {
        /// The job, 16 hex digits
        job: String,
    },
    /// What only a card can resolve, and how; or give one up, by two of the staff
    Reconcile(Reconcile),
}

/// `job list`.
#[derive(Debug, Args)]
pub struct List {
    /// Only those in this state: created, ready, offered, unknown, confirmed, cancelled, expired, superseded, failed
    #[arg(long, value_name = "STATE")]
    pub state: Option<String>,
}

/// `job reconcile`.
#[derive(Debug, Args)]
#[command(
    after_help = "A job is unknown when its card was lost in the middle: the next contact of the card, at any terminal, asks the card and resolves it.\n\
A card that never comes back is written off, which frees what was paid for; should it hold the job after all, the next one on it is refused.\n\n\
Example:\n  fuda-issuer job reconcile 00112233AABBCCDD --write-off --operator sato --checker tanaka --reason \"card destroyed\""
)]
pub struct Reconcile {
    /// The job to give up
    #[arg(requires = "write_off")]
    pub job: Option<String>,
    /// Give it up
    #[arg(long, requires_all = ["job", "operator", "checker", "reason"])]
    pub write_off: bool,
    /// Who does it
    #[arg(long, value_name = "ID")]
    pub operator: Option<String>,
    /// Who checked it: somebody else
    #[arg(long, value_name = "ID")]
    pub checker: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// `card …`.
#[derive(Debug, Subcommand)]
pub enum CardCommand {
    /// What the engine knows of a card: counters, jobs, whether it is blocked
    Show {
        /// Chip or serial
        card: String,
    },
    /// Let no more scripts out for a card; works at once
    Block {
        /// Chip or serial
        card: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who does it
        #[arg(long, value_name = "ID")]
        operator: String,
    },
}
