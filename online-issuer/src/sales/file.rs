//! A retailer's file: CSV with the header `retailer,shop,receipt,line,printed,sold_at`, each row a card that was sold.

use super::{Sale, SaleId};
use crate::table_file::{self, Row};
use fuda_cli::Failure;
use fuda_issuance::delivery::CsvEncoding;
use std::path::Path;

/// The header.
const COLUMNS: [&str; 6] = ["retailer", "shop", "receipt", "line", "printed", "sold_at"];

/// Reads a file: for each row its line, and the sale or what is wrong with it.
///
/// # Errors
/// `INPUT_UNREADABLE` and `INPUT_INVALID` (exit 5) for a file that is no such table.
pub fn read(path: &Path, encoding: CsvEncoding) -> Result<Vec<Row<Sale>>, Failure> {
    table_file::read(path, encoding, COLUMNS, |[retailer, shop, receipt, line, printed, sold_at]| {
        let line = line.parse().map_err(|_| "the line of the receipt is no whole number".to_owned())?;
        let id = SaleId::new(retailer, shop, receipt, line);
        id.and_then(|id| Sale::new(id, printed, sold_at)).map_err(|error| error.to_string())
    })
}
