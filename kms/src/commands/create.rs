//! `fuda-kms key create`.

use super::Site;
use super::key::{length, scheme};
use clap::Args;
use fuda_cli::{Exit, Failure};
use fuda_kms::create::{self, Order};
use fuda_kms::name::KeyName;
use fuda_kms::{KeyLength, Part, Registry, Scheme};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
A key that is to leave for another token says so now: it is wrapped at its birth, under `kek/PEER` (`vault`: under `vault-kek/PEER`), and never again.
One without --kek can never leave, not even for a backup. A first version becomes ACTIVE, a later one PRE-ACTIVE. A run that was killed is finished by the same command.

Examples:
  fuda-kms key create ap/ticket
  fuda-kms key create ap/ticket --kek factory --kek issuer --blobs /media/custody")]
pub(crate) struct CreateArgs {
    /// The key
    #[arg(value_name = "K")]
    name: KeyName,
    /// A peer that it shall be able to leave for
    #[arg(long = "kek", value_name = "PEER")]
    keks: Vec<Part>,
    /// Folder for the blobs; carry it away from this host
    #[arg(long, value_name = "DIR")]
    blobs: Option<PathBuf>,
    /// How the keys of a card come from it: kdf3 or an10922
    #[arg(long, value_name = "SCHEME", default_value = "kdf3", value_parser = scheme)]
    scheme: Scheme,
    /// Length of the card keys that come from it: 128 or 256
    #[arg(long, value_name = "N", default_value = "128", value_parser = length)]
    bits: KeyLength,
}

pub(crate) fn run(site: &Site, registry: &Registry, args: &CreateArgs) -> Result<Exit, Failure> {
    let keks: Vec<KeyName> = args.keks.iter().cloned().map(|peer| KeyName::kek_of(args.name.kind(), peer)).collect();
    let blobs = args.blobs.as_deref();
    let order = Order { name: &args.name, scheme: args.scheme, length: args.bits, keks: &keks, blobs };
    let made = create::run(&site.token, registry, &order)?;
    let (state, value) = (made.state.map_or("-", |state| state.as_str()), made.check_value);
    let value = value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    let object = json!({
        "key": made.version.to_string(),
        "state": state,
        "check_value": value,
        "keks": keks.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "done": made.deed.as_str(),
    });
    site.print(&format!("{} {}: {state}, check value {value}", made.version, made.deed.as_str()), &object);
    Ok(Exit::Done)
}
