//! `fuda-kms exchange pair | export | import`.

use super::Site;
use super::key::check_value;
use super::pair::{self, PairCommand};
use clap::{Args, Subcommand};
use fuda_cli::{Exit, Failure};
use fuda_kms::check_value::CheckValue;
use fuda_kms::exchange::file::Signed;
use fuda_kms::exchange::{export, import};
use fuda_kms::{KeyVersion, Part};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum ExchangeCommand {
    /// Make a KEK together with a peer: what keys travel under
    #[command(subcommand)]
    Pair(PairCommand),
    /// Pack a key for a peer's token
    Export(ExportArgs),
    /// Let a key in that a peer has packed
    Import(ImportArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
The key was wrapped under kek/PEER when it was born (`key create --kek PEER`, or kek = [..] in keys.toml); what is packed is that blob, with the check values of key
and KEK, signed by this site's identity key. The file is worth nothing without the KEK. Say the check values to the peer by another way than the file goes.

Example:
  fuda-kms exchange export ap/ticket@1 --to factory --blobs /media/custody --out ap-ticket-1.fx")]
pub(crate) struct ExportArgs {
    /// The key
    #[arg(value_name = "K@N")]
    key: KeyVersion,
    /// Whom for: the PEER of kek/PEER
    #[arg(long, value_name = "PEER")]
    to: Part,
    /// The folder that --blobs named at the key's birth
    #[arg(long, value_name = "DIR")]
    blobs: PathBuf,
    /// The file to be made; it must not be there
    #[arg(long, value_name = "F")]
    out: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "\
kek/PEER (for the key `vault`: vault-kek/PEER) must be in this token with UNWRAP and an unwrap template; whether it keeps what it lets in is tried first, with a key that everybody knows. The key is let
in for the session, proved by its check value, and only then becomes an object of the token. --trust is said once for a peer and kept.

Examples:
  fuda-kms exchange import ap-ticket-1.fx --from custody --as ap/ticket@1 --trust point:0123456789ABCDEF
  fuda-kms exchange import issuer-1.fx --from custody --as issuer@1")]
pub(crate) struct ImportArgs {
    /// The file
    #[arg(value_name = "F")]
    file: PathBuf,
    /// Whose it is: the PEER of kek/PEER
    #[arg(long, value_name = "PEER")]
    from: Part,
    /// The version that it becomes
    #[arg(long = "as", value_name = "K@N")]
    version: KeyVersion,
    /// Check value of the peer's identity key, as the peer says it (`fuda-kms key kcv identity` there)
    #[arg(long, value_name = "VALUE", value_parser = check_value)]
    trust: Option<CheckValue>,
}

pub(crate) fn run(site: &Site, command: &ExchangeCommand) -> Result<Exit, Failure> {
    match command {
        ExchangeCommand::Pair(command) => pair::run(site, command),
        ExchangeCommand::Export(args) => export(site, args),
        ExchangeCommand::Import(args) => import(site, args),
    }
}

fn export(site: &Site, args: &ExportArgs) -> Result<Exit, Failure> {
    let (key, peer) = (&args.key, &args.to);
    let order = export::Order { key, peer, blobs: &args.blobs, from: &site.config.site.name, out: &args.out };
    let report = export::run(&site.token, &site.registry()?, order)?;
    let object = json!({
        "file": args.out,
        "key": key.to_string(),
        "check_value": report.check_value.to_string(),
        "kek": report.kek.to_string(),
        "kek_check_value": report.kek_check_value.to_string(),
        "signer": report.signer.to_string(),
    });
    let text = format!(
        "{}: {key} ({}) under {} ({}), signed by {}",
        args.out.display(),
        report.check_value,
        report.kek,
        report.kek_check_value,
        report.signer,
    );
    site.print(&text, &object);
    Ok(Exit::Done)
}

fn import(site: &Site, args: &ImportArgs) -> Result<Exit, Failure> {
    let signed = Signed::read(&args.file)?;
    let order = import::Order { signed: &signed, peer: &args.from, version: &args.version, trust: args.trust.as_ref() };
    let report = import::run(&site.token, &site.registry()?, order)?;
    let parcel = &signed.parcel;
    let object = json!({
        "key": args.version.to_string(),
        "state": report.state.as_str(),
        "check_value": parcel.check_value.to_string(),
        "born_as": parcel.key.to_string(),
        "from": parcel.from,
        "kek": report.kek.to_string(),
        "signer": report.signer.to_string(),
        "done": report.deed.as_str(),
    });
    let text = format!(
        "{} {}: {}, check value {}; {} of {} under {}, signed by {}",
        args.version,
        report.deed.as_str(),
        report.state,
        parcel.check_value,
        parcel.key,
        parcel.from,
        report.kek,
        report.signer,
    );
    site.print(&text, &object);
    Ok(Exit::Done)
}
