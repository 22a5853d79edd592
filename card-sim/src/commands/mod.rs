//! The subcommands, one file each.

pub(crate) mod blank;
pub(crate) mod serve;
pub(crate) mod show;
