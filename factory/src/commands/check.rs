//! `check`: everything that can be wrong with an order, found before a card is fed.

use crate::job::Prepared;
use crate::site::Site;
use fuda_cli::table::Table;
use fuda_cli::{Exit, Failure, Globals, output};
use fuda_kms::KeyName;
use serde_json::json;
use std::path::Path;

/// Checks an order, its profile and serials, its keys, and the HSM by deriving with each of them.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn check(globals: &Globals, order: &Path) -> Result<Exit, Failure> {
    let site = Site::open(globals)?;
    let prepared = Prepared::read(&site, order)?;
    prepared.refuse_printed(&site)?;
    let keys = prepared.pin_keys(&site)?;
    let hsm = site.start_hsm(None)?;
    drop(hsm);

    let order = &prepared.order;
    let commands = prepared.plan.steps().len();
    let mut table = Table::new(["order", order.id.as_str()]);
    table.row(["profile", &format!("{} ({} steps a card)", prepared.profile.name(), commands)]);
    table.row(["quantity", &format!("{} and {} spares, lot {}", order.quantity, order.spares, order.lot)]);
    if let Some(sets) = &prepared.sets {
        let (of, kek) = (sets.of(), sets.kek());
        let text = format!("{}  {} sets under {kek}, {}", of.version, sets.cards(), of.check_value);
        table.row(["recovery", &text]);
    }
    for (name, version) in keys.iter().filter(|(name, _)| **name != KeyName::Recovery) {
        let record = site.registry.version(version)?;
        let check_value = record.check_value.map(|value| value.to_string()).unwrap_or_default();
        table.row(["key", &format!("{name}  {version}  {}  {check_value}", record.state)]);
    }
    table.row(["hsm", "logged in; known answers and every registered key check out"]);
    table.row(["store", &site.store.durability().to_string()]);
    output::line(&table.to_string());
    output::line("ready: nothing was changed");
    if globals.json {
        output::json(&json!({
            "order": order.id.as_str(),
            "profile": prepared.profile.name(),
            "profile_sha256": hex::encode_upper(prepared.profile.hash()),
            "quantity": order.quantity,
            "steps": commands,
            "keys": keys.iter().map(|(name, version)| (name.to_string(), version.to_string())).collect::<std::collections::BTreeMap<_, _>>(),
        }));
    }
    Ok(Exit::Done)
}
