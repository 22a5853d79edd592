//! A sale as a till tells it.

use super::SaleError;
use fuda_store::clock;
use jiff::Timestamp;
use std::fmt;
use std::str::FromStr;

/// Longest name of a retailer, shop or receipt, and longest printed number, in characters.
const TEXT_CHARS_MAX: usize = 64;
/// Highest line of a receipt.
const LINE_MAX: i64 = 10_000;

/// A line of a receipt: unique by retailer, shop, receipt and line, so that a sale that is told again is the same sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaleId {
    pub(super) retailer: String,
    pub(super) shop: String,
    pub(super) receipt: String,
    pub(super) line: i64,
}

/// A card that went over the counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sale {
    /// The line of the receipt.
    pub id: SaleId,
    pub(super) printed: String,
    /// As columns hold it.
    pub(super) sold_at: String,
}

/// Text that names no sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write RETAILER/SHOP/RECEIPT/LINE")]
pub struct NoSaleId;

impl SaleId {
    /// A line of a receipt.
    ///
    /// # Errors
    /// [`SaleError::Body`].
    pub fn new(retailer: &str, shop: &str, receipt: &str, line: i64) -> Result<Self, SaleError> {
        if ![retailer, shop, receipt].into_iter().all(is_name) {
            return Err(SaleError::Body {
                what: "retailer, shop and receipt are 1 to 64 characters, / not among them",
            });
        }
        if !(1..=LINE_MAX).contains(&line) {
            return Err(SaleError::Body { what: "the line is not 1 to 10000" });
        }
        let [retailer, shop, receipt] = [retailer, shop, receipt].map(str::to_owned);
        Ok(Self { retailer, shop, receipt, line })
    }
}

impl Sale {
    /// A sale of the card with this printed number at this time, RFC 3339.
    ///
    /// # Errors
    /// [`SaleError::Body`].
    pub fn new(id: SaleId, printed: &str, sold_at: &str) -> Result<Self, SaleError> {
        if !is_name(printed) {
            return Err(SaleError::Body { what: "the printed number is not 1 to 64 characters" });
        }
        let sold_at: Timestamp =
            sold_at.parse().map_err(|_| SaleError::Body { what: "the time is not RFC 3339 with an offset" })?;
        Ok(Self { id, printed: printed.to_owned(), sold_at: clock::stored(sold_at) })
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= TEXT_CHARS_MAX && !text.chars().any(|c| c.is_control() || c == '/')
}

impl fmt::Display for SaleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { retailer, shop, receipt, line } = self;
        write!(f, "{retailer}/{shop}/{receipt}/{line}")
    }
}

impl FromStr for SaleId {
    type Err = NoSaleId;

    fn from_str(text: &str) -> Result<Self, NoSaleId> {
        let parts: Vec<&str> = text.split('/').collect();
        let [retailer, shop, receipt, line] = parts.as_slice() else { return Err(NoSaleId) };
        Self::new(retailer, shop, receipt, line.parse().map_err(|_| NoSaleId)?).map_err(|_| NoSaleId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_receipt_is_read_as_it_is_written() {
        let id = SaleId::new("ueno", "3", "R-17", 2).unwrap();
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "a/b/c", "a/b/c/0", "a/b/c/x", "a//c/1", "a/b/c/1/2", "a/b/c/10001"] {
            assert_eq!(text.parse::<SaleId>(), Err(NoSaleId), "{text}");
        }
    }

    #[test]
    fn a_time_without_an_offset_is_no_time() {
        let sale = |at| Sale::new(SaleId::new("ueno", "3", "R-17", 2).unwrap(), "881", at);
        assert_eq!(sale("2026-04-17T09:30:00+09:00").unwrap().sold_at, "2026-04-17T00:30:00.000Z");
        assert!(sale("2026-04-17T09:30:00").is_err() && sale("today").is_err());
    }
}
