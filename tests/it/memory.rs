//! Static card keys are in the card and in the token's process, and nowhere else: the memory of the line is searched while it works.

use crate::recovery;
use fuda_card::crypto::AesKey;
use fuda_card::id::Kdd;
use fuda_card::scp03::StaticKeys;
use fuda_tests::ceremony::{self, Side, Task};
use fuda_tests::memory::{self, Wanted};
use fuda_tests::random::Random;
use fuda_tests::{Order, Site};
use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::Duration;

/// Cards of the run; so many that it is still at work when the last snapshot is taken.
const CARDS: u32 = 400;
/// Looks at the line, and as many at its workers.
pub(crate) const SNAPSHOTS: usize = 200;
/// First chip of the stack; the others follow.
const FIRST_KDD: u128 = 0x5A00_1122_3344_0000_0000;
/// What the line must hold, because it is the order's number.
pub(crate) const MARKER: &str = "MARKER-7F3A9C1E5B";

const KEYS: [(&str, &str); 3] = [
    ("transport", "8D2E0C51B79A4F6683D1AA907B3C44E2"),
    ("issuer", "1FA3C9027764D5B8E0913BCF5A86D714"),
    ("ap/ticket", "C60B7E5D3914F2A8657D08E3B1CF9A42"),
];

/// The key that no line has, only its cards' sets, sealed.
const RECOVERY: (&str, &str) = ("recovery", "E2947B0A5DC1386FF0A86E13D27B95C4");

const OTHERS: &str =
    "token = \"factory\"\n[[key]]\nname = \"initial\"\npublic = \"gp-default\"\n[[key]]\nname = \"receipt\"\n";

/// A site whose card keys are known to the test.
fn site_with_known_keys(test: &str) -> Site {
    let site = Site::bare();
    site.write("keys.toml", OTHERS);
    let _ = site.kms(&["init", "keys.toml"]).done();
    for (name, value) in KEYS {
        let label = format!("CEREMONY-{name}");
        ceremony::hold(&site, test, &Task::Import { label: label.clone(), value: value.to_owned() });
        let _ = site.kms(&["key", "adopt", "--label", &label, &format!("{name}@1")]).done();
    }
    site
}

/// Has the sets of all chips of the stack sealed at another site, whose key is known to the test too.
fn seal_sets(line: &Site, test: &str) {
    let site = recovery::recovery_site(Site::bare(), test, "[[key]]\nname = \"identity\"\n");
    let label = "CEREMONY-recovery".to_owned();
    ceremony::hold(&site, test, &Task::Import { label: label.clone(), value: RECOVERY.1.to_owned() });
    let _ = site.kms(&["key", "adopt", "--label", &label, "recovery@1"]).done();
    recovery::card_kek(line, test, Side::Opens);
    let chips: Vec<String> = (0..u128::from(CARDS)).map(|number| format!("{:020X}", FIRST_KDD + number)).collect();
    recovery::seal(&site, line, &chips);
}

/// Every key-derivation key, and every static key of every chip of the stack.
fn secrets() -> Vec<(String, Vec<u8>)> {
    let mut secrets = Vec::new();
    for (name, value) in KEYS.into_iter().chain([RECOVERY]) {
        let bytes = hex::decode(value).unwrap();
        let kdk = AesKey::new(&bytes).unwrap();
        secrets.push((format!("KDK of {name}"), bytes));
        for number in 0..u128::from(CARDS) {
            let kdd: Kdd = format!("{:020X}", FIRST_KDD + number).parse().unwrap();
            let set = StaticKeys::kdf3(&kdk, &kdd);
            for key in [set.enc(), set.mac(), set.dek()] {
                secrets.push((format!("a card key of {name}"), key.expose().to_vec()));
            }
        }
    }
    secrets
}

/// What was found in how many snapshots.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    pub(crate) taken: usize,
    /// Those in which the marker was.
    pub(crate) marked: usize,
    pub(crate) found: BTreeSet<String>,
}

/// Looks at processes at random moments until they were seen so often, or it is over.
pub(crate) fn watch(
    pids: impl Fn() -> Vec<u32>,
    wanted: &Wanted,
    mut is_over: impl FnMut() -> bool,
    random: &mut Random,
) -> Watched {
    let mut watched = Watched::default();
    while watched.taken < SNAPSHOTS && !is_over() {
        for pid in pids() {
            if let Some(snapshot) = memory::snapshot(pid, wanted) {
                assert!(snapshot.bytes > 100_000, "only {} bytes of {pid} could be read", snapshot.bytes);
                watched.taken += 1;
                watched.marked += usize::from(snapshot.found.contains(MARKER));
                watched.found.extend(snapshot.found);
            }
        }
        sleep(Duration::from_micros(random.within(200..8_000)));
    }
    watched
}

#[test]
fn no_static_card_key_is_ever_in_the_memory_of_the_line() {
    if ceremony::is_held_here() {
        return;
    }
    let test = "memory::no_static_card_key_is_ever_in_the_memory_of_the_line";
    let site = site_with_known_keys(test);
    seal_sets(&site, test);
    recovery::order(&site, &Order { id: MARKER.to_owned(), spares: 0, ..Order::small(CARDS) });
    let (count, first) = (CARDS.to_string(), format!("{FIRST_KDD:020X}"));
    let _ = site.sim(&["blank", "--count", &count, "--dir", "stack", "--kdd-from", &first]).done();
    let mut wanted = secrets();
    wanted.push((MARKER.to_owned(), MARKER.as_bytes().to_vec()));
    let (wanted, mut random) = (Wanted::new(&wanted), Random::seeded());

    let mut line = site.line(2, &[]);
    let pid = line.pid();
    let feeder = site.feeder("stack", 2, &["--latency", "1ms"]);
    site.until_ejected(1);
    let seen = watch(|| vec![pid], &wanted, || line.has_ended(), &mut random);
    assert_eq!(seen.taken, SNAPSHOTS, "the run was too short");
    assert_eq!(seen.marked, SNAPSHOTS, "a snapshot was blind");
    assert_eq!(seen.found, BTreeSet::from([MARKER.to_owned()]), "in {} snapshots of the line", seen.taken);

    let seen = watch(|| memory::children(pid), &wanted, || line.has_ended(), &mut random);
    assert!(seen.found.iter().any(|name| name.starts_with("a card key")), "{seen:?}");
    assert_eq!(seen.marked, 0);
    println!("of the workers: {seen:?}");
    let report = line.wait().done();
    assert_eq!(report["good"], CARDS);
    let _ = feeder.wait().done();
}
