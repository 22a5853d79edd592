//! `docs/ERRORS.md` and the sources name the same error codes: a code that is not documented is not stable.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Folders of the programs whose failures an operator sees.
const SOURCES: [&str; 9] =
    ["card", "cli", "store", "kms", "issuance", "factory", "online-issuer", "card-sim", "terminal"];

/// Words of that shape which are something else: environment variables, return values and attributes of PKCS#11, titles.
const OTHER: [&str; 14] = [
    "CARGO_",
    "CREDENTIALS_DIRECTORY",
    "FUDA_",
    "SOFTHSM2_CONF",
    "PCSC",
    "LD_LIBRARY_PATH",
    "NO_COLOR",
    "CKR_",
    "CHECK_VALUE",
    "KEY_TYPE",
    "VALUE_LEN",
    "ALWAYS_SENSITIVE",
    "NEVER_EXTRACTABLE",
    "LC_",
];

#[test]
fn every_error_code_is_documented_and_every_documented_code_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut used = BTreeSet::new();
    for source in SOURCES {
        collect(&root.join(source).join("src"), &mut used);
    }
    let documented = codes(&fs::read_to_string(root.join("docs/ERRORS.md")).unwrap(), '`');
    let missing: Vec<_> = used.iter().filter(|code| code.contains('_') && !documented.contains(*code)).collect();
    assert!(missing.is_empty(), "not in docs/ERRORS.md: {missing:?}");
    let gone: Vec<_> = documented.difference(&used).collect();
    assert!(gone.is_empty(), "in docs/ERRORS.md, but no program says them: {gone:?}");
}

fn collect(folder: &Path, used: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, used);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            used.extend(codes(&fs::read_to_string(&path).unwrap(), '"'));
        }
    }
}

/// The words between two marks that look like an error code.
fn codes(text: &str, mark: char) -> BTreeSet<String> {
    let capital = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let looks = |word: &&str| {
        word.len() >= 4 && word.starts_with(|c: char| c.is_ascii_uppercase()) && word.chars().all(capital)
    };
    let ours = |word: &&str| !OTHER.iter().any(|other| word.starts_with(other));
    text.lines()
        .flat_map(|line| line.split(mark).skip(1).step_by(2))
        .filter(looks)
        .filter(ours)
        .map(str::to_owned)
        .collect()
}
