//! `show`: what is on a card.

use clap::Args;
use fuda_card_sim::report::{FileReport, KeySetReport, Report, Secrets};
use fuda_card_sim::{Card, Error};
use fuda_cli::{Failure, Globals, output};
use std::fmt::Write;
use std::path::PathBuf;

/// The arguments.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// A card file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print the static keys too: the card is simulated, and a checker that is independent of the host needs them
    #[arg(long)]
    with_keys: bool,
}

impl Show {
    /// Prints the card.
    pub(crate) fn run(&self, globals: &Globals) -> Result<(), Failure> {
        let secrets = if self.with_keys { Secrets::Shown } else { Secrets::Hidden };
        let report = Card::report_of(&self.file, secrets)?;
        if globals.json {
            let value = serde_json::to_value(&report).map_err(|_| Error::System { what: "to write JSON" })?;
            output::json(&value);
        } else {
            output::line(text(&report).trim_end());
        }
        Ok(())
    }
}

fn text(report: &Report) -> String {
    let Report { kdd, protocol, scp03_i, state, failures, key_sets, objects, mf } = report;
    let mut out = format!("chip {kdd}  {protocol}  SCP03 i={scp03_i}  {state}  {failures} wrong authentications\n");
    keys(&mut out, 1, key_sets);
    for (tag, value) in objects {
        let _ = writeln!(out, "  data object {tag}  {value}");
    }
    if let Some(mf) = mf {
        file(&mut out, 0, mf);
    }
    out
}

// Writing to a string cannot fail.
fn file(out: &mut String, depth: usize, file_report: &FileReport) {
    let FileReport { fid, kind, name, life_cycle, fcp, contents, key_sets, pin_tries, files } = file_report;
    let name = name.as_ref().map(|name| format!("  name {name}")).unwrap_or_default();
    let pin = pin_tries.map(|tries| format!("  PIN, {tries} tries left")).unwrap_or_default();
    let indent = "  ".repeat(depth);
    let _ = writeln!(out, "{indent}{fid}  {kind}  {life_cycle}{name}{pin}  fcp {fcp}");
    keys(out, depth + 1, key_sets);
    for (number, content) in (1..).zip(contents) {
        let label = if contents.len() > 1 { format!("{number}: ") } else { String::new() };
        let _ = writeln!(out, "{indent}  {label}{content}");
    }
    for child in files {
        file(out, depth + 1, child);
    }
}

fn keys(out: &mut String, depth: usize, sets: &[KeySetReport]) {
    let indent = "  ".repeat(depth);
    for KeySetReport { kvn, role, counter, bits, gp_kcv, keys } in sets {
        let kcv = gp_kcv.join("/");
        let _ = writeln!(out, "{indent}key set {kvn}  {role}  AES-{bits}  counter {counter}  GP KCV {kcv}");
        for (label, key) in ["ENC", "MAC", "DEK"].iter().zip(keys.iter().flatten()) {
            let _ = writeln!(out, "{indent}  {label} {key}");
        }
    }
}
