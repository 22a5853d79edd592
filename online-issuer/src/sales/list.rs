//! Sales for a person to look at.

use super::SaleId;
use crate::error::Error;
use fuda_store::Store;
use serde::Serialize;

/// Most sales that are listed at once.
const LISTED_MAX: i64 = 1000;

/// A sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Listed {
    /// The retailer.
    pub retailer: String,
    /// Their shop.
    pub shop: String,
    /// The receipt.
    pub receipt: String,
    /// Its line.
    pub line: i64,
    /// Number on card or package, as the till read it.
    pub printed: String,
    /// When it was sold.
    pub sold_at: String,
    /// Serial of the card, where one was found.
    pub serial: Option<String>,
    /// State.
    pub state: String,
    /// Why it is an exception.
    pub reason: String,
    /// When it was told.
    pub told_at: String,
    /// When it was taken back.
    pub reversed_at: Option<String>,
    /// Who took it back.
    pub reversed_by: Option<String>,
}

impl Listed {
    /// RETAILER/SHOP/RECEIPT/LINE.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}/{}/{}", self.retailer, self.shop, self.receipt, self.line)
    }
}

/// Sales of a state, or one, or all of them, newest first.
///
/// # Errors
/// [`Error::Store`].
pub fn list(store: &Store, state: Option<&str>, sale: Option<&SaleId>) -> Result<Vec<Listed>, Error> {
    let (state, sale) = (state.unwrap_or_default().to_owned(), sale.cloned());
    store.read_blocking("sale.list", async move |tx| {
        let (retailer, shop, receipt, line) =
            sale.map_or_else(Default::default, |id| (id.retailer, id.shop, id.receipt, id.line));
        Ok(sqlx::query_as(
            "/* sale.list */ SELECT s.retailer, s.shop, s.receipt, s.line, s.printed, s.sold_at, c.serial, s.state, s.reason, s.told_at, \
             s.reversed_at, s.reversed_by FROM sale_notice s LEFT JOIN stock_card c ON c.kdd = s.card \
             WHERE ($1 = '' OR s.state = $1) AND ($5 = 0 OR (s.retailer = $2 AND s.shop = $3 AND s.receipt = $4 AND s.line = $5)) \
             ORDER BY s.told_at DESC, s.retailer, s.shop, s.receipt, s.line LIMIT $6",
        )
        .bind(state)
        .bind(retailer)
        .bind(shop)
        .bind(receipt)
        .bind(line)
        .bind(LISTED_MAX)
        .fetch_all(&mut *tx)
        .await?)
    })
}
