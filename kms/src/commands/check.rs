//! `fuda-kms check`.

use super::Site;
use clap::Args;
use fuda_cli::table::Table;
use fuda_cli::{Exit, Failure, Source};
use fuda_kms::checkup::anomaly::Anomaly;
use fuda_kms::checkup::{self, Checkup, Finding};
use fuda_kms::keys_file::KeysFile;
use fuda_kms::route::Tried;
use fuda_kms::state::State;
use fuda_kms::{KeyLength, Provider, Routes};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[command(after_help = "\
Compared are: the attributes of every key as the token reports them, with what this house makes; the check value of every version, made now through
the whole route, with the registry; token with registry, in both directions; and with KEYS.toml the registry with the reviewed file.
Every fault has a name and a remedy; any of them ends with exit 6. Nothing is changed. A SUSPENDED version derives nothing, not even its check value.

Examples:
  fuda-kms check
  fuda-kms check keys.toml --json")]
pub(crate) struct CheckArgs {
    /// The reviewed list of keys, to be compared too
    #[arg(value_name = "KEYS.toml")]
    keys: Option<PathBuf>,
}

pub(crate) fn run(site: &Site, args: &CheckArgs) -> Result<Exit, Failure> {
    let file = args.keys.as_deref().map(|path| keys_file(site, path)).transpose()?;
    let found = checkup::run(&site.token, &site.registry()?, file.as_ref())?;
    site.print(&text(site, &found), &object(site, &found, args.keys.as_deref()));
    Ok(exit(&found))
}

fn keys_file(site: &Site, path: &Path) -> Result<KeysFile, Failure> {
    let source = Source::read(path)?;
    let file = KeysFile::parse(&source)?;
    file.require_token(&source, &site.token.label)?;
    Ok(file)
}

/// Integrity before everything else; without it the exit code of the first fault.
fn exit(found: &Checkup) -> Exit {
    let mut exits = found.faults().map(Anomaly::exit);
    let first = exits.next();
    if exits.chain(first).any(|exit| exit == Exit::Integrity) { Exit::Integrity } else { first.unwrap_or(Exit::Done) }
}

fn text(site: &Site, found: &Checkup) -> String {
    let mut table = Table::new(["KEY", "STATE", "SCHEME", "CHECK VALUE", "RESULT"]);
    for finding in &found.findings {
        let codes: Vec<&str> = finding.faults.iter().map(Anomaly::code).collect();
        table.row([
            finding.subject.clone(),
            finding.state.map_or("-", State::as_str).to_owned(),
            finding.scheme.to_owned(),
            finding.check_value.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
            if codes.is_empty() { well(finding).to_owned() } else { codes.join(", ") },
        ]);
    }
    let mut lines = vec![token_text(&site.token.provider, found.routes), String::new()];
    lines.push(routes_text(&found.tried));
    lines.extend([String::new(), table.to_string()]);
    for fault in found.faults() {
        lines.extend([String::new(), format!("{}: {fault}", fault.code())]);
        if !fault.remedy().is_empty() {
            lines.push(format!("  do: {}", fault.remedy()));
        }
    }
    let (count, faults) = (found.findings.len(), found.faults().count());
    lines.push(format!("\nknown-answer test passed; {count} checked, {faults} at fault"));
    lines.join("\n")
}

/// What is said of a version without a fault.
const fn well(finding: &Finding) -> &'static str {
    match finding.state {
        Some(State::Destroyed) => "ok: gone",
        Some(State::SuspendedActive | State::SuspendedGrace) => "ok: not derived",
        _ => "ok",
    }
}

fn object(site: &Site, found: &Checkup, file: Option<&Path>) -> Value {
    let keys: Vec<Value> = found
        .findings
        .iter()
        .map(|finding| {
            json!({
                "key": finding.subject,
                "scheme": finding.scheme,
                "state": finding.state.map(State::as_str),
                "check_value": finding.check_value.as_ref().map(ToString::to_string),
                "ok": finding.faults.is_empty(),
                "code": finding.faults.first().map(Anomaly::code),
                "what": finding.faults.first().map(ToString::to_string),
                "faults": finding.faults.iter().map(super::anomaly).collect::<Vec<_>>(),
            })
        })
        .collect();
    let tried: Vec<Value> = found
        .tried
        .iter()
        .map(|tried| json!({ "route": tried.route.as_str(), "bits": tried.length.bits(), "result": tried.trial.as_str() }))
        .collect();
    json!({
        "known_answer": "passed",
        "provider": site.token.provider.name,
        "provider_tested": site.token.provider.is_tested(),
        "routes": { "aes_128": route(found.routes, KeyLength::Aes128), "aes_256": route(found.routes, KeyLength::Aes256) },
        "tried": tried,
        "keys_file": file,
        "keys": keys,
        "faults": found.faults().count(),
    })
}

fn routes_text(tried: &[Tried]) -> String {
    let mut table = Table::new(["ROUTE", "CARD KEYS", "RESULT"]);
    for tried in tried {
        table.row([tried.route.as_str().to_owned(), tried.length.to_string(), tried.trial.as_str().to_owned()]);
    }
    table.to_string()
}

fn route(routes: Routes, length: KeyLength) -> Option<&'static str> {
    routes.get(length).map(fuda_kms::Route::as_str)
}

/// Whose token it is, whether that is known from tests, and what it may be used for.
fn token_text(provider: &Provider, routes: Routes) -> String {
    let tested = if provider.is_tested() { "tested" } else { "UNTESTED, written from documentation" };
    let text = |length| route(routes, length).unwrap_or("none: such keys are refused");
    format!(
        "provider   {} ({}): {tested}\nAES-128    {}\nAES-256    {}",
        provider.name,
        provider.profile.title,
        text(KeyLength::Aes128),
        text(KeyLength::Aes256),
    )
}
