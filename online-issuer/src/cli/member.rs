//! `member …`.

use crate::id::MemberId;
use clap::{Args, Subcommand};
use std::path::PathBuf;

const JOIN: &str = "Example:\n  fuda-issuer member join --locale ja < member.json\n\n\
Standard input: one JSON object, names of fields to texts, such as {\"name_kana\":\"…\",\"email\":\"…\"}. Personal data is never an argument: \
other users of the machine can read those.";

const SHOW: &str = "Examples:\n  fuda-issuer member show 5F0C6A1E9B7D2348\n  echo hanako@example.com | fuda-issuer member show --by email   # a field of issuer.indexed";

const ERASE: &str = "The key under which the member's data is sealed is destroyed, so no backup of the database can be read any more without it. \
The member's name goes into the list of issuer.erasures first: `--replay` erases once more whom a restored database has brought back; `serve` does so when it starts.";

/// `member …`.
#[derive(Debug, Subcommand)]
pub enum MemberCommand {
    /// Take a member in; what they say of themselves comes on standard input
    #[command(after_help = JOIN)]
    Join {
        /// Language of notices
        #[arg(long, default_value = "en", value_name = "LOCALE")]
        locale: String,
    },
    /// All that a member says of themselves, anew, on standard input; a job that has begun goes on with what it had
    Update {
        /// The member
        member: MemberId,
    },
    /// A member and their orders, without personal data
    #[command(after_help = SHOW)]
    Show(Show),
    /// Everything that is known of a member, as one JSON object
    Export {
        /// The member
        member: MemberId,
        /// Into this file, which must not exist; mode 0600 [default: standard output]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Erase a member
    #[command(after_help = ERASE)]
    Erase(Erase),
}

/// `member show`.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Show {
    /// The member
    pub member: Option<MemberId>,
    /// Look for the value of this field, which comes on standard input
    #[arg(long, value_name = "FIELD")]
    pub by: Option<String>,
}

/// `member erase`.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Erase {
    /// The member
    pub member: Option<MemberId>,
    /// Everybody in the list of erased members
    #[arg(long)]
    pub replay: bool,
}
