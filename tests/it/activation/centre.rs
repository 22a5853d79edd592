//! A centre with cards in stock and members who have paid, and its nodes.

use fuda_card_sim::Card;
use fuda_tests::delivery::Row;
use fuda_tests::market::Node;
use fuda_tests::{Delivery, Order, Site};
use fuda_tests_cluster::Engine;
use std::path::PathBuf;

/// The application of `membership-1ap`.
pub(crate) const DF: &str = "F04655444101";

/// A site that has made cards, taken them into stock, and sold each to a member with an order of its own.
pub(crate) struct Centre {
    pub(crate) site: Site,
    pub(crate) delivery: Delivery,
    /// A sale for each card, in the order of their serials.
    pub(crate) sales: Vec<Sale>,
}

/// A card that is sold, claimed and paid for.
pub(crate) struct Sale {
    /// The chip.
    pub(crate) kdd: String,
    /// Its file.
    pub(crate) file: PathBuf,
    /// The order.
    pub(crate) order: String,
    /// Its token.
    pub(crate) token: String,
}

impl Centre {
    /// A centre with so many sales, and a node of it.
    pub(crate) fn new(engine: Engine, cards: u32) -> (Self, Node) {
        Self::at(Site::on(engine), cards)
    }

    /// The same at a site that has its keys.
    pub(crate) fn at(site: Site, cards: u32) -> (Self, Node) {
        let mut centre = Self::stocked(site, cards);
        let node = centre.node();
        let rows: Vec<Row> = centre.cards().cloned().collect();
        for row in &rows {
            let bought = node.sold(row);
            let sale = centre.sale(row, bought);
            centre.sales.push(sale);
        }
        (centre, node)
    }

    /// A centre with so many cards in stock, none of them sold.
    pub(crate) fn stocked(site: Site, cards: u32) -> Self {
        site.open_market();
        // The first card of a job is audited: it was met once more than the centre takes for granted.
        let line = "audit_every = 1000\nstop_after = 5\nquarantine_after = 3".to_owned();
        site.make(&Order { line, ..Order::small(cards + 1) }, 1);
        let delivery = site.deliver("T-1", "out");
        site.trust(&delivery);
        let _ = site.issuer(&["stock", "import", delivery.folder.to_str().unwrap()]).done();
        Self { site, delivery, sales: Vec::new() }
    }

    /// The cards for sale: all but the one that the line audited.
    pub(crate) fn cards(&self) -> impl Iterator<Item = &Row> {
        self.delivery.cards.iter().skip(1)
    }

    /// A card with the order that claimed it and its token.
    pub(crate) fn sale(&self, row: &Row, (order, token): (String, String)) -> Sale {
        let kdd = row["chip_id"].clone();
        let file = self.site.path("ejected").join(format!("{kdd}.card"));
        Sale { file, kdd, order, token }
    }

    /// Starts a node.
    pub(crate) fn node(&self) -> Node {
        self.site.node(&["--dev"])
    }

    /// The token of a sale; beyond the last one, a token of none.
    pub(crate) fn token(&self, sale: usize) -> String {
        self.sales.get(sale).map_or_else(|| format!("{sale:032X}"), |sale| sale.token.clone())
    }

    /// The card of a sale, in a reader.
    pub(crate) fn card(&self, sale: usize) -> Card {
        let mut card = Card::open(&self.sales[sale].file).unwrap();
        card.power_on();
        card
    }

    /// State of the entitlement of a sale.
    pub(crate) fn entitlement(&self, sale: usize) -> String {
        let order = &self.sales[sale].order;
        self.site.database().column(&format!("SELECT state FROM entitlement WHERE order_id = '{order}'")).remove(0)
    }

    /// States of the jobs of a sale, oldest first.
    pub(crate) fn jobs(&self, sale: usize) -> Vec<String> {
        let order = &self.sales[sale].order;
        let jobs = format!("SELECT state FROM online_job WHERE service_order = '{order}' ORDER BY created_at");
        self.site.database().column(&jobs)
    }

    /// Life cycle of the application on the card of a sale, as the card's memory has it.
    pub(crate) fn life_cycle(&self, sale: usize) -> String {
        let report = Card::report_of(&self.sales[sale].file, fuda_card_sim::report::Secrets::Hidden).unwrap();
        report.file("1001").unwrap().life_cycle.to_string()
    }
}
