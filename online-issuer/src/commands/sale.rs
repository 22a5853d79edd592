//! `sale …`: what tills told, and what fits nowhere.

use super::exceptions;
use crate::cli::sale::{SaleCommand, Show};
use crate::error::Error;
use crate::sales::{self, SaleError, SaleState};
use crate::site::Site;
use fuda_cli::table::Table;
use fuda_cli::{Exit, Failure, Globals, output};
use fuda_issuance::delivery::CsvEncoding;
use serde_json::json;
use std::path::Path;

/// Runs a command about sales.
///
/// # Errors
/// What the command says.
pub fn sale(globals: &Globals, command: &SaleCommand) -> Result<Exit, Failure> {
    let site = Site::open(globals)?;
    match command {
        SaleCommand::Import { file, csv_encoding } => import(globals, &site, file, *csv_encoding),
        SaleCommand::Show(args) => show(globals, &site, args),
        SaleCommand::Reverse { sale, operator } => {
            let heard = sales::reverse(&site.store, sale, operator)?;
            let reason = if heard.reason.is_empty() { String::new() } else { format!(": {}", heard.reason) };
            output::line(&format!("sale {sale} is {}{reason}", heard.state));
            if globals.json {
                output::json(&json!({ "sale": sale.to_string(), "state": heard.state, "reason": heard.reason }));
            }
            Ok(if heard.state == SaleState::Reversed.as_str() { Exit::Done } else { Exit::Incomplete })
        }
    }
}

fn import(globals: &Globals, site: &Site, path: &Path, encoding: CsvEncoding) -> Result<Exit, Failure> {
    let (mut sold, mut known, mut exceptions) = (0_u64, 0_u64, Vec::new());
    for (line, row) in sales::read_file(path, encoding)? {
        let heard = match row {
            Ok(sale) => match sales::sell(&site.store, &sale) {
                Err(Error::Sale(error @ SaleError::OtherContent { .. })) => Err(error.to_string()),
                heard => Ok(heard?),
            },
            Err(reason) => Err(reason),
        };
        match heard {
            Err(reason) => exceptions.push((line, reason)),
            Ok(heard) if heard.state == SaleState::Exception.as_str() => exceptions.push((line, heard.reason)),
            Ok(heard) if heard.known => known += 1,
            Ok(_) => sold += 1,
        }
    }
    output::line(&format!("{sold} sales heard, {known} known before, {} fit nowhere", exceptions.len()));
    let listed = exceptions::tell(path, &exceptions);
    if globals.json {
        output::json(&json!({ "sold": sold, "known": known, "exceptions": listed }));
    }
    Ok(if exceptions.is_empty() { Exit::Done } else { Exit::Incomplete })
}

fn show(globals: &Globals, site: &Site, args: &Show) -> Result<Exit, Failure> {
    let state = args.exceptions.then_some(SaleState::Exception.as_str());
    let found = sales::list(&site.store, state, args.sale.as_ref())?;
    if let (Some(sale), []) = (&args.sale, found.as_slice()) {
        return Err(Error::from(SaleError::NotFound { sale: sale.clone() }).into());
    }
    let mut table = Table::new(["SALE", "PRINTED", "SOLD", "STATE", "REASON"]);
    for sale in &found {
        table.row([sale.name().as_str(), &sale.printed, &sale.sold_at, &sale.state, &sale.reason]);
    }
    output::line(&table.within(80).to_string());
    if globals.json {
        output::json(&json!({ "sales": found }));
    }
    Ok(Exit::Done)
}
