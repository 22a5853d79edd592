//! What the cards of a shop hold, against what the centre says of them.

use super::fault::Fault;
use super::hand::Seen;
use super::run::Account;
use super::shop::{Bought, Shop};
use std::collections::BTreeMap;

/// Everything that must not be.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Cards on which a reader found neither nothing nor all of its member's and nothing else; cards that took what was another's.
    pub(super) mixed_cards: usize,
    /// What was paid for and is used twice, or is used up and on no card, or on a card and not used up.
    pub(super) entitlements_used_twice: usize,
    /// Authentications that a card refused.
    pub(super) auth_tries_burned: usize,
    /// Jobs of which only the card knows how far they are, or scripts that may run yet, after one honest contact.
    pub(super) unknown_open: usize,
    /// Anything else.
    pub(super) wrong: usize,
}

impl Verdict {
    pub(super) const fn add(&mut self, other: Self) {
        self.mixed_cards += other.mixed_cards;
        self.entitlements_used_twice += other.entitlements_used_twice;
        self.auth_tries_burned += other.auth_tries_burned;
        self.unknown_open += other.unknown_open;
        self.wrong += other.wrong;
    }

    /// The four counts that are asked for, and the one that is not.
    pub(super) const fn members(self) -> [(&'static str, usize); 5] {
        [
            ("mixed_cards", self.mixed_cards),
            ("entitlements_used_twice", self.entitlements_used_twice),
            ("auth_tries_burned", self.auth_tries_burned),
            ("unknown_open", self.unknown_open),
            ("wrong", self.wrong),
        ]
    }
}

/// What the centre says of an order.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// State of the entitlement.
    pub(super) entitlement: String,
    /// States of its jobs, oldest first.
    pub(super) jobs: Vec<String>,
    /// Scripts that write to its card and are not resolved.
    open_scripts: usize,
}

/// What the centre says of every order, by its number.
pub(super) fn said(shop: &Shop) -> BTreeMap<String, Said> {
    let database = shop.site().database();
    let mut all: BTreeMap<String, Said> = BTreeMap::new();
    let entitlements = "SELECT o.id, e.state, COUNT(s.id) FROM service_order o JOIN entitlement e ON e.order_id = o.id \
                        LEFT JOIN online_script s ON s.card = o.card AND s.kind = 'write' AND s.state IN ('offered', 'unknown') \
                        GROUP BY o.id, e.state";
    for row in database.rows(entitlements) {
        let said = Said { entitlement: row[1].clone(), jobs: Vec::new(), open_scripts: row[2].parse().unwrap() };
        all.insert(row[0].clone(), said);
    }
    for row in database.rows("SELECT service_order, state FROM online_job ORDER BY created_at, id") {
        all.get_mut(&row[0]).unwrap().jobs.push(row[1].clone());
    }
    all
}

/// Judges a run; whatever is wrong is told with all that was done.
#[expect(clippy::print_stdout, reason = "a failing test shows it")]
pub(super) fn judge(shop: &Shop, bought: &Bought, faults: &[Fault], account: &Account, said: &Said) -> Verdict {
    let verdict = weigh(faults, account, said);
    if verdict != Verdict::default() {
        println!("broken on {:?}, card {}: {faults:?}\n  {account:?}\n  {said:?}", shop.engine, bought.sale.kdd);
    }
    verdict
}

fn weigh(faults: &[Fault], account: &Account, said: &Said) -> Verdict {
    let count = |states: &[&str]| said.jobs.iter().filter(|state| states.contains(&state.as_str())).count();
    let (confirmed, open) = (count(&["confirmed"]), count(&["offered", "unknown"]));
    let is_active = account.seen != Some(Seen::Blank);
    let is_used = said.entitlement == "consumed";
    // Of a blocked card two of the staff may have given up; what was paid for is free then, whatever the card holds.
    let is_given_up = account.is_blocked && count(&["failed"]) > 0;
    let is_late = !account.is_blocked && (!account.is_done || account.contacts > faults.len() + 1);
    let is_used_twice = confirmed > 1 || account.receipts.len() > 1 || confirmed != usize::from(is_used);
    Verdict {
        mixed_cards: usize::from(account.is_mixed || account.seen == Some(Seen::Mixed)),
        entitlements_used_twice: usize::from(is_used_twice || (is_active != is_used && !is_given_up)),
        auth_tries_burned: account.burned,
        unknown_open: open + usize::from(is_late) + if is_given_up { 0 } else { said.open_scripts },
        wrong: account.wrong.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> (Account, Said) {
        let account = Account {
            contacts: 2,
            is_done: true,
            seen: Some(Seen::Whole),
            receipts: ["{}".to_owned()].into(),
            ..Account::default()
        };
        (account, Said { entitlement: "consumed".to_owned(), jobs: vec!["confirmed".to_owned()], open_scripts: 0 })
    }

    #[test]
    fn each_count_can_be_other_than_nothing() {
        let (account, said) = good();
        assert_eq!(weigh(&[Fault::Kept], &account, &said), Verdict::default());
        type Spoil = fn(&mut Account, &mut Said);
        let spoils: [(Spoil, [usize; 5]); 10] = [
            (|account, _| account.is_mixed = true, [1, 0, 0, 0, 0]),
            (|account, _| account.seen = Some(Seen::Mixed), [1, 0, 0, 0, 0]),
            (|account, _| account.seen = Some(Seen::Blank), [0, 1, 0, 0, 0]),
            (|_, said| said.entitlement = "granted".to_owned(), [0, 1, 0, 0, 0]),
            (|_, said| said.jobs.push("confirmed".to_owned()), [0, 1, 0, 0, 0]),
            (|account, _| account.receipts.extend(["{ }".to_owned()]), [0, 1, 0, 0, 0]),
            (|account, _| account.burned = 2, [0, 0, 2, 0, 0]),
            (|account, _| account.contacts = 3, [0, 0, 0, 1, 0]),
            (|_, said| said.open_scripts = 1, [0, 0, 0, 1, 0]),
            (|account, _| account.wrong.push(String::new()), [0, 0, 0, 0, 1]),
        ];
        for (number, (spoil, counts)) in spoils.into_iter().enumerate() {
            let (mut account, mut said) = good();
            spoil(&mut account, &mut said);
            let found = weigh(&[Fault::Kept], &account, &said).members().map(|(_, count)| count);
            assert_eq!(found, counts, "{number}");
        }
    }
}
