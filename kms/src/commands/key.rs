//! `fuda-kms key list | show | kcv | create | adopt | sets`.

use super::Site;
use super::create::{self, CreateArgs};
use super::sets::{self, SetsArgs};
use clap::{Args, Subcommand, ValueEnum};
use fuda_cli::table::Table;
use fuda_cli::{Exit, Failure};
use fuda_kms::adopt::{self, Adoption};
use fuda_kms::check_value::{CheckValue, Method};
use fuda_kms::inspect;
use fuda_kms::name::{KeyKind, KeyName, KeyRef};
use fuda_kms::{Error, KeyLength, KeyVersion, Record, Registry, Scheme};
use serde_json::{Value, json};

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Every version in the registry (no PIN needed)
    List,
    /// One key or version: registry entry, and for a version the attributes that the token reports
    #[command(after_help = "Examples:\n  fuda-kms key show ap/ticket\n  fuda-kms key show ap/ticket@1")]
    Show {
        /// A key (ap/ticket) or a version (ap/ticket@3)
        #[arg(value_name = "K[@N]")]
        key: KeyRef,
    },
    /// The check value of a version, made now from the key in the token
    Kcv(KcvArgs),
    /// Make the next version of a key, born in the token
    Create(CreateArgs),
    /// Register a key that the HSM vendor's own ceremony put into the token
    Adopt(AdoptArgs),
    /// Seal recovery sets for the cards of a list, for a line that has not the key they come from
    Sets(SetsArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
For keys that card keys are derived from, gp and cmac are taken over the check child (KDD 0, purpose 00), because the key itself may only derive;
for the scheme `fixed` over the key itself.
One key has several check values; they are never compared across methods, so they are always printed with their label.

Examples:
  fuda-kms key kcv issuer                       the ACTIVE version
  fuda-kms key kcv ap/ticket@1 --method cmac    five bytes, for paper and screens")]
pub(crate) struct KcvArgs {
    /// A key (its ACTIVE version) or a version
    #[arg(value_name = "K[@N]")]
    key: KeyRef,
    /// How it is made [default: what fits the key: gp, cmac, or for key pairs a digest of the public point]
    #[arg(long, value_enum)]
    method: Option<KcvMethod>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum KcvMethod {
    /// GlobalPlatform: ECB over sixteen bytes 01, first three bytes
    Gp,
    /// CMAC of sixteen bytes 00, first five bytes
    Cmac,
    /// CKA_CHECK_VALUE as the token reports it
    P11,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The object must be sensitive, not extractable, and have the one right of its kind: DERIVE for keys of cards, WRAP, or UNWRAP and
ENCRYPT, for KEKs and card-KEKs, SIGN for index, activation, receipt, audit and identity.

Example:
  fuda-kms key adopt --label ISSUER-2026 --check gp:A1B2C3 issuer@2")]
pub(crate) struct AdoptArgs {
    /// CKA_LABEL of the object
    #[arg(long, value_name = "L")]
    label: String,
    /// CKA_ID of the object, in hex, when several have the label
    #[arg(long, value_name = "HEX", value_parser = hex_bytes)]
    id: Option<Id>,
    /// How the keys of a card come from it: kdf3 or an10922
    #[arg(long, value_name = "SCHEME", default_value = "kdf3", value_parser = scheme)]
    scheme: Scheme,
    /// Length of the card keys that come from it: 128 or 256
    #[arg(long, value_name = "N", default_value = "128", value_parser = length)]
    bits: KeyLength,
    /// Check value of the ceremony's record, with its label: gp:A1B2C3
    #[arg(long, value_name = "VALUE", value_parser = check_value)]
    check: Option<CheckValue>,
    /// The version that it becomes
    #[arg(value_name = "K@N")]
    version: KeyVersion,
}

#[derive(Debug, Clone)]
struct Id(Vec<u8>);

fn hex_bytes(text: &str) -> Result<Id, String> {
    hex::decode(text).map(Id).map_err(|_| "give an even number of hex digits".to_owned())
}

pub(super) fn scheme(text: &str) -> Result<Scheme, String> {
    let derives = text.parse().ok().filter(|scheme| *scheme != Scheme::Fixed);
    derives.ok_or_else(|| "give kdf3 or an10922".to_owned())
}

pub(super) fn length(text: &str) -> Result<KeyLength, String> {
    text.parse().ok().and_then(KeyLength::from_bits).ok_or_else(|| "give 128 or 256".to_owned())
}

pub(super) fn check_value(text: &str) -> Result<CheckValue, String> {
    text.parse().map_err(|_| "give a labelled check value: gp:A1B2C3, cmac:… or point:…".to_owned())
}

pub(crate) fn run(site: &Site, command: KeyCommand) -> Result<Exit, Failure> {
    let registry = site.registry()?;
    match command {
        KeyCommand::List => list(site, &registry.list()?),
        KeyCommand::Show { key: KeyRef::Name(name) } => {
            let records: Vec<_> = registry.list()?.into_iter().filter(|record| record.version.name == name).collect();
            if records.is_empty() { Err(unknown(name)) } else { list(site, &records) }
        }
        KeyCommand::Show { key: KeyRef::Version(version) } => show(site, &registry, &version),
        KeyCommand::Kcv(args) => kcv(site, &registry, args),
        KeyCommand::Create(args) => create::run(site, &registry, &args),
        KeyCommand::Adopt(args) => adopt(site, &registry, args),
        KeyCommand::Sets(args) => sets::run(site, &args),
    }
}

fn unknown(name: KeyName) -> Failure {
    Error::VersionUnknown { version: KeyVersion::first(name) }.into()
}

fn list(site: &Site, records: &[Record]) -> Result<Exit, Failure> {
    let mut table = Table::new([
        "KEY",
        "KIND",
        "SCHEME",
        "BITS",
        "STATE",
        "NIST SP 800-57",
        "TRUST",
        "CHECK VALUE",
        "ORIGIN",
        "TOKEN",
    ]);
    for record in records {
        table.row([
            record.version.to_string(),
            record.version.name.kind().as_str().to_owned(),
            record.scheme.shown(record.version.name.kind()).to_owned(),
            bits(record).map_or_else(|| "-".to_owned(), |bits| bits.to_string()),
            record.state.to_string(),
            record.state.nist().to_owned(),
            record.trust.as_str().to_owned(),
            record.check_value.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
            record.origin.as_str().to_owned(),
            record.token.to_string(),
        ]);
    }
    site.print(&table.to_string(), &json!({ "keys": records.iter().map(object).collect::<Vec<_>>() }));
    Ok(Exit::Done)
}

fn show(site: &Site, registry: &Registry, version: &KeyVersion) -> Result<Exit, Failure> {
    let record = registry.version(version)?;
    let attributes = inspect::attributes(&site.token, registry, version)?;
    let mut entry = object(&record);
    let mut table = Table::new(["WHAT", "VALUE"]);
    if let Value::Object(fields) = &entry {
        for (name, value) in fields {
            table.row([name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)]);
        }
    }
    for (name, value) in &attributes {
        table.row([format!("CKA_{name}"), value.clone()]);
    }
    if let Value::Object(fields) = &mut entry {
        let reported = attributes.into_iter().map(|(name, value)| (format!("CKA_{name}"), Value::from(value)));
        fields.insert("attributes".to_owned(), Value::Object(reported.collect()));
    }
    site.print(&table.to_string(), &entry);
    Ok(Exit::Done)
}

fn kcv(site: &Site, registry: &Registry, args: KcvArgs) -> Result<Exit, Failure> {
    let version = match args.key {
        KeyRef::Version(version) => version,
        KeyRef::Name(name) => registry.active(&name)?.version,
    };
    let method = args.method.map(|method| match method {
        KcvMethod::Gp => Method::Gp,
        KcvMethod::Cmac => Method::Cmac,
        KcvMethod::P11 => Method::P11,
    });
    let value = inspect::kcv(&site.token, registry, &version, method)?;
    let scheme = registry.version(&version)?.scheme.shown(version.name.kind());
    let object = json!({
        "key": version.to_string(),
        "scheme": scheme,
        "method": value.method().as_str(),
        "value": value.hex(),
    });
    site.print(&format!("{version}  {value}  (scheme {scheme})"), &object);
    Ok(Exit::Done)
}

fn adopt(site: &Site, registry: &Registry, args: AdoptArgs) -> Result<Exit, Failure> {
    let adoption = Adoption {
        version: args.version,
        label: args.label,
        id: args.id.map(|id| id.0),
        scheme: args.scheme,
        length: args.bits,
        check: args.check,
    };
    let (state, value) = adopt::run(&site.token, registry, &adoption)?;
    let object = json!({
        "key": adoption.version.to_string(),
        "state": state.as_str(),
        "check_value": value.to_string(),
        "label": adoption.label,
    });
    site.print(
        &format!("{} adopted from `{}`: {state}, check value {value}", adoption.version, adoption.label),
        &object,
    );
    Ok(Exit::Done)
}

/// Length of the card keys that come from a version.
fn bits(record: &Record) -> Option<u16> {
    (record.version.name.kind() == KeyKind::Derivation).then(|| record.length.bits())
}

fn object(record: &Record) -> Value {
    json!({
        "key": record.version.to_string(),
        "kind": record.version.name.kind().as_str(),
        "scheme": record.scheme.shown(record.version.name.kind()),
        "bits": bits(record),
        "state": record.state.as_str(),
        "nist": record.state.nist(),
        "trust": record.trust.as_str(),
        "check_value": record.check_value.as_ref().map(ToString::to_string),
        "origin": record.origin.as_str(),
        "token": record.token.as_str(),
        "label": record.label,
        "object_id": hex::encode(&record.object_id),
        "keks": record.keks.iter().map(KeyName::to_string).collect::<Vec<_>>(),
        "peer": record.peer.as_ref().map(ToString::to_string),
        "created_at": record.created_at,
    })
}
