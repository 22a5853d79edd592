//! Deliveries that are right: the golden folder, the programs of strangers, and what the writer refuses.

use std::path::{Path, PathBuf};
use std::process::Command;

use fuda_card::id::Kvn;
use fuda_factory::delivery::{
    CardRow, CardStage, Counts, CsvEncoding, DeliveryWriter, Disposition, Error, Extent, Facts, JournalFacts, Kcv,
    KcvMethod, KeyFacts, OrderFacts, ProfileFacts, Published, ReceiptKey, RejectClass, RejectRow, SetCounter,
    Sha256Sum, SiteMode, Trust, UnsignedDelivery, verify,
};
use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use tempfile::TempDir;

use crate::example;

/// The receipt key of the examples: worthless, because everybody can read it here.
pub(crate) fn signing_key(byte: u8) -> SigningKey {
    SigningKey::from_slice(&[byte; 32]).unwrap()
}

pub(crate) fn receipt_key(byte: u8) -> ReceiptKey {
    ReceiptKey::from_sec1(&signing_key(byte).verifying_key().to_sec1_bytes()).unwrap()
}

pub(crate) fn sign(byte: u8, digest: &[u8; 32]) -> [u8; 64] {
    let signature: p256::ecdsa::Signature = signing_key(byte).sign_prehash(digest).unwrap();
    signature.to_bytes().into()
}

pub(crate) fn card(n: u8) -> CardRow {
    CardRow {
        serial: ["88104000000013", "88104000000021", "88104000000039"]
            .get(usize::from(n))
            .map_or_else(String::new, ToString::to_string),
        printed: ["8810-4000-0000-13", "会員番号 0002", "0003, \"gold\""]
            .get(usize::from(n))
            .map_or_else(|| format!("P{n}"), ToString::to_string),
        chip_id: format!("0001020304050607{n:02X}09").parse().unwrap(),
        lot: "L2604A".into(),
        carton: if n == 0 { "C-0001".into() } else { String::new() },
        profile: "membership-1ap".into(),
        stage: CardStage::First,
        keys: vec!["issuer@1".parse().unwrap(), "ap/ticket@2".parse().unwrap()],
        encoder: format!("vpcd:127.0.0.1:{}", 35963 + u32::from(n)),
        operator: "op-7".into(),
        issued_at: format!("2026-04-17T09:30:{n:02}+09:00"),
        counters: Vec::new(),
    }
}

pub(crate) fn rejects() -> [RejectRow; 2] {
    let failed = RejectRow {
        seq: 1,
        chip_id: Some("000102030405060720FF".parse().unwrap()),
        serial: Some("88104000000047".into()),
        class: RejectClass::Card,
        step: "put_key ap/ticket".into(),
        sw: Some("6A84".into()),
        encoder: "vpcd:127.0.0.1:35963".into(),
        attempt: 2,
        live_keys: 2,
        disposition: Disposition::Bin,
    };
    let mute = RejectRow {
        seq: 2,
        chip_id: None,
        serial: None,
        class: RejectClass::Reader,
        step: "power_on".into(),
        sw: None,
        ..failed.clone()
    };
    [failed, mute]
}

pub(crate) fn facts(good: u64) -> Facts {
    let kcv = |key: &str, value: &str| KeyFacts {
        key: key.parse().unwrap(),
        kcv: Kcv { method: KcvMethod::Cmac, value: value.into() },
    };
    Facts {
        site: "kawagoe-2".into(),
        mode: SiteMode::Test,
        order: OrderFacts { id: "2026-0417-A".into(), sha256: Sha256Sum::of(b"order") },
        lot: "L2604A".into(),
        profile: ProfileFacts { name: "membership-1ap".into(), sha256: Sha256Sum::of(b"profile") },
        stages: vec![0, 1],
        counts: Counts { ordered: good + 2, fed: good + 3, good, rejected: 2, samples: 1, unknown: 0, unfilled: 2 },
        keys: vec![kcv("issuer@1", "7F1E4B0C11"), kcv("ap/ticket@2", "0A53C2D9EE")],
        activation: None,
        journal: JournalFacts { entries: 31, sha256: Sha256Sum::of(b"journal") },
        created_at: "2026-04-17T10:00:00+09:00".into(),
    }
}

pub(crate) fn close(
    target: &Path,
    cards: impl Iterator<Item = CardRow>,
    facts: Facts,
) -> Result<UnsignedDelivery, Error> {
    let mut writer = DeliveryWriter::create(target, CsvEncoding::Utf8)?;
    for row in cards {
        writer.card(&row)?;
    }
    for row in rejects() {
        writer.reject(&row)?;
    }
    writer.close(facts, (1, Extent::Whole), ("receipt@1".parse().unwrap(), receipt_key(0x11)))
}

pub(crate) fn publish(target: &Path) -> Published {
    let unsigned = close(target, (0..3).map(card), facts(3)).unwrap();
    let signature = sign(0x11, unsigned.digest().as_bytes());
    unsigned.publish(&signature).unwrap()
}

/// A good delivery in a folder that goes away.
pub(crate) fn delivered() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let published = publish(&dir.path().join("2026-0417-A.1"));
    (dir, published.folder)
}

#[test]
fn the_golden_folder_is_written_byte_for_byte() {
    let (_dir, folder) = delivered();
    let golden = example("delivery");
    // To make the golden folder anew after a wanted change: remove it, run this test with the variable, read the difference.
    if std::env::var_os("FUDA_WRITE_EXAMPLES").is_some() && !golden.exists() {
        publish(&golden);
    }
    let names = |folder: &Path| {
        let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&folder), names(&golden));
    for name in names(&golden) {
        let read = |folder: &Path| String::from_utf8_lossy(&std::fs::read(folder.join(&name)).unwrap()).into_owned();
        assert_eq!(read(&folder), read(&golden), "{name:?}");
    }
}

#[test]
fn a_good_folder_verifies_and_says_under_which_key() {
    let (_dir, folder) = delivered();
    let report = verify(&folder, None).unwrap();
    assert!(report.is_sound(), "{report}");
    assert_eq!((report.cards, report.rejects, report.trust), (3, 2, Trust::Folder));
    assert_eq!(report.signed_by, Some(receipt_key(0x11).spki_sha256().unwrap()));
    assert!(report.failure().is_none());
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!((json["order"].as_str(), json["findings"].as_array().map(Vec::len)), (Some("2026-0417-A"), Some(0)));
    assert!(verify(&folder, Some(&receipt_key(0x11))).unwrap().is_sound());
}

#[test]
fn coreutils_and_openssl_agree() {
    let (_dir, folder) = delivered();
    let run = |program: &str, args: &[&str]| match Command::new(program).args(args).current_dir(&folder).output() {
        Ok(output) => assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr)),
        Err(_) => eprintln!("skipped: no {program} here"),
    };
    run("sha256sum", &["--strict", "-c", "SHA256SUMS"]);
    run("openssl", &["dgst", "-sha256", "-verify", "receipt.pem", "-signature", "manifest.sig", "manifest.json"]);
}

#[test]
fn many_rows_stream_through() {
    let dir = tempfile::tempdir().unwrap();
    let row = |n: u32| CardRow {
        serial: format!("{n:08}"),
        printed: format!("P{n}"),
        chip_id: format!("{n:020X}").parse().unwrap(),
        ..card(1)
    };
    let unsigned = close(&dir.path().join("d"), (0..5000).map(row), facts(5000)).unwrap();
    let signature = sign(0x11, unsigned.digest().as_bytes());
    let report = verify(&unsigned.publish(&signature).unwrap().folder, None).unwrap();
    assert!(report.is_sound(), "{report}");
    assert_eq!(report.cards, 5000);
}

#[test]
fn counters_stand_in_one_table_and_raise_the_format() {
    let dir = tempfile::tempdir().unwrap();
    let counter = SetCounter { df: "F04655444101".parse().unwrap(), kvn: Kvn::AP_FIRST, counter: 3 };
    let row = |n: u8| CardRow { counters: if n == 1 { vec![counter.clone()] } else { Vec::new() }, ..card(n) };
    let unsigned = close(&dir.path().join("d"), (0..3).map(row), facts(3)).unwrap();
    let signature = sign(0x11, unsigned.digest().as_bytes());
    let folder = unsigned.publish(&signature).unwrap().folder;
    let report = verify(&folder, None).unwrap();
    assert!(report.is_sound(), "{report}");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    assert!(read("manifest.json").contains("\"format\":\"fuda-delivery/2\""));
    let told: Vec<_> = read("cards.jsonl")
        .lines()
        .map(|line| line.contains("\"counters\":[{\"df\":\"F04655444101\",\"kvn\":48,\"counter\":3}]"))
        .collect();
    assert_eq!(told, [false, true, false]);
    assert!(!read("cards.csv").contains("F04655444101"));
}

#[test]
fn nothing_is_left_of_a_delivery_that_was_not_published() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("d");
    let unsigned = close(&target, (0..3).map(card), facts(3)).unwrap();
    assert!(!target.exists());
    let foreign = sign(0x22, unsigned.digest().as_bytes());
    assert!(matches!(unsigned.publish(&foreign), Err(Error::WrongSignature)));
    drop(close(&target, (0..3).map(card), facts(3)).unwrap());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn an_existing_folder_is_never_touched() {
    let (_dir, folder) = delivered();
    let error = DeliveryWriter::create(&folder, CsvEncoding::Utf8).unwrap_err();
    assert_eq!(error.code(), "DELIVERY_EXISTS");
    assert!(verify(&folder, None).unwrap().is_sound());
}

#[test]
fn counts_that_do_not_add_up_are_not_signed() {
    let dir = tempfile::tempdir().unwrap();
    let refuse = |change: fn(&mut Counts), rule: &str| {
        let mut facts = facts(3);
        change(&mut facts.counts);
        let error = close(&dir.path().join("d"), (0..3).map(card), facts).unwrap_err();
        assert_eq!(error.code(), "DELIVERY_IDENTITY");
        assert!(error.to_string().contains(rule), "{error}");
    };
    refuse(|counts| counts.fed += 1, "fed = good + rejected + samples + unknown");
    refuse(|counts| counts.ordered += 1, "ordered = good + unfilled");
    refuse(|counts| (counts.good, counts.samples, counts.unfilled) = (2, 2, 3), "cards delivered = good");
    refuse(|counts| (counts.rejected, counts.unknown) = (1, 1), "rejects listed = rejected");
    refuse(|counts| (counts.rejected, counts.fed) = (u64::MAX, 4), "fed = good + rejected + samples + unknown");
}

#[test]
fn rows_that_do_not_fit_are_refused_by_column() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = DeliveryWriter::create(&dir.path().join("d"), CsvEncoding::Utf8).unwrap();
    let mut refuse = |change: fn(&mut CardRow), message: &str| {
        let mut row = card(0);
        change(&mut row);
        assert_eq!(writer.card(&row).unwrap_err().to_string().split_once(": ").unwrap().1, message);
    };
    refuse(|row| row.serial.clear(), "serial is empty");
    refuse(|row| row.printed.push('\n'), "printed holds a control character");
    refuse(|row| row.keys.clear(), "keys is empty");
    refuse(|row| row.issued_at = "2026-04-17 09:30".into(), "issued_at is no RFC 3339 time with offset");
    let mut writer = DeliveryWriter::create(&dir.path().join("e"), CsvEncoding::Utf8).unwrap();
    let mut row = rejects()[0].clone();
    row.sw = Some("6a84".into());
    assert_eq!(
        writer.reject(&row).unwrap_err().to_string(),
        "rejects.csv row 1: sw is no status word (4 upper-case hex digits)"
    );
    row.sw = None;
    row.attempt = 0;
    assert_eq!(writer.reject(&row).unwrap_err().to_string(), "rejects.csv row 2: attempt is 0, but counts from 1");
}
