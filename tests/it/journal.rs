//! The journal is a chain: whoever changes a row of it is found, and the row is named.

use fuda_tests::{Order, Site};

#[test]
fn a_changed_missing_or_added_entry_is_named() {
    let site = Site::new();
    site.make(&Order::small(2), 1);
    let verified = site.factory(&["verify", "T-1"]).done();
    let entries = site.database().count("SELECT COUNT(*) FROM journal");
    assert_eq!(verified["journal_entries"], entries);
    let good = site.database().bytes();
    for (change, entry) in [
        ("UPDATE journal SET detail = 'nothing happened' WHERE seq = 5", "entry 5"),
        ("UPDATE journal SET serial = '88104000000021' WHERE seq = 3", "entry 3"),
        ("UPDATE journal SET at = '2020-01-01T00:00:00Z' WHERE seq = 1", "entry 1"),
        ("UPDATE journal SET hash = hex(randomblob(32)) WHERE seq = 4", "entry 4"),
        ("DELETE FROM journal WHERE seq = 6", "entry 6"),
        ("DELETE FROM journal WHERE seq = (SELECT MAX(seq) FROM journal)", "its end"),
        ("UPDATE job SET chain_sha256 = upper(hex(randomblob(32)))", "its end"),
        (
            "INSERT INTO journal SELECT job, seq + 1, kdd, serial, 'seal', '', at, hash FROM journal ORDER BY seq DESC LIMIT 1",
            "entry",
        ),
    ] {
        site.database().replace(&good);
        assert_eq!(site.database().change(change), 1, "{change}");
        let failure = site.factory(&["verify", "T-1"]).fails(6, "JOURNAL_CHAIN_BROKEN");
        assert!(failure.what.contains(entry) && failure.what.contains("T-1"), "{change}: {failure:?}");
        assert!(failure.remedy.contains("backup"), "{failure:?}");
        let folder = site.path("deliveries/T-1");
        let _ = site.factory(&["deliver", "T-1", "--out", folder.to_str().unwrap()]).fails(6, "JOURNAL_CHAIN_BROKEN");
        assert!(!folder.exists(), "a delivery was made from a broken journal");
    }
    site.database().replace(&good);
    let _ = site.factory(&["verify", "T-1"]).done();
    let _ = site.factory(&["verify", "T-9"]).fails(5, "JOB_NOT_FOUND");
}

#[test]
fn a_card_moved_by_hand_does_not_leave_in_a_delivery_unnoticed() {
    let site = Site::new();
    site.make(&Order::small(2), 1);
    // A sealed card is taken out of the books: the accounts say that a good card is missing, and the delivery says so too.
    assert_eq!(site.database().change("UPDATE card SET state = 'unknown' WHERE position = 0"), 1);
    let folder = site.path("deliveries/T-1");
    let ended = site.factory(&["deliver", "T-1", "--out", folder.to_str().unwrap()]).exits(1).json();
    assert_eq!((&ended["cards"], &ended["unfilled"]), (&1.into(), &1.into()));
}
