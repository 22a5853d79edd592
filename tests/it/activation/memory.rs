//! The centre holds session keys while a card is activated, and no key that outlives a session: its memory is searched while it works.

use super::{Centre, Relay, Terminal};
use crate::memory::{MARKER, SNAPSHOTS, watch};
use fuda_card::crypto::AesKey;
use fuda_card::id::Kdd;
use fuda_card::scp03::StaticKeys;
use fuda_tests::ceremony::{self, Task};
use fuda_tests::memory::Wanted;
use fuda_tests::random::Random;
use fuda_tests::{Chip, Site};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

/// Cards that are activated, and read again and again while the centre is looked at.
const CARDS: u32 = 3;

/// Keys that cards come from.
const KDKS: [(&str, &str); 3] = [
    ("transport", "7C41E90D5A38B2F61D06A9C3F4E87B12"),
    ("issuer", "E5930B7FD2684AC1903E5D71B8AF26C4"),
    ("ap/ticket", "2B86F1D49E075C3AE8B1640FD37A925E"),
];

/// What the centre seals members' keys with, finds fields by, and makes codes from.
const SERVICE: [(&str, &str); 3] = [
    ("vault", "90B3D7E2564F1AC8037E9D41F2A6B85C6E1D70F4A93B82C5D6074E1FA38B9C20"),
    ("index", "41D6A8F05B7C93E21F8E064DB2C97A35908C5BE73A1F64D20E9BC7851D3AF642"),
    ("activation", "D803F57A1C9E46B2E7504D8BA3F6219C57EB02D4918CF36A4B20E9751FC8D63B"),
];

const OTHERS: &str =
    "token = \"factory\"\n[[key]]\nname = \"initial\"\npublic = \"gp-default\"\n[[key]]\nname = \"receipt\"\n";

fn site_with_known_keys(test: &str) -> Site {
    let site = Site::bare();
    site.edit("fuda.toml", "name = \"test\"", &format!("name = \"{MARKER}\""));
    site.write("keys.toml", OTHERS);
    let _ = site.kms(&["init", "keys.toml"]).done();
    for (name, value) in KDKS.into_iter().chain(SERVICE) {
        let (label, value) = (format!("CEREMONY-{name}"), value.to_owned());
        let task = match name {
            "vault" => Task::Vault { label: label.clone(), value },
            "index" | "activation" => Task::Mac { label: label.clone(), value },
            _ => Task::Import { label: label.clone(), value },
        };
        ceremony::hold(&site, test, &task);
        let _ = site.kms(&["key", "adopt", "--label", &label, &format!("{name}@1")]).done();
    }
    site
}

/// Every key of the token, and every static key of every card.
fn secrets(centre: &Centre) -> Vec<(String, Vec<u8>)> {
    let mut secrets: Vec<_> =
        SERVICE.map(|(name, value)| (format!("the key {name}"), hex::decode(value).unwrap())).into();
    for (name, value) in KDKS {
        let bytes = hex::decode(value).unwrap();
        let kdk = AesKey::new(&bytes).unwrap();
        secrets.push((format!("KDK of {name}"), bytes));
        for sale in &centre.sales {
            let set = StaticKeys::kdf3(&kdk, &sale.kdd.parse::<Kdd>().unwrap());
            for key in [set.enc(), set.mac(), set.dek()] {
                secrets.push((format!("a card key of {name}"), key.expose().to_vec()));
            }
        }
    }
    secrets
}

#[test]
fn no_static_key_is_ever_in_the_memory_of_the_centre() {
    if ceremony::is_held_here() {
        return;
    }
    let test = "activation::memory::no_static_key_is_ever_in_the_memory_of_the_centre";
    let site = site_with_known_keys(test);
    let (centre, mut node) = Centre::at(site, CARDS);
    let mut wanted = secrets(&centre);
    for sale in &centre.sales {
        let keys = Chip::read(&centre.site, &sale.file).key_sets("1001").remove(0).keys;
        let known = |key: &str| wanted.iter().any(|(_, value)| hex::encode_upper(value) == key);
        assert!(keys.iter().all(|key| known(key)), "a card has keys that are not looked for");
    }
    wanted.push((MARKER.to_owned(), MARKER.as_bytes().to_vec()));
    let (wanted, mut random) = (Wanted::new(&wanted), Random::seeded());
    let (pid, is_over, mut sessions) = (node.running.pid(), AtomicBool::new(false), 0);
    std::thread::scope(|scope| {
        let terminal = scope.spawn(|| {
            let mut relay = Relay::post(&node.address);
            let mut sessions = 0;
            for purpose in ["activate"].into_iter().chain(std::iter::repeat("read")) {
                for order in 0..centre.sales.len() {
                    if purpose == "read" && is_over.load(Ordering::Relaxed) {
                        return sessions;
                    }
                    let mut terminal = Terminal::new(&mut relay);
                    let done = terminal.run(purpose, &centre.token(order), &mut centre.card(order));
                    assert_eq!(done["type"], "done", "{purpose}: {done}");
                    sessions += 1;
                }
            }
            sessions
        });
        let seen = watch(|| vec![pid], &wanted, || terminal.is_finished(), &mut random);
        is_over.store(true, Ordering::Relaxed);
        sessions = terminal.join().unwrap();
        assert_eq!((seen.taken, seen.marked), (SNAPSHOTS, SNAPSHOTS), "a snapshot was blind");
        assert_eq!(seen.found, BTreeSet::from([MARKER.to_owned()]), "in {} snapshots of the centre", seen.taken);
    });
    println!("{SNAPSHOTS} snapshots of the centre in {sessions} sessions");
    assert!(sessions > usize::try_from(CARDS).unwrap() && !node.running.has_ended());
}
