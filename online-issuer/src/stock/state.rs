//! Where a card is on its way to a buyer, and what may happen to it next, as one table.

use fuda_issuance::state_table;

state_table! {
    /// Where a card is.
    states StockState {
        /// In the centre's own store.
        Stock = "stock",
        /// On its way to a shop, or there.
        InTransit = "in-transit",
        /// With a buyer.
        Sold = "sold",
        /// Taken out of trade before it was sold.
        Void = "void",
        /// Reported lost or stolen.
        Lost = "lost",
        /// Not to be used again.
        Blocked = "blocked",
        /// Another card has taken its place.
        Replaced = "replaced",
    }
    /// What happens to a card.
    events StockEvent {
        /// It leaves for a shop.
        Ship = "ship" (Stock => InTransit),
        /// It comes back from a shop.
        Return = "return" (InTransit => Stock),
        /// Its buyer returns it, because it is recalled: it is not sold again.
        TakeBack = "take-back" (Sold => Void),
        /// A till tells that it went over the counter.
        Sell = "sell" (Stock => Sold, InTransit => Sold, Sold => Sold),
        /// The till takes that back: it lies in the shop.
        Unsell = "unsell" (Sold => InTransit),
        /// A buyer claims it by its activation code, which lies under cover: whoever knows the code has the card.
        Claim = "claim" (Stock => Sold, InTransit => Sold, Sold => Sold),
    }
}

impl StockState {
    /// Whether a card that is recalled need not come back any more.
    #[must_use]
    pub const fn is_back(&self) -> bool {
        matches!(self, Self::Stock | Self::Void)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_matrix_of_state_and_event() {
        insta::assert_snapshot!(StockState::matrix());
    }
}
