//! Yubico's SCP03 host (`yubikit`, from PyPI) makes a file system under the initial keys, and puts, lists, replaces and
//! deletes key sets. The dialogue is `tests/peers/scp03.py`; it checks every answer and ends with exit 0.

use super::pcscd::Pcsc;
use fuda_tests::site::repository;
use fuda_tests::skip::skipped;
use std::path::PathBuf;
use std::process::{Command, Stdio};

#[test]
fn yubikit_manages_keys_with_extended_length() {
    manages("peers::yubikit::yubikit_manages_keys_with_extended_length", "t1", "extended");
}

#[test]
fn yubikit_manages_keys_with_short_length() {
    manages("peers::yubikit::yubikit_manages_keys_with_short_length", "t1", "short");
}

#[test]
fn yubikit_manages_keys_at_t0() {
    manages("peers::yubikit::yubikit_manages_keys_at_t0", "t0", "short");
}

fn manages(test: &str, protocol: &str, length: &str) {
    let Some(python) = python() else {
        skipped(test, "there is no Python with yubikit; `cargo xtask peers` makes one");
        return;
    };
    let Some(pcsc) = Pcsc::start(test) else { return };
    let card = pcsc.blank_card(protocol, &[]);
    let script = repository("tests/peers/scp03.py");
    let said = pcsc.client("yubikit", &python, &[script.to_str().unwrap(), length]).exits(0);
    assert_eq!(said.stdout.lines().last(), Some("all is well"), "{said}");
    drop(card);

    // What the card's own memory says came of it.
    let chip = fuda_tests::Chip::read(&pcsc.site, &pcsc.site.chips("stack")[0]);
    let sets: Vec<String> = chip.key_sets("").into_iter().map(|set| set.kvn).collect();
    assert_eq!(sets, ["31"]);
    assert_eq!(chip.key_sets("")[0].keys, ["51".repeat(16), "52".repeat(16), "53".repeat(16)]);
}

/// A Python that has yubikit: named, made by `cargo xtask peers`, or the machine's own.
fn python() -> Option<PathBuf> {
    let named = std::env::var_os("FUDA_YUBIKIT_PYTHON").map(PathBuf::from);
    let made = repository("target/fuda/yubikit/bin/python");
    named.into_iter().chain([made, PathBuf::from("python3")]).find(|python| {
        let import = Command::new(python)
            .args(["-c", "import yubikit.securitydomain"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        import.is_ok_and(|status| status.success())
    })
}
