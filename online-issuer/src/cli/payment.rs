//! `payment …`.

use crate::id::OrderId;
use clap::{Args, Subcommand};
use fuda_issuance::delivery::CsvEncoding;
use std::path::PathBuf;

const IMPORT: &str = "The file: CSV with the header event,reference,amount,currency; `event` is the bank's own number of the transfer, `reference` the order, \
amounts count in the currency's smallest unit.\nA row that was imported before changes nothing, so a file may be imported again. Rows that fit nowhere are listed (exit 1).";

/// `payment …`.
#[derive(Debug, Subcommand)]
pub enum PaymentCommand {
    /// Take in a bank's file of transfers
    #[command(after_help = IMPORT)]
    Import {
        /// The file
        file: PathBuf,
        /// How it is written
        #[arg(long, default_value = "utf-8", value_name = "utf-8|cp932")]
        csv_encoding: CsvEncoding,
    },
    /// Payments, newest first
    List {
        /// Only those that fit nowhere
        #[arg(long)]
        unmatched: bool,
    },
    /// Say which order an unmatched payment is for
    Match(Match),
}

/// `payment match`.
#[derive(Debug, Args)]
pub struct Match {
    /// The payment, as `payment list` names it
    pub payment: String,
    /// The order
    pub order: OrderId,
    /// Who says so
    #[arg(long, value_name = "ID")]
    pub operator: String,
}
