//! `encoder list` and `encoder release`: the encoders of running lines.

use crate::cli::EncoderCommand;
use crate::failure;
use crate::site::Site;
use fuda_cli::table::Table;
use fuda_cli::{Exit, Failure, Globals, output};
use fuda_issuance::journal::{encoders, release_encoder};
use serde_json::json;

/// Lists encoders, or releases one.
///
/// # Errors
/// `ENCODER_NOT_QUARANTINED` (exit 4); the store.
pub fn encoder(globals: &Globals, command: &EncoderCommand) -> Result<Exit, Failure> {
    let site = Site::open(globals)?;
    match command {
        EncoderCommand::List => list(globals, &site),
        EncoderCommand::Release { encoder } => release(globals, &site, encoder),
    }
}

fn list(globals: &Globals, site: &Site) -> Result<Exit, Failure> {
    let mut table = Table::new(["ENCODER", "LINE", "STATE", "SINCE"]);
    let mut rows = Vec::new();
    for encoder in encoders(&site.store).map_err(failure::of)? {
        rows.push(
            json!({ "encoder": encoder.name, "line": encoder.line, "state": encoder.state, "since": encoder.since }),
        );
        table.row([encoder.name, encoder.line, encoder.state, encoder.since]);
    }
    output::line(&if rows.is_empty() { "no line is running".to_owned() } else { table.to_string() });
    if globals.json {
        output::json(&json!({ "encoders": rows }));
    }
    Ok(Exit::Done)
}

fn release(globals: &Globals, site: &Site, name: &str) -> Result<Exit, Failure> {
    let lines = release_encoder(&site.store, name).map_err(failure::of)?;
    if lines == 0 {
        let what = format!("no running line has an encoder {name} in quarantine");
        return Err(Failure::new("ENCODER_NOT_QUARANTINED", Exit::Refused, what)
            .remedy("`fuda-factory encoder list` shows them"));
    }
    output::line(&format!("{name} is in service again"));
    if globals.json {
        output::json(&json!({ "encoder": name, "lines": lines }));
    }
    Ok(Exit::Done)
}
