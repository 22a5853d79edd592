//! Deliveries that are wrong: by accident, by a stranger without the key, and by an insider who signs his lie.

use std::fs;
use std::path::Path;

use fuda_factory::delivery::{Finding, ReceiptKey, Sha256Sum, signature_to_der, verify};
use serde_json::{Value, json};

use crate::delivery::{delivered, receipt_key, sign};

fn edit(folder: &Path, name: &str, change: impl FnOnce(String) -> String) {
    let path = folder.join(name);
    fs::write(&path, change(fs::read_to_string(&path).unwrap())).unwrap();
}

fn findings(folder: &Path, trusted: Option<&ReceiptKey>) -> Vec<Finding> {
    let report = verify(folder, trusted).unwrap();
    let failure = report.failure();
    assert_eq!(failure.is_some(), !report.is_sound());
    assert!(failure.is_none_or(|failure| failure.exit.number() == 6));
    report.findings
}

/// `CODE file:line` of each finding.
fn short(findings: &[Finding]) -> Vec<String> {
    let line = |finding: &Finding| finding.line.map_or_else(String::new, |line| format!(":{line}"));
    findings.iter().map(|finding| format!("{} {}{}", finding.code, finding.file, line(finding))).collect()
}

/// The insider: makes manifest, signature and sums fit whatever the tables now are.
fn reseal(folder: &Path, change: impl FnOnce(&mut Value)) {
    let mut manifest: Value = serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    for table in manifest["files"].as_array_mut().unwrap() {
        let bytes = fs::read(folder.join(table["name"].as_str().unwrap())).unwrap();
        table["bytes"] = json!(bytes.len());
        table["sha256"] = json!(Sha256Sum::of(&bytes).to_string());
    }
    change(&mut manifest);
    let bytes = serde_json_canonicalizer::to_vec(&manifest).unwrap();
    let signature = sign(0x11, Sha256Sum::of(&bytes).as_bytes());
    fs::write(folder.join("manifest.json"), &bytes).unwrap();
    fs::write(folder.join("manifest.sig"), signature_to_der(&signature).unwrap()).unwrap();
    resum(folder);
}

fn resum(folder: &Path) {
    let mut sums = String::new();
    for name in ["cards.csv", "cards.jsonl", "manifest.json", "manifest.sig", "receipt.pem", "rejects.csv"] {
        sums.push_str(&format!("{}  {name}\n", Sha256Sum::of(&fs::read(folder.join(name)).unwrap())));
    }
    fs::write(folder.join("SHA256SUMS"), sums).unwrap();
}

#[test]
fn every_file_that_changes_is_named() {
    for name in ["cards.csv", "cards.jsonl", "rejects.csv"] {
        let (_dir, folder) = delivered();
        edit(&folder, name, |text| text.replacen('7', "8", 1));
        let found = short(&findings(&folder, None));
        assert_eq!(found[0], format!("SUM_MISMATCH {name}"), "{found:?}");
        assert!(found.contains(&format!("MANIFEST_SUM {name}")), "{found:?}");
    }
    let (_dir, folder) = delivered();
    edit(&folder, "manifest.json", |text| text.replace("kawagoe-2", "kawagoe-3"));
    assert_eq!(short(&findings(&folder, None)), ["SUM_MISMATCH manifest.json", "SIGNATURE_WRONG manifest.sig"]);

    let (_dir, folder) = delivered();
    let mut signature = fs::read(folder.join("manifest.sig")).unwrap();
    *signature.last_mut().unwrap() ^= 1;
    fs::write(folder.join("manifest.sig"), signature).unwrap();
    assert_eq!(short(&findings(&folder, None)), ["SUM_MISMATCH manifest.sig", "SIGNATURE_WRONG manifest.sig"]);

    let (_dir, folder) = delivered();
    edit(&folder, "receipt.pem", |text| text.replacen('M', "N", 1));
    assert_eq!(short(&findings(&folder, None)), ["SUM_MISMATCH receipt.pem", "RECEIPT_MALFORMED receipt.pem"]);
}

#[test]
fn every_file_that_is_missing_is_named() {
    for name in
        ["cards.csv", "cards.jsonl", "rejects.csv", "manifest.json", "manifest.sig", "receipt.pem", "SHA256SUMS"]
    {
        let (_dir, folder) = delivered();
        fs::remove_file(folder.join(name)).unwrap();
        let found = short(&findings(&folder, None));
        assert!(found.contains(&format!("FILE_MISSING {name}")), "{found:?}");
    }
}

#[test]
fn what_does_not_belong_is_named() {
    let (_dir, folder) = delivered();
    fs::write(folder.join("notes.txt"), "x").unwrap();
    edit(&folder, "SHA256SUMS", |text| format!("{text}{}  notes.txt\nnonsense\n", Sha256Sum::of(b"x")));
    let found = short(&findings(&folder, None));
    assert_eq!(found, ["FILE_EXTRA notes.txt", "SUMS_MALFORMED SHA256SUMS:7", "SUMS_MALFORMED SHA256SUMS:8"]);

    let (_dir, folder) = delivered();
    edit(&folder, "SHA256SUMS", |text| text.lines().skip(1).map(|line| format!("{line}\n")).collect());
    assert_eq!(short(&findings(&folder, None)), ["SUM_MISSING SHA256SUMS"]);
}

#[test]
fn a_stranger_who_fixes_the_sums_is_caught_by_the_signature() {
    let (_dir, folder) = delivered();
    edit(&folder, "cards.csv", |text| text.replace("op-7", "op-8"));
    resum(&folder);
    let found = short(&findings(&folder, None));
    assert_eq!(found[0], "MANIFEST_SUM cards.csv");
    edit(&folder, "manifest.json", |text| text.replace("\"samples\":1", "\"samples\":2"));
    resum(&folder);
    assert!(short(&findings(&folder, None)).contains(&"SIGNATURE_WRONG manifest.sig".into()));
}

#[test]
fn a_stranger_who_signs_with_his_own_key_is_caught_by_the_key() {
    let (_dir, folder) = delivered();
    fs::write(folder.join("receipt.pem"), receipt_key(0x22).to_pem().unwrap()).unwrap();
    let digest = Sha256Sum::of(&fs::read(folder.join("manifest.json")).unwrap());
    fs::write(folder.join("manifest.sig"), signature_to_der(&sign(0x22, digest.as_bytes())).unwrap()).unwrap();
    resum(&folder);
    assert_eq!(short(&findings(&folder, None)), ["RECEIPT_FOREIGN manifest.json"]);
    let found = short(&findings(&folder, Some(&receipt_key(0x11))));
    assert_eq!(found, ["RECEIPT_FOREIGN receipt.pem", "SIGNATURE_WRONG manifest.sig"]);
}

#[test]
fn an_insider_is_caught_by_the_rows() {
    let cases: [(&str, &str, &str, &[&str]); 8] = [
        ("cards.csv", "88104000000021", "88104000000039", &["ROWS_DIFFER cards.jsonl:2", "SERIAL_TWICE cards.csv:4"]),
        (
            "cards.csv",
            "00010203040506070109",
            "00010203040506070209",
            &["ROWS_DIFFER cards.jsonl:2", "CHIP_TWICE cards.csv:4"],
        ),
        ("cards.csv", ",first,", ",second,", &["ROW_MALFORMED cards.csv:2"]),
        (
            "cards.csv",
            "serial,printed",
            "printed,serial",
            &["HEADER cards.csv:1", "ROWS_DIFFER cards.jsonl:1", "COUNT cards.csv"],
        ),
        ("cards.jsonl", "\"ap/ticket@2\"", "\"ap/ticket@3\"", &["ROWS_DIFFER cards.jsonl:1"]),
        ("cards.jsonl", "\"lot\":", "\"lott\":", &["ROW_MALFORMED cards.jsonl:1"]),
        ("rejects.csv", "000102030405060720FF", "00010203040506070009", &["CHIP_TWICE rejects.csv:2"]),
        ("rejects.csv", "\n2,", "\n1,", &["SEQ_ORDER rejects.csv:3"]),
    ];
    for (name, from, to, expected) in cases {
        let (_dir, folder) = delivered();
        edit(&folder, name, |text| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
        reseal(&folder, |_| {});
        assert_eq!(short(&findings(&folder, None)), expected, "{name} {from} {to}");
    }
}

#[test]
fn rows_swapped_removed_or_added_in_one_file_are_found() {
    let (_dir, folder) = delivered();
    edit(&folder, "cards.jsonl", |text| {
        let lines: Vec<&str> = text.lines().collect();
        format!("{}\n{}\n{}\n", lines[1], lines[0], lines[2])
    });
    reseal(&folder, |_| {});
    assert_eq!(short(&findings(&folder, None)), ["ROWS_DIFFER cards.jsonl:1", "ROWS_DIFFER cards.jsonl:2"]);

    let (_dir, folder) = delivered();
    edit(&folder, "cards.csv", |text| text.lines().take(3).map(|line| format!("{line}\n")).collect());
    reseal(&folder, |_| {});
    assert_eq!(short(&findings(&folder, None)), ["ROWS_DIFFER cards.jsonl:3", "COUNT cards.csv"]);

    let (_dir, folder) = delivered();
    edit(&folder, "cards.jsonl", |text| text.lines().take(2).map(|line| format!("{line}\n")).collect());
    reseal(&folder, |_| {});
    assert_eq!(short(&findings(&folder, None)), ["ROWS_DIFFER cards.jsonl:3"]);
}

#[test]
fn an_insider_is_caught_by_the_identities() {
    let cases: [(&str, i64, &[&str]); 4] = [
        ("fed", 1, &["IDENTITY manifest.json"]),
        ("ordered", 1, &["IDENTITY manifest.json"]),
        ("good", 1, &["IDENTITY manifest.json", "IDENTITY manifest.json", "IDENTITY manifest.json"]),
        ("rejected", -1, &["IDENTITY manifest.json", "IDENTITY manifest.json"]),
    ];
    for (count, by, expected) in cases {
        let (_dir, folder) = delivered();
        reseal(&folder, |manifest| {
            let value = manifest["counts"][count].as_i64().unwrap() + by;
            manifest["counts"][count] = json!(value);
        });
        assert_eq!(short(&findings(&folder, None)), expected, "{count}");
    }
}

#[test]
fn a_manifest_that_says_more_or_otherwise_is_refused() {
    let (_dir, folder) = delivered();
    reseal(&folder, |manifest| manifest["remark"] = json!("ignore me"));
    assert_eq!(short(&findings(&folder, None)), ["MANIFEST_NOT_CANONICAL manifest.json"]);

    let (_dir, folder) = delivered();
    reseal(&folder, |manifest| manifest["format"] = json!("fuda-delivery/3"));
    assert_eq!(short(&findings(&folder, None)), ["MANIFEST_FORMAT manifest.json"]);

    let (_dir, folder) = delivered();
    reseal(&folder, |manifest| manifest["mode"] = json!("live"));
    assert_eq!(short(&findings(&folder, None)), ["MANIFEST_MALFORMED manifest.json:1"]);

    let (_dir, folder) = delivered();
    reseal(&folder, |manifest| manifest["lot"] = json!("L0000Z"));
    assert_eq!(
        short(&findings(&folder, None)),
        ["ROW_FOREIGN cards.csv:2", "ROW_FOREIGN cards.csv:3", "ROW_FOREIGN cards.csv:4"]
    );
}

#[test]
fn a_folder_that_is_not_there_is_an_error_and_not_a_finding() {
    assert_eq!(verify(Path::new("/nonexistent/delivery"), None).unwrap_err().code(), "DELIVERY_IO");
}

#[test]
fn garbage_is_counted_and_does_not_fill_the_report() {
    let (_dir, folder) = delivered();
    edit(&folder, "cards.csv", |text| text + &"x,y\n".repeat(500));
    let report = verify(&folder, None).unwrap();
    assert_eq!(report.findings.len(), 50);
    assert!(report.findings_more > 400, "{}", report.findings_more);
    assert!(report.failure().unwrap().what.contains("more findings"));
}
