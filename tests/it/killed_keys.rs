//! SIGKILL while a key is born, packed or let in: nothing half-made is ever used, the same command finishes it, and nothing is left over.

use crate::pairing::{self, CUSTODY, ISSUER, carry, text};
use fuda_tests::random::Random;
use fuda_tests::{Ended, Site};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Keys that are born and let in, each under a kill of its own.
const KEYS: u32 = 12;
/// Pairings, of three killed steps each.
const PAIRINGS: u32 = 3;

/// A token.object that is whole is longer.
const TOKEN_OBJECT_BYTES: u64 = 300;

/// Kills by the clock, anywhere between the start of a command and a little after its end.
struct Killer {
    random: Random,
    kills: u32,
    /// Those that left a version whose key was not proved yet.
    open: u64,
    /// Those that left a token without its token.object.
    damaged: u32,
}

impl Killer {
    /// Runs a command without harm, and takes its time.
    fn measured(site: &Site, arguments: &[&str]) -> (Ended, Duration) {
        let since = Instant::now();
        (site.kms(arguments), since.elapsed())
    }

    /// Starts a command, kills it at a random moment of the time that it takes, and looks at what is registered.
    fn kill(&mut self, site: &Site, arguments: &[&str], takes: Duration) {
        let running = site.start(&fuda_tests::program::binary("fuda-kms"), arguments);
        let most = u64::try_from(takes.as_micros()).unwrap() * 11 / 10;
        sleep(Duration::from_micros(self.random.within(0..most)));
        let _ = running.kill();
        self.kills += 1;
        self.open += site.database().count("SELECT COUNT(*) FROM key_version WHERE check_value IS NULL").min(1);
        let half = "SELECT COUNT(*) FROM key_version WHERE check_value IS NULL AND state <> 'PRE-ACTIVE'";
        assert_eq!(site.database().count(half), 0, "a version is in use whose key was never proved");
    }

    /// The same command once more. Where the kill fell into C_Login, SoftHSM has lost its token.object: it is put back first, as an operator does.
    fn again(&mut self, site: &Site, arguments: &[&str]) -> Ended {
        if let Some((lost, kept)) = lost_token(site) {
            std::fs::copy(kept, lost).unwrap();
            self.damaged += 1;
        }
        site.kms(arguments)
    }
}

/// The token.object that a kill has emptied, and the newest copy aside.
fn lost_token(site: &Site) -> Option<(std::path::PathBuf, std::path::PathBuf)> {
    // Label, serial and two wrapped PINs; what a kill leaves is shorter.
    let whole = |path: &std::path::Path| std::fs::metadata(path).is_ok_and(|file| file.len() > TOKEN_OBJECT_BYTES);
    let folder = std::fs::read_dir(site.path("tokens")).unwrap().next()?.unwrap().path();
    let lost = folder.join("token.object");
    if whole(&lost) {
        return None;
    }
    let aside = std::fs::read_dir(site.path("aside")).unwrap().map(|entry| entry.unwrap().path().join("token.object"));
    let mut kept: Vec<_> = aside.filter(|path| whole(path)).collect();
    kept.sort_by_key(|path| std::fs::metadata(path).unwrap().modified().unwrap());
    Some((lost, kept.pop().expect("a copy aside")))
}

/// State and check value of a version, as the registry has them.
fn registered(site: &Site, version: &str) -> Option<Vec<String>> {
    let (name, number) = version.split_once('@').unwrap();
    let rows = site.database().rows(&format!(
        "SELECT state, COALESCE(check_value, '') FROM key_version WHERE name = '{name}' AND number = {number}"
    ));
    rows.into_iter().next()
}

fn killed(custody: Site, issuer: Site) {
    let (custody, issuer) = (pairing::site(custody, "custody", CUSTODY), pairing::site(issuer, "issuer", ISSUER));
    let mut killer = Killer { random: Random::seeded(), kills: 0, open: 0, damaged: 0 };
    let _ = pairing::pair(&custody, &issuer, "kek/issuer@1", "kek/custody@1");
    std::fs::create_dir(custody.path("blobs")).unwrap();
    // One key without harm: what the commands take.
    let said = custody.kms(&["key", "kcv", "identity"]).done();
    let trust = format!("{}:{}", text(&said, "method"), text(&said, "value"));
    let (mut birth_takes, mut import_takes) = (Duration::ZERO, Duration::ZERO);
    for number in 0..=KEYS {
        let (name, version) = (format!("ap/k{number}"), format!("ap/k{number}@1"));
        let file = format!("k{number}.fx");
        let create = ["key", "create", &name, "--kek", "issuer", "--blobs", "blobs"];
        if number == 0 {
            let (ended, takes) = Killer::measured(&custody, &create);
            let _ = ended.done();
            birth_takes = takes;
        } else {
            killer.kill(&custody, &create, birth_takes);
            // A birth that was whole when the kill came would be followed by the next version's.
            if registered(&custody, &version).is_none_or(|row| row[1].is_empty()) {
                assert_eq!(killer.again(&custody, &create).done()["key"], version);
            }
        }
        assert_eq!(registered(&custody, &version).unwrap()[0], "ACTIVE");
        let export = ["exchange", "export", &version, "--to", "issuer", "--blobs", "blobs", "--out", &file];
        let exported = killer.again(&custody, &export).done();
        carry(&custody, &issuer, &file);
        let import = ["exchange", "import", &file, "--from", "custody", "--as", &version, "--trust", &trust];
        if number == 0 {
            let (ended, takes) = Killer::measured(&issuer, &import);
            let _ = ended.done();
            import_takes = takes;
        } else {
            killer.kill(&issuer, &import, import_takes);
        }
        assert_eq!(killer.again(&issuer, &import).done()["check_value"], exported["check_value"]);
        assert_eq!(registered(&issuer, &version).unwrap()[0], "ACTIVE");
    }
    pairings(&mut killer, &custody, &issuer);
    // Every object is a registered key, proved; none is twice, and no half of a pair is left.
    for site in [&custody, &issuer] {
        let _ = site.kms(&["check"]).done();
        let shown = site.kms(&["token", "show"]).stdout;
        assert!(!shown.contains("RSA"), "{shown}");
    }
    let Killer { kills, open, damaged, .. } = killer;
    eprintln!(
        "{kills} kills: {open} with a key half-way, {damaged} in a login that SoftHSM's token.object did not survive"
    );
    assert_eq!(kills, 2 * KEYS + 3 * PAIRINGS);
}

/// Each step of a pairing is killed once and said again.
fn pairings(killer: &mut Killer, custody: &Site, issuer: &Site) {
    let fingerprint = |ended: Ended| text(&ended.done(), "fingerprint").to_owned();
    // A pair of RSA-3072 takes its time, and not the same twice.
    let takes = Duration::from_millis(1500);
    for number in 2..2 + PAIRINGS {
        let (there, here) = (format!("kek/custody@{number}"), format!("kek/issuer@{number}"));
        let (offer, reply) = (format!("o{number}.json"), format!("r{number}.json"));
        let offering = ["exchange", "pair", "offer", &there, "--out", &offer];
        killer.kill(issuer, &offering, takes);
        let _ = std::fs::remove_file(issuer.path(&offer));
        let told = fingerprint(killer.again(issuer, &offering));
        carry(issuer, custody, &offer);
        let accepting = ["exchange", "pair", "accept", &offer, "--as", &here, "--fingerprint", &told, "--out", &reply];
        killer.kill(custody, &accepting, takes / 6);
        let _ = std::fs::remove_file(custody.path(&reply));
        let told = fingerprint(killer.again(custody, &accepting));
        carry(custody, issuer, &reply);
        let finishing = ["exchange", "pair", "finish", &reply, "--fingerprint", &told];
        killer.kill(issuer, &finishing, takes / 6);
        let finished = killer.again(issuer, &finishing).done();
        let confirming = ["exchange", "pair", "confirm", &here, "--check", text(&finished, "check_value")];
        let _ = custody.kms(&confirming).done();
    }
}

#[test]
fn a_key_whose_birth_or_import_was_killed_is_finished_by_the_same_command() {
    killed(Site::bare(), Site::bare());
}

#[test]
fn the_same_on_kryoptic() {
    let test = "killed_keys::the_same_on_kryoptic";
    let (Some(custody), Some(issuer)) = (Site::kryoptic(test), Site::kryoptic(test)) else { return };
    killed(custody, issuer);
}
