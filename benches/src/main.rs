//! The report: measures everything in a throw-away site, prints a table, writes `report.json`.

use clap::Parser;
use fuda_benches::bare::processes;
use fuda_benches::doing::Doing;
use fuda_benches::report::Rows;
use fuda_benches::rounds::Scale;
use fuda_benches::{online, report, site};
use fuda_cli::{Exit, Failure, Globals, Program, output};
use serde_json::Value;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Measure Fuda on this machine, each figure beside its bound
///
/// Build for release first, together with fuda-kms, fuda-factory and fuda-card-sim; `cargo xtask bench` does both.
#[derive(Debug, Parser)]
#[command(name = "fuda-benches", version, max_term_width = 110)]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    /// Under three minutes
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// Longer rounds and more of them
    #[arg(long)]
    full: bool,
    /// Only some rows
    #[arg(long, value_name = "ROWS")]
    only: Option<Rows>,
    /// Where the list of entries goes [default: target/bench/report.json]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Compute cards bare for so many milliseconds, and print how many a second
    #[arg(long, value_name = "MS", hide = true)]
    bare_for: Option<u64>,
    /// Sell the cards of one of the site's deliveries
    #[arg(long, value_name = "LOT", hide = true)]
    sell: Option<u16>,
}

impl Program for Cli {
    fn globals(&self) -> &Globals {
        &self.globals
    }
}

fn main() -> ExitCode {
    fuda_cli::run(body)
}

fn body(cli: Cli) -> Result<Exit, Failure> {
    let Some(site) = site::Site::entered()? else { return site::enter() };
    if let Some(length) = cli.bare_for {
        processes::run(&site, Duration::from_millis(length))?;
        return Ok(Exit::Done);
    }
    if let Some(lot) = cli.sell {
        online::shop::sell(&site, online::shop::Lot(lot))?;
        return Ok(Exit::Done);
    }
    let scale = if cli.quick { Scale::Quick } else { Scale::Full };
    let entries = match cli.only {
        Some(rows) => report::measure_only(&site, rows, scale)?,
        None => report::measure(&site, scale)?,
    };
    let path = match cli.out {
        Some(path) => path,
        None => site::report_folder()?.join("report.json"),
    };
    let list = report::to_json(&entries);
    let text = serde_json::to_string_pretty(&list).doing("write the report")?;
    std::fs::write(&path, format!("{text}\n")).doing("write the report")?;
    output::line(&format!("{} entries in {}", entries.len(), path.display()));
    if cli.globals.json {
        output::json(&Value::Object([("entries".to_owned(), list)].into_iter().collect()));
    }
    Ok(Exit::Done)
}
