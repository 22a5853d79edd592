//! A vault key travels: what one token sealed is opened through the other, and what lets it in lets in nothing else.

use super::{CUSTODY, ISSUER, carry, pair, site, text, travel};
use crate::opened::hsm;
use fuda_kms::WrappedDataKey;
use fuda_tests::Site;
use std::io::Write;

/// What the child is to do: `seal`, or `open KEY SEALED` in hex.
const TASK: &str = "FUDA_TEST_VAULT";

const PLAIN: &[u8] = "札 for the other side".as_bytes();
const AAD: &[u8] = b"member 1, name";

/// Whether this process is the child: then it seals or opens with the vault key of its token, and the test returns.
fn is_done_here() -> bool {
    let Ok(task) = std::env::var(TASK) else { return false };
    let (hsm, vault) = (hsm(), "vault@1".parse().unwrap());
    let mut words = task.split(' ').skip(1).map(|word| hex::decode(word).unwrap());
    let mut out = std::io::stdout().lock();
    if let (Some(key), Some(sealed)) = (words.next(), words.next()) {
        let opened = hsm.open(&vault, &WrappedDataKey::from_bytes(&key).unwrap(), AAD, &sealed).unwrap();
        assert_eq!(opened.expose(), PLAIN);
        writeln!(out, "vault: opened").unwrap();
    } else {
        let key = hsm.new_data_key(&vault).unwrap();
        let sealed = hsm.seal(&vault, &key, AAD, PLAIN).unwrap();
        writeln!(out, "vault: {} {}", hex::encode(key.as_bytes()), hex::encode(sealed)).unwrap();
    }
    true
}

/// Does a task with a site's token in a child, and gives what it said.
fn ask(site: &Site, test: &str, task: &str) -> String {
    let program = std::env::current_exe().unwrap();
    let mut command = site.command(&program, &[test, "--exact", "--nocapture", "--test-threads=1"]);
    let output = command.env(TASK, task).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let answer = said.lines().find_map(|line| line.split_once("vault: ")).map(|(_, answer)| answer.to_owned());
    answer.unwrap_or_else(|| panic!("{test}: {said}"))
}

fn sealed_here_and_opened_there(test: &str, custody: Site, issuer: Site) {
    if is_done_here() {
        return;
    }
    let (custody, issuer) = (site(custody, "custody", CUSTODY), site(issuer, "issuer", ISSUER));
    let _ = pair(&custody, &issuer, "kek/issuer@1", "kek/custody@1");
    let _ = pair(&custody, &issuer, "vault-kek/issuer@1", "vault-kek/custody@1");
    std::fs::create_dir(custody.path("blobs")).unwrap();
    for key in ["vault", "index"] {
        let made = custody.kms(&["key", "create", key, "--kek", "issuer", "--blobs", "blobs"]).done();
        assert_eq!(made["keks"][0], if key == "vault" { "vault-kek/issuer" } else { "kek/issuer" });
    }
    travel(&custody, &issuer, "issuer", "vault@1");
    let shown = issuer.kms(&["key", "show", "vault@1"]).done();
    for (right, granted) in [
        ("WRAP", true),
        ("UNWRAP", true),
        ("ENCRYPT", false),
        ("DECRYPT", false),
        ("DERIVE", false),
        ("COPYABLE", false),
    ] {
        assert_eq!(text(&shown["attributes"], &format!("CKA_{right}")), granted.to_string(), "{right}");
    }
    let _ = issuer.kms(&["check"]).done();
    for (from, to) in [(&custody, &issuer), (&issuer, &custody)] {
        let sealed = ask(from, test, "seal");
        assert_eq!(ask(to, test, &format!("open {sealed}")), "opened");
    }
    // Under the KEK of vault keys no other key comes in, whatever custody signs.
    let blob = |key: &str, kek: &str| custody.path(&format!("blobs/{key}@1.{kek}-issuer@1.kw.json"));
    let hex = |key: &str, kek: &str| {
        let text = std::fs::read_to_string(blob(key, kek)).unwrap();
        text.split("\"blob\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    let other = std::fs::read_to_string(blob("index", "kek"))
        .unwrap()
        .replace(&hex("index", "kek"), &hex("vault", "vault-kek"));
    std::fs::write(blob("index", "kek"), other).unwrap();
    let _ =
        custody.kms(&["exchange", "export", "index@1", "--to", "issuer", "--blobs", "blobs", "--out", "x.fx"]).done();
    carry(&custody, &issuer, "x.fx");
    let _ = issuer
        .kms(&["exchange", "import", "x.fx", "--from", "custody", "--as", "index@1"])
        .fails(6, "EXCHANGE_NOT_LET_IN");
}

#[test]
fn a_vault_key_travels_and_opens_there_what_was_sealed_here() {
    let test = "pairing::vault::a_vault_key_travels_and_opens_there_what_was_sealed_here";
    sealed_here_and_opened_there(test, Site::bare(), Site::bare());
}

#[test]
fn the_same_from_kryoptic_to_softhsm() {
    let test = "pairing::vault::the_same_from_kryoptic_to_softhsm";
    let Some(custody) = Site::kryoptic(test) else { return };
    sealed_here_and_opened_there(test, custody, Site::bare());
}

#[test]
fn the_same_from_softhsm_to_kryoptic() {
    let test = "pairing::vault::the_same_from_softhsm_to_kryoptic";
    let Some(issuer) = Site::kryoptic(test) else { return };
    sealed_here_and_opened_there(test, Site::bare(), issuer);
}
