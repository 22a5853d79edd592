//! Published and project vectors against the card's side of every computation.

mod files;
mod primitives;
mod transcripts;

use serde_json::Value;
use std::path::{Path, PathBuf};

/// A vector file of the project.
fn project(name: &str) -> Value {
    load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors").join(name))
}

/// A vector file that is not part of the project, if this machine has it.
fn public(name: &str) -> Option<Value> {
    let folder = std::env::var_os("FUDA_PUBLIC_VECTORS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"), PathBuf::from);
    let path = folder.join(name);
    if path.exists() {
        println!("{name}: running");
        Some(load(&path))
    } else {
        println!("{name}: skipped, not on this machine (FUDA_PUBLIC_VECTORS names its folder)");
        None
    }
}

fn load(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap_or_else(|| panic!("not a string: {value}"))).unwrap()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}"))
}
