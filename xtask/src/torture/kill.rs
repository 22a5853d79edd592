//! `torture kill`: lines, workers and cards killed and cards maltreated, and the memory of every card read.

use std::time::Duration;

use super::long::Long;

pub(super) const KILL: Long = Long {
    subject: "kill",
    test: "torture::a_tortured_line_has_its_cards_in_order",
    // Enough for three kills of the line at each command of a card.
    runs: ("FUDA_TORTURE_RUNS", 300),
    // A run takes a second, and ten where a card hangs.
    limit_per_run: Duration::from_secs(15),
    run: "run ",
    table: "journal of the card",
    verdict: "{\"serials_twice\":",
};

#[cfg(test)]
mod tests {
    use super::KILL;

    #[test]
    fn table_and_verdict_are_found_among_what_the_test_printed() {
        let printed = "test torture ... run 1: x\njournal of the card  line\nthe intent  3\n{\"serials_twice\":0,\"runs\":1}\nok\n";
        let found = KILL.outcome(printed);
        assert_eq!(found, Some(("journal of the card  line\nthe intent  3", "{\"serials_twice\":0,\"runs\":1}")));
        assert_eq!(KILL.outcome("test torture ... run 1: x\n"), None);
    }
}
