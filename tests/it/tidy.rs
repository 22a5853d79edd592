//! The rules of the house that a compiler does not hold: who may import whom, how long a file may be, what no file may contain.

use fuda_tests::site::repository;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Which crate may import which of ours.
const IMPORTS: [(&str, &[&str]); 15] = [
    ("card", &[]),
    ("cli", &[]),
    ("store", &["tests-cluster"]),
    ("pkcs11-ext", &[]),
    ("kms", &["pkcs11-ext", "store", "cli"]),
    ("card-sim", &["card", "cli"]),
    ("terminal", &["card", "cli"]),
    ("issuance", &["tests-cluster", "card", "kms", "store", "cli"]),
    ("factory", &["issuance", "terminal", "card", "kms", "store", "cli"]),
    ("online-issuer", &["issuance", "card", "kms", "store", "cli"]),
    ("tests/cluster", &[]),
    (
        "tests",
        &["tests-cluster", "pkcs11-ext", "card", "card-sim", "cli", "factory", "issuance", "kms", "store", "terminal"],
    ),
    (
        "benches",
        &[
            "tests-cluster",
            "pkcs11-ext",
            "card",
            "card-sim",
            "cli",
            "factory",
            "issuance",
            "kms",
            "online-issuer",
            "store",
            "terminal",
        ],
    ),
    ("fuzz/properties", &["card", "card-sim"]),
    ("xtask", &[]),
];

/// Crates of others that only some of ours may use: the token, the readers, the database, the ciphers, the thread pool.
const KEPT: [(&str, &[&str]); 8] = [
    ("cryptoki-sys", &["pkcs11-ext"]),
    ("cryptoki", &["kms", "pkcs11-ext", "tests", "benches"]),
    ("pcsc", &["terminal"]),
    ("sqlx", &["store", "kms", "issuance", "online-issuer", "tests/cluster", "benches"]),
    ("rusqlite", &["store", "tests"]),
    ("rayon", &["factory"]),
    ("aes", &["card", "card-sim", "kms", "benches"]),
    ("cmac", &["card", "card-sim", "kms", "benches"]),
];

/// The one crate with `unsafe`: a PKCS#11 call that the binding cannot express.
const UNSAFE: &str = "pkcs11-ext";
/// All of it, so that it is read at one sitting.
const UNSAFE_LINES_MAX: usize = 200;

/// A file with its tests.
const LINES_MAX: usize = 400;
/// A map of the house that nobody reads is none.
const ARCHITECTURE_LINES_MAX: usize = 150;

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn toml(path: &str) -> toml::Table {
    text(&repository(path)).parse().unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn members() -> Vec<String> {
    let list = toml("Cargo.toml")["workspace"]["members"].as_array().unwrap().clone();
    list.iter().map(|member| member.as_str().unwrap().to_owned()).collect()
}

/// Names under every kind of dependencies of a crate, with what it says of each.
fn dependencies(member: &str) -> BTreeMap<String, toml::Value> {
    let manifest = toml(&format!("{member}/Cargo.toml"));
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    let tables = kinds.iter().filter_map(|kind| manifest.get(*kind)?.as_table());
    tables.flatten().map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The Rust files of the workspace.
fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for member in members() {
        collect(&repository(&member), &mut found);
    }
    assert!(found.len() > 100, "only {} files were found", found.len());
    found
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Fails with all complaints at once.
fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn crates_import_only_what_they_may() {
    let rules: BTreeMap<&str, &[&str]> = IMPORTS.into_iter().collect();
    let mut wrong = Vec::new();
    for member in members() {
        let Some(allowed) = rules.get(member.as_str()) else {
            wrong.push(format!("{member} has no rule: say in tidy.rs what it may import"));
            continue;
        };
        for (name, value) in dependencies(&member) {
            match name.strip_prefix("fuda-") {
                Some(ours) if !allowed.contains(&ours) => wrong.push(format!("{member} imports {name}")),
                None if member == "xtask" => wrong.push(format!("xtask is std-only and imports {name}")),
                _ => {}
            }
            if value.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
                wrong.push(format!("{member}: {name} is not taken from the workspace's one list"));
            }
            let keepers = KEPT.iter().find(|(kept, _)| *kept == name);
            if keepers.is_some_and(|(_, keepers)| !keepers.contains(&member.as_str())) {
                wrong.push(format!("{member} uses {name}"));
            }
        }
    }
    none(&wrong);
}

#[test]
fn nothing_is_imported_and_not_used() {
    let mut wrong = Vec::new();
    for member in members() {
        let mut files = Vec::new();
        collect(&repository(&member), &mut files);
        let code: String = files.iter().map(|path| text(path)).collect();
        let words: BTreeSet<&str> = code.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let unused = dependencies(&member).into_keys().filter(|name| !words.contains(name.replace('-', "_").as_str()));
        wrong.extend(unused.map(|name| format!("{member} asks for {name} and does not use it")));
    }
    none(&wrong);
}

#[test]
fn every_crate_is_under_the_lints_and_has_no_features() {
    let root = toml("Cargo.toml");
    let lints = &root["workspace"]["lints"];
    assert_eq!(lints["rust"]["unsafe_code"].as_str(), Some("forbid"));
    for lint in ["unwrap_used", "expect_used", "panic", "indexing_slicing", "todo", "unimplemented", "dbg_macro"] {
        assert_eq!(lints["clippy"][lint].as_str(), Some("warn"), "{lint}");
    }
    for member in members() {
        let manifest = toml(&format!("{member}/Cargo.toml"));
        if member != UNSAFE {
            assert_eq!(manifest["lints"]["workspace"].as_bool(), Some(true), "{member}");
        }
        assert!(manifest.get("features").is_none(), "{member} has Cargo features");
        let name = manifest["package"]["name"].as_str().unwrap();
        assert_eq!(name.trim_start_matches("fuda-"), member.replace('/', "-"));
    }
}

#[test]
fn unsafe_stands_in_one_small_crate_with_a_reason_at_each_block() {
    let (root, own) = (toml("Cargo.toml"), toml(&format!("{UNSAFE}/Cargo.toml")));
    for kind in ["rust", "clippy"] {
        for (lint, level) in
            root["workspace"]["lints"][kind].as_table().unwrap().iter().filter(|(lint, _)| *lint != "unsafe_code")
        {
            assert_eq!(own["lints"][kind].get(lint), Some(level), "{UNSAFE}: {lint}");
        }
    }
    assert_eq!(own["lints"]["rust"]["unsafe_code"].as_str(), Some("deny"));
    assert_eq!(own["lints"]["clippy"]["undocumented_unsafe_blocks"].as_str(), Some("deny"));
    let (mut wrong, mut lines) = (Vec::new(), 0);
    // Put together here, so that this file does not contain it.
    let block = ["unsafe", " {"].concat();
    for path in sources() {
        let text = text(&path);
        if !path.starts_with(repository(UNSAFE)) {
            if text.contains(&block) {
                wrong.push(format!("{}: no code is unsafe outside {UNSAFE}", path.display()));
            }
            continue;
        }
        lines += text.lines().count();
        let (blocks, reasons) = (text.matches(&block).count(), text.matches("// SAFETY: ").count());
        if blocks == 0 || blocks != reasons {
            wrong.push(format!("{}: {blocks} blocks, {reasons} reasons", path.display()));
        }
    }
    none(&wrong);
    assert!(lines < UNSAFE_LINES_MAX, "{UNSAFE} has {lines} lines");
}

#[test]
fn files_are_short_and_begin_with_their_story() {
    let mut wrong = Vec::new();
    for path in sources() {
        let text = text(&path);
        let lines = text.lines().count();
        if lines > LINES_MAX {
            wrong.push(format!("{}: {lines} lines, {LINES_MAX} are allowed", path.display()));
        }
        if !text.starts_with("//! ") && !text.starts_with("#![doc = include_str!(") {
            wrong.push(format!("{}: the first line does not say what the file is", path.display()));
        }
    }
    none(&wrong);
}

#[test]
fn nothing_is_left_undone_or_without_a_bound() {
    // Put together here, so that this file does not contain what it forbids.
    let forbidden = [
        ["todo", "!("].concat(),
        ["unimplemented", "!("].concat(),
        ["dbg", "!("].concat(),
        ["#[ig", "nore"].concat(),
        ["FIX", "ME"].concat(),
        ["TO", "DO"].concat(),
        ["XX", "X:"].concat(),
        ["unbounded", "("].concat(),
        ["unbounded_", "channel"].concat(),
    ];
    // The standard library has a queue without a bound, made without an argument; those of the async world are given theirs.
    let endless = ["chan", "nel()"].concat();
    let mut wrong = Vec::new();
    for path in sources() {
        let text = text(&path);
        let imports_endless = text.contains("std::sync::mpsc");
        for (number, line) in (1..).zip(text.lines()) {
            let code = line.split_once("//").map_or(line, |(code, _)| code);
            let is_endless = imports_endless && code.contains(&endless) && !code.contains("oneshot");
            if is_endless || forbidden.iter().any(|word| line.contains(word.as_str())) {
                wrong.push(format!("{}:{number}: {}", path.display(), line.trim()));
            }
        }
    }
    none(&wrong);
}

#[test]
fn every_exception_from_a_lint_has_its_reason() {
    let heads = ["allow(", "expect("].map(|word| [["#", "[", word].concat(), ["#", "![", word].concat()]).concat();
    let mut wrong = Vec::new();
    for path in sources() {
        let text = text(&path);
        for (at, _) in heads.iter().flat_map(|head| text.match_indices(head.as_str())) {
            let attribute = text[at..].split_once(")]").map_or("", |(attribute, _)| attribute);
            if !attribute.contains("reason = \"") {
                let line = text[..at].lines().count();
                wrong.push(format!("{}:{line}: {}", path.display(), attribute.lines().next().unwrap_or_default()));
            }
        }
    }
    none(&wrong);
}

#[test]
fn migrations_are_named_by_time_and_a_new_store_has_every_one() {
    let entries = std::fs::read_dir(repository("store/migrations")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter_map(|name| name.strip_suffix(".sql").map(str::to_owned)).collect();
    names.sort();
    for name in &names {
        let (time, subject) = name.split_once('_').unwrap();
        assert!(time.len() == 14 && time.bytes().all(|digit| digit.is_ascii_digit()), "{name}");
        assert!(!subject.is_empty() && subject.bytes().all(|c| c.is_ascii_lowercase() || c == b'_'), "{name}");
    }
    let site = fuda_tests::Site::bare();
    let _ = site.factory(&["job", "list"]).done();
    let applied = site.database().rows("SELECT version, subject FROM schema_migration ORDER BY version");
    let applied: Vec<String> = applied.iter().map(|row| format!("{}_{}", row[0], row[1].replace(' ', "_"))).collect();
    assert_eq!(applied, names);
}

#[test]
fn the_map_of_the_house_fits_on_a_few_screens() {
    let lines = text(&repository("ARCHITECTURE.md")).lines().count();
    assert!(lines <= ARCHITECTURE_LINES_MAX, "ARCHITECTURE.md has {lines} lines, {ARCHITECTURE_LINES_MAX} are allowed");
}
