//! `payment …`: a bank's file, and what fits nowhere.

use super::exceptions;
use crate::cli::payment::{Match, PaymentCommand};
use crate::error::Error;
use crate::members::Services;
use crate::payments::{self, PaymentError, Receipt};
use crate::site::Site;
use fuda_cli::table::Table;
use fuda_cli::{Exit, Failure, Globals, output};
use fuda_issuance::delivery::CsvEncoding;
use serde_json::json;
use std::path::Path;

/// Runs a command about payments.
///
/// # Errors
/// What the command says.
pub fn payment(globals: &Globals, command: &PaymentCommand) -> Result<Exit, Failure> {
    let site = Site::open(globals)?;
    match command {
        PaymentCommand::Import { file, csv_encoding } => import(globals, &site, file, *csv_encoding),
        PaymentCommand::List { unmatched } => list(globals, &site, unmatched.then_some("exception")),
        PaymentCommand::Match(Match { payment, order, operator }) => {
            payments::match_by_hand(&site.store, &Services::read(&site.config)?, payment, order, operator)?;
            output::line(&format!("payment {payment} settles order {order}"));
            if globals.json {
                output::json(&json!({ "payment": payment, "order": order.as_str() }));
            }
            Ok(Exit::Done)
        }
    }
}

fn import(globals: &Globals, site: &Site, path: &Path, encoding: CsvEncoding) -> Result<Exit, Failure> {
    let services = Services::read(&site.config)?;
    let (mut settled, mut known, mut exceptions) = (0_u64, 0_u64, Vec::new());
    for (line, row) in payments::read_file(path, encoding)? {
        let event = match row {
            Ok(event) => event,
            Err(reason) => {
                exceptions.push((line, reason));
                continue;
            }
        };
        let receipt = match payments::receive(&site.store, &event) {
            Err(Error::Payment(error @ PaymentError::OtherContent { .. })) => {
                exceptions.push((line, error.to_string()));
                continue;
            }
            received => received?,
        };
        match payments::settle_one(&site.store, &services, event.key())? {
            Some(reason) => exceptions.push((line, reason)),
            None if receipt == Receipt::Known => known += 1,
            None => settled += 1,
        }
    }
    output::line(&format!("{settled} payments settled, {known} known before, {} fit nowhere", exceptions.len()));
    let listed = exceptions::tell(path, &exceptions);
    if globals.json {
        output::json(&json!({ "settled": settled, "known": known, "exceptions": listed }));
    }
    Ok(if exceptions.is_empty() { Exit::Done } else { Exit::Incomplete })
}

fn list(globals: &Globals, site: &Site, state: Option<&str>) -> Result<Exit, Failure> {
    let payments = payments::list(&site.store, state)?;
    let mut table = Table::new(["PAYMENT", "KIND", "REFERENCE", "AMOUNT", "STATE", "REASON"]);
    for payment in &payments {
        let amount = format!("{} {}", payment.amount, payment.currency);
        table.row(
            [&payment.event, &payment.kind, &payment.reference, &amount, &payment.state, &payment.reason]
                .map(String::as_str),
        );
    }
    output::line(&table.within(80).to_string());
    if globals.json {
        output::json(&json!({ "payments": payments }));
    }
    Ok(Exit::Done)
}
