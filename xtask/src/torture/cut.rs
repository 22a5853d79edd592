//! `torture cut`: activations over the network that are cut, doubled, kept and killed, and the memory of every card read.

use std::time::Duration;

use super::long::Long;

pub(super) const CUT: Long = Long {
    subject: "cut",
    test: "torture::cut::every_card_is_whole_whatever_happens_to_its_contacts",
    runs: ("FUDA_CUT_RUNS", 2_000),
    // A run takes a twentieth of a second, and its share of making and selling the card as long again.
    limit_per_run: Duration::from_secs(2),
    run: "run ",
    table: "rows of the table",
    verdict: "{\"mixed_cards\":",
};

#[cfg(test)]
mod tests {
    use super::CUT;

    #[test]
    fn rows_and_verdict_are_found_among_what_the_test_printed() {
        let printed =
            "test torture ... again\nrow done\nrows of the table: 405\nrun done\n{\"mixed_cards\":0,\"runs\":1}\nok\n";
        assert_eq!(CUT.outcome(printed), Some(("rows of the table: 405", "{\"mixed_cards\":0,\"runs\":1}")));
        assert_eq!(CUT.outcome("run done\n"), None);
    }
}
