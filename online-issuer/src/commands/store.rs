//! `store …`: what the store is, how safely it keeps what it acknowledged, and its schema.

use crate::cli::StoreCommand;
use fuda_cli::{Exit, Failure, Globals, config};
use fuda_issuance::store_report;
use fuda_store::{Options, SchemaPolicy, Store};

/// Looks at the store, or brings its schema up to this program.
///
/// # Errors
/// Exit 8 with what the store says: `STORE_SCHEMA_OLDER` and `STORE_NOT_DURABLE` are what `check` is for.
pub fn store(globals: &Globals, command: &StoreCommand) -> Result<Exit, Failure> {
    let schema = match command {
        StoreCommand::Check => SchemaPolicy::MustMatch,
        StoreCommand::Migrate => SchemaPolicy::Migrate,
    };
    let config = config::load(globals)?;
    let options = Options { schema, ..Options::default() };
    let store = Store::open_with(&config.store.url, &options).map_err(|error| store_report::failure(&error))?;
    store_report::tell(globals, &store)
}
