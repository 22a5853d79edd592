//! `sale …`.

use crate::sales::SaleId;
use clap::{Args, Subcommand};
use fuda_issuance::delivery::CsvEncoding;
use std::path::PathBuf;

const IMPORT: &str = "The file: CSV with the header retailer,shop,receipt,line,printed,sold_at; times are RFC 3339 with an offset.\n\
A row that was imported before changes nothing, so a file may be imported again. Rows that fit nowhere are listed (exit 1).";

/// `sale …`.
#[derive(Debug, Subcommand)]
pub enum SaleCommand {
    /// Take in a retailer's file of cards that were sold
    #[command(after_help = IMPORT)]
    Import {
        /// The file
        file: PathBuf,
        /// How it is written
        #[arg(long, default_value = "utf-8", value_name = "utf-8|cp932")]
        csv_encoding: CsvEncoding,
    },
    /// Sales, newest first, or one of them
    Show(Show),
    /// Take a sale back for a till that cannot: its card lies in the shop again, unless somebody uses it
    Reverse {
        /// RETAILER/SHOP/RECEIPT/LINE
        sale: SaleId,
        /// Who does it
        #[arg(long, value_name = "ID")]
        operator: String,
    },
}

/// `sale show`.
#[derive(Debug, Args)]
pub struct Show {
    /// RETAILER/SHOP/RECEIPT/LINE
    pub sale: Option<SaleId>,
    /// Only those that fit nowhere
    #[arg(long, conflicts_with = "sale")]
    pub exceptions: bool,
}
