//! `fuda-kms token list | show | clear-pin-latch`.

use super::{Site, objects};
use clap::Subcommand;
use fuda_cli::table::Table;
use fuda_cli::{Exit, Failure};
use fuda_kms::checkup::inventory;
use fuda_kms::tokens::{self, Readiness, TokenSummary};
use fuda_kms::{Error, Provider, Route};
use serde_json::{Value, json};

/// Width of a terminal that every table of this command fits, in characters.
const COLUMNS: usize = 80;

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Every token of the PKCS#11 library (no PIN needed)
    List,
    /// The token of this site: its PIN, its latch, and every object in it as the token reports it
    #[command(after_help = "\
Of every object: what it is, what may be done with it, which version it is by the registry, and what is wrong with it.
When nobody can log in (a latch, no PIN) the token is shown without its objects, and the exit code is 1.")]
    Show,
    /// Let programs log in again after a PIN error; correct the PIN first
    #[command(after_help = "\
After one wrong PIN no Fuda program tries again, so that restarts do not lock the token. Correct the PIN file, then clear the latch.

Example:
  fuda-kms token show
  fuda-kms token clear-pin-latch")]
    ClearPinLatch,
}

pub(crate) fn run(site: &Site, command: &TokenCommand) -> Result<Exit, Failure> {
    match command {
        TokenCommand::List => list(site),
        TokenCommand::Show => show(site),
        TokenCommand::ClearPinLatch => clear(site),
    }
}

fn list(site: &Site) -> Result<Exit, Failure> {
    let tokens = tokens::list(&site.token.module)?;
    let mut table = Table::new(["LABEL", "SLOT", "MODEL", "SERIAL", "FREE BYTES", "USER PIN", "REMARKS"]);
    for token in &tokens {
        table.row([
            if token.readiness == Readiness::Blank { "(blank)".to_owned() } else { token.label.to_string() },
            token.slot.to_string(),
            token.model.clone(),
            token.serial.clone(),
            token.free_bytes.map_or_else(|| "not told".to_owned(), |bytes| bytes.to_string()),
            token.user_pin.as_str().to_owned(),
            token.remarks.join(", "),
        ]);
    }
    let objects: Vec<Value> = tokens.iter().map(object).collect();
    site.print(&table.within(COLUMNS).to_string(), &json!({ "module": site.token.module, "tokens": objects }));
    Ok(Exit::Done)
}

fn show(site: &Site) -> Result<Exit, Failure> {
    let label = &site.token.label;
    let absent = || Error::TokenAbsent { label: label.clone(), module: site.token.module.clone() };
    let tokens = tokens::list(&site.token.module)?;
    let token = tokens.iter().find(|token| token.label == *label).ok_or_else(absent)?;
    let files = site.token.files();
    let latch = files.latched()?;
    // The token itself is shown even when nobody may log in: that is when an operator asks.
    let inventory = inventory::run(&site.token, &site.registry()?);
    let text = format!(
        "label      {label}\nmodel      {} {}\nserial     {}\nslot       {}\nmodule     {}\nuser PIN   {}\nSO PIN     {}\nPIN latch  {}\n\
         free       {}\n{}\n\n{}",
        token.manufacturer,
        token.model,
        token.serial,
        token.slot,
        site.token.module.display(),
        token.user_pin.as_str(),
        token.so_pin.as_str(),
        latch.as_ref().map_or_else(|| "clear".to_owned(), |note| format!("SET ({note})")),
        token.free_bytes.map_or_else(|| "not told".to_owned(), |bytes| format!("{bytes} bytes")),
        profile_text(&site.token.provider),
        objects::text(&inventory),
    );
    let mut fields = object(token);
    if let Value::Object(fields) = &mut fields {
        fields.insert("module".to_owned(), json!(site.token.module));
        fields.insert("pin_latch".to_owned(), json!(latch));
        fields.insert("provider".to_owned(), profile_object(&site.token.provider));
        fields.insert("pin_latch_file".to_owned(), json!(files.latch_path()));
        fields.insert("objects".to_owned(), objects::values(&inventory));
        fields.insert("objects_not_shown".to_owned(), objects::not_shown(&inventory));
    }
    site.print(&text, &fields);
    Ok(if inventory.is_ok() { Exit::Done } else { Exit::Incomplete })
}

fn profile_text(provider: &Provider) -> String {
    let profile = &provider.profile;
    let yes_no = |yes| if yes { "yes" } else { "no" };
    format!(
        "provider   {} ({}), tested: {}\n  routes      {}; for AES-256: {}\n  key wrap    {}\n  CKA_CHECK_VALUE {}; session copies of keys {}",
        provider.name,
        profile.title,
        profile.tested,
        words(&profile.routes),
        words(&profile.aes_256_routes),
        profile.key_wrap.as_str(),
        yes_no(profile.check_value),
        yes_no(profile.kdk_session_copy),
    )
}

fn words(routes: &[Route]) -> String {
    routes.iter().map(|route| route.as_str()).collect::<Vec<_>>().join(", ")
}

fn profile_object(provider: &Provider) -> Value {
    let profile = &provider.profile;
    json!({
        "name": provider.name,
        "title": profile.title,
        "tested": profile.tested,
        "routes": profile.routes.iter().map(|route| route.as_str()).collect::<Vec<_>>(),
        "aes_256_routes": profile.aes_256_routes.iter().map(|route| route.as_str()).collect::<Vec<_>>(),
        "key_wrap": profile.key_wrap.as_str(),
        "check_value": profile.check_value,
        "kdk_session_copy": profile.kdk_session_copy,
    })
}

fn clear(site: &Site) -> Result<Exit, Failure> {
    let note = site.token.files().clear()?;
    let text = note.as_ref().map_or_else(
        || format!("the PIN latch of token `{}` was not set", site.token.label),
        |note| format!("the PIN latch of token `{}` is cleared (it said: {note})", site.token.label),
    );
    site.print(&text, &json!({ "token": site.token.label.as_str(), "was": note }));
    Ok(Exit::Done)
}

fn object(token: &TokenSummary) -> Value {
    json!({
        "label": token.label.as_str(),
        "slot": token.slot,
        "manufacturer": token.manufacturer,
        "model": token.model,
        "serial": token.serial,
        "initialised": token.readiness == Readiness::Initialised,
        "user_pin": token.user_pin.as_str(),
        "so_pin": token.so_pin.as_str(),
        "remarks": token.remarks,
        "free_bytes": token.free_bytes,
    })
}
