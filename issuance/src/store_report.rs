//! `store check` and `store migrate`, as every program of a store says them: where it is, how safely it keeps what it acknowledged, its schema.

use fuda_cli::table::Table;
use fuda_cli::{Exit, Failure, Globals, output};
use fuda_store::{SchemaVersion, Store};
use serde_json::json;
use std::collections::BTreeMap;

/// The report of an error of the store: exit code and remedy, in one place.
#[must_use]
pub fn failure(error: &fuda_store::Error) -> Failure {
    Failure::new(error.code(), Exit::Store, error.to_string()).remedy(error.remedy())
}

/// Tells what a store is.
///
/// # Errors
/// Exit 8 with what the store says.
pub fn tell(globals: &Globals, store: &Store) -> Result<Exit, Failure> {
    let applied = store.applied_migrations().map_err(|error| failure(&error))?;
    let (place, durability, known) =
        (store.place(), store.durability().to_string(), SchemaVersion::known().to_string());
    let mut table = Table::new(["store", place.as_str()]);
    table.row(["engine", &durability]);
    table.row(["schema", &format!("{known} ({} migrations)", applied.len())]);
    output::line(&table.to_string());
    if globals.json {
        output::json(&json!({
            "store": place,
            "engine": store.durability().engine,
            "settings": store.durability().settings.iter().cloned().collect::<BTreeMap<_, _>>(),
            "schema": known,
            "migrations": applied.len(),
        }));
    }
    Ok(Exit::Done)
}
