//! `fuda-kms init KEYS.toml`.

use super::Site;
use clap::Args;
use fuda_cli::table::Table;
use fuda_cli::{Exit, Failure, Source};
use fuda_kms::init::{self, Order, Report, Settled, TokenDeed};
use fuda_kms::keys_file::KeysFile;
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Running it again leaves what is there and as it must be, finishes births that were cut, and refuses (exit 6) what differs.
A KEK that is born here wraps and nothing more, and cannot be copied: what it wrapped is never opened in this token.

Examples:
  fuda-kms init keys.toml --dry-run
  fuda-kms init keys.toml --blobs /media/custody")]
pub(crate) struct InitArgs {
    /// The reviewed list of keys
    #[arg(value_name = "KEYS.toml")]
    keys: PathBuf,
    /// Say what would be made, and make nothing
    #[arg(long)]
    dry_run: bool,
    /// Folder for the blobs of keys that are wrapped under KEKs; carry it away from this host
    #[arg(long, value_name = "DIR")]
    blobs: Option<PathBuf>,
}

pub(crate) fn run(site: &Site, args: &InitArgs) -> Result<Exit, Failure> {
    let source = Source::read(&args.keys)?;
    let keys = KeysFile::parse(&source)?;
    keys.require_token(&source, &site.token.label)?;
    let order = Order { token: &site.token, keys: &keys, blobs: args.blobs.as_deref() };
    let registry = site.registry()?;
    let report = if args.dry_run { init::dry_run(order, &registry) } else { init::run(order, &registry) }?;
    site.print(&text(&report, site), &object(&report, site));
    Ok(Exit::Done)
}

fn text(report: &Report, site: &Site) -> String {
    let label = &site.token.label;
    let token = match &report.token {
        TokenDeed::Kept => format!("token `{label}` was there"),
        TokenDeed::Made(so_pin) => {
            format!("token `{label}` was made; its security officer's PIN is in {}", so_pin.display())
        }
        TokenDeed::WouldMake => format!("token `{label}` would be made"),
    };
    let mut table = Table::new(["KEY", "KIND", "STATE", "CHECK VALUE", "WHAT WAS DONE"]);
    for key in &report.keys {
        table.row([
            key.version.to_string(),
            key.version.name.kind().as_str().to_owned(),
            key.state.map_or_else(|| "-".to_owned(), |state| state.to_string()),
            check_value(key).unwrap_or_else(|| "-".to_owned()),
            key.deed.as_str().to_owned(),
        ]);
    }
    format!("{token}\n{table}")
}

fn object(report: &Report, site: &Site) -> Value {
    let token = match &report.token {
        TokenDeed::Kept => "kept",
        TokenDeed::Made(_) => "made",
        TokenDeed::WouldMake => "would be made",
    };
    let keys: Vec<Value> = report
        .keys
        .iter()
        .map(|key| {
            json!({
                "key": key.version.to_string(),
                "kind": key.version.name.kind().as_str(),
                "state": key.state.map(fuda_kms::state::State::as_str),
                "check_value": check_value(key),
                "done": key.deed.as_str(),
            })
        })
        .collect();
    json!({ "token": { "label": site.token.label.as_str(), "done": token }, "keys": keys })
}

fn check_value(key: &Settled) -> Option<String> {
    key.check_value.as_ref().map(ToString::to_string)
}
