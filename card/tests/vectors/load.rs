//! Where test vectors come from: the project's own in `tests/vectors/`, and public ones read in place.
//!
//! Public vectors lie in `$FUDA_PUBLIC_VECTORS`, or in `../shared/vectors` beside the workspace when that exists. Absent:
//! the test says so in one line and passes. Named and unreadable: the test fails. A subject is every file whose name
//! starts with its stem, so further files of the same schema are run as they come.

use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// One vector file.
pub(crate) struct VectorFile {
    pub(crate) name: String,
    pub(crate) json: Value,
}

impl VectorFile {
    /// The entries of its list `key`.
    pub(crate) fn list(&self, key: &str) -> &Vec<Value> {
        self.json[key].as_array().unwrap_or_else(|| panic!("{}: no list `{key}`", self.name))
    }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn files(folder: &Path, stem: &str) -> Vec<VectorFile> {
    let listing = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> = listing
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(stem) && name.ends_with(".json"))
        .collect();
    names.sort();
    names
        .into_iter()
        .map(|name| {
            let text = fs::read_to_string(folder.join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
            let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            VectorFile { name, json }
        })
        .collect()
}

/// The project's own vectors of a subject; there must be some.
pub(crate) fn own(stem: &str) -> Vec<VectorFile> {
    let found = files(&workspace().join("tests/vectors"), stem);
    assert!(!found.is_empty(), "tests/vectors/{stem}*.json is missing");
    found
}

/// The public vectors of a subject; none where they are not on this machine.
pub(crate) fn public(stem: &str) -> Vec<VectorFile> {
    let (folder, named) = match std::env::var_os("FUDA_PUBLIC_VECTORS") {
        Some(folder) => (PathBuf::from(folder), true),
        None => (workspace().join("../shared/vectors"), false),
    };
    let found = if named || folder.is_dir() { files(&folder, stem) } else { Vec::new() };
    let entries =
        if found.is_empty() { "did not run, no such files".into() } else { format!("{} file(s)", found.len()) };
    // Straight to the file descriptor: the harness hides what tests print.
    writeln!(std::io::stderr(), "public vectors {stem}: {entries} in {}", folder.display()).unwrap();
    found
}

/// A hex string member.
pub(crate) fn hex(value: &Value, key: &str) -> Vec<u8> {
    let text = value[key].as_str().unwrap_or_else(|| panic!("no hex member `{key}` in {value}"));
    hex::decode(text).unwrap_or_else(|error| panic!("`{key}`: {error}"))
}

/// A text member.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no text member `{key}` in {value}"))
}
