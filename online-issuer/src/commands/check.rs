//! `check`: everything that would keep the centre from serving, found before it is started.

use crate::site::Site;
use fuda_cli::table::Table;
use fuda_cli::{Exit, Failure, Globals, output};
use fuda_kms::KeyName;
use serde_json::json;

/// Keys of the service that the centre works with; those of cards are named by the cards.
const KEYS: [KeyName; 1] = [KeyName::Receipt];

/// Checks configuration and store, proves every registered key in the HSM, and names the keys of the service.
///
/// # Errors
/// The first thing that is wrong.
pub fn check(globals: &Globals) -> Result<Exit, Failure> {
    let site = Site::open(globals)?;
    let keys = KEYS.iter().map(|key| Ok(site.registry.active(key)?.version.to_string()));
    let keys = keys.collect::<Result<Vec<_>, Failure>>()?;
    drop(site.start_hsm()?);
    let mut table = Table::new(["site", &format!("{} ({})", site.config.site.name, site.config.site.mode.as_str())]);
    table.row(["keys", &keys.join(", ")]);
    table.row(["hsm", "logged in; known answers and every registered key check out"]);
    table.row(["store", &site.store.durability().to_string()]);
    output::line(&table.to_string());
    output::line("ready: nothing was changed");
    if globals.json {
        output::json(&json!({ "site": site.config.site.name, "keys": keys, "store": site.store.place() }));
    }
    Ok(Exit::Done)
}
