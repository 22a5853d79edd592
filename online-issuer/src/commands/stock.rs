//! `stock …`: deliveries in, cards by state, holds.

use super::count::count;
use super::job::{tell_out, told};
use crate::cli::stock::{Cards, HoldArgs, Import, List, RecallArgs, Ship, StockCommand, Unhold};
use crate::engine::office;
use crate::error::Error;
use crate::site::Site;
use crate::stock::hold::{Kind, NewHold};
use crate::stock::{self, Codes, StockError, Which, census, hold, recall};
use crate::vault::BlindIndex;
use fuda_card::profile::Profile;
use fuda_cli::table::Table;
use fuda_cli::{Exit, Failure, Globals, output};
use fuda_issuance::delivery::{ReceiptKey, Received, SiteMode, receive};
use fuda_issuance::profiles;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::io::IsTerminal;
use std::path::PathBuf;

/// Columns of a terminal that a table may take.
const COLUMNS_MAX: usize = 80;

/// Runs a command about stock.
///
/// # Errors
/// What the command says.
pub fn stock(globals: &Globals, command: &StockCommand) -> Result<Exit, Failure> {
    let site = Site::open(globals)?;
    match command {
        StockCommand::Import(args) => import(globals, &site, args),
        StockCommand::List(args) => list(globals, &site, args),
        StockCommand::Count(args) => count(globals, &site.store, args),
        StockCommand::Ship(Ship { cards, to }) => {
            moved(globals, "shipped", stock::ship(&site.store, &which(cards), to)?)
        }
        StockCommand::Return(cards) => moved(globals, "returned", stock::return_cards(&site.store, &which(cards))?),
        StockCommand::Hold(args) => place(globals, &site, args),
        StockCommand::Recall(args) => recall(globals, &site, args),
        StockCommand::Unhold(Unhold { hold, operator, checker }) => {
            hold::lift(&site.store, hold, operator, checker)?;
            output::line(&format!("hold {hold} is lifted"));
            done(globals, &json!({ "lifted": hold }))
        }
    }
}

fn done(globals: &Globals, object: &serde_json::Value) -> Result<Exit, Failure> {
    if globals.json {
        output::json(object);
    }
    Ok(Exit::Done)
}

fn import(globals: &Globals, site: &Site, args: &Import) -> Result<Exit, Failure> {
    let received = match receive(&args.delivery, &known_keys(site, &args.keys)?)? {
        Ok(received) => received,
        Err(report) => {
            for finding in &report.findings {
                output::note(&finding.to_string());
            }
            return Err(report.failure().unwrap_or_else(|| Error::Thread.into()));
        }
    };
    let profile = profile(site, &received)?;
    let codes = codes(site, &received)?;
    let bar = progress(received.cards.len());
    let imported = stock::import(&site.store, &received, &profile, codes.as_ref(), &|done| bar.set_position(done));
    bar.finish_and_clear();
    let imported = imported?;
    output::line(&match imported.written {
        0 => format!("delivery {} is in stock already: {} cards", imported.delivery, imported.cards),
        written => {
            format!("delivery {} is in stock: {} cards, {written} of them new", imported.delivery, imported.cards)
        }
    });
    if codes.is_none() {
        output::note("no activation codes were printed for these cards: nobody can claim them");
    }
    let codes = codes.is_some();
    done(
        globals,
        &json!({ "delivery": imported.delivery, "cards": imported.cards, "written": imported.written, "codes": codes }),
    )
}

/// The receipt keys that this site believes.
fn known_keys(site: &Site, named: &[PathBuf]) -> Result<Vec<ReceiptKey>, Failure> {
    let configured = site.config.issuer.as_ref().map(|issuer| issuer.receipt_keys.as_slice()).unwrap_or_default();
    let paths = if named.is_empty() { configured } else { named };
    if paths.is_empty() {
        return Err(Failure::new("RECEIPT_KEYS_NONE", Exit::Input, "no receipt key of a line is known here")
            .remedy("name the line's receipt.pem in issuer.receipt_keys of fuda.toml, or with --key; compare its SHA-256 by telephone first"));
    }
    let read = |path: &PathBuf| {
        let source = fuda_cli::Source::read(path)?;
        ReceiptKey::from_pem(source.text()).map_err(|error| Failure::from(error).at(path.display().to_string()))
    };
    paths.iter().map(read).collect()
}

/// The profile of a delivery: the file of that name here, which must be the line's own.
fn profile(site: &Site, received: &Received) -> Result<Profile, Failure> {
    let facts = &received.manifest.facts;
    let mode = site.config.site.mode;
    if facts.mode != SiteMode::from(mode) {
        return Err(Error::from(StockError::Mode { delivery: facts.mode, site: mode.as_str() }).into());
    }
    let profile = profiles::named(&facts.profile.name, &site.config.folder, &site.config.folder)?;
    let (delivered, here) = (facts.profile.sha256.to_string(), profile.hash().to_string());
    if delivered != here {
        let name = facts.profile.name.clone();
        return Err(Error::from(StockError::Profile { name, delivered, here }).into());
    }
    Ok(profile)
}

/// What makes activation codes findable, where the packages have some: by the key that the line made them with, which must be here.
fn codes(site: &Site, received: &Received) -> Result<Option<Codes>, Failure> {
    let Some(made_by) = &received.manifest.facts.activation else { return Ok(None) };
    let here = site.registry.version(&made_by.key)?.check_value.map(|value| value.to_string());
    if here != Some(format!("{}:{}", made_by.kcv.method.as_str(), made_by.kcv.value)) {
        return Err(Error::from(StockError::CodeKey { key: made_by.key.to_string() }).into());
    }
    let hsm = site.start_hsm()?;
    let index = BlindIndex::new(hsm.clone(), site.registry.clone());
    Ok(Some(Codes { index, hsm, activation: made_by.key.clone() }))
}

/// A bar on a terminal, nothing elsewhere.
fn progress(cards: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{pos} of {len} cards  {bar:30}  {eta}");
    let bar = ProgressBar::new(u64::try_from(cards).unwrap_or(u64::MAX));
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn list(globals: &Globals, site: &Site, args: &List) -> Result<Exit, Failure> {
    let filter = census::Filter {
        state: args.state.map(|state| state.as_str().to_owned()),
        lot: args.lot.clone(),
        after: args.after.clone(),
    };
    let cards = census::list(&site.store, filter, i64::from(args.limit))?;
    let mut table = Table::new(["SERIAL", "PRINTED", "LOT", "CARTON", "STATE", "SHOP"]);
    for card in &cards {
        let census::Listed { serial, printed, lot, carton, state, shop, .. } = card;
        table.row([serial, printed, lot, carton, state, shop].map(String::as_str));
    }
    output::line(&table.within(COLUMNS_MAX).to_string());
    done(globals, &json!({ "cards": cards }))
}

fn which(cards: &Cards) -> Which {
    match (&cards.carton, &cards.range, &cards.card) {
        (Some(carton), ..) => Which::Carton(carton.clone()),
        (None, Some((first, last)), _) => Which::Range(first.clone(), last.clone()),
        // clap gives one of the three.
        (None, None, card) => {
            let serial = card.clone().unwrap_or_default();
            Which::Range(serial.clone(), serial)
        }
    }
}

fn moved(globals: &Globals, word: &str, cards: u64) -> Result<Exit, Failure> {
    output::line(&format!("{cards} cards {word}"));
    done(globals, &json!({ "cards": cards }))
}

fn place(globals: &Globals, site: &Site, args: &HoldArgs) -> Result<Exit, Failure> {
    let Some(hold) = new_hold(args, Kind::Hold) else { return holds(globals, site) };
    let placed = office::hold(&site.store, &hold)?;
    output::line(&format!("hold {} on {}: {} cards in stock are not activated", placed.id, hold.scope, placed.cards));
    tell_out(&placed.out);
    done(globals, &json!({ "hold": placed.id, "cards": placed.cards, "out": told(&placed.out) }))
}

fn new_hold(args: &HoldArgs, kind: Kind) -> Option<NewHold> {
    let (scope, reason, person) = (args.cards.clone()?, args.reason.clone()?, args.operator.clone()?);
    Some(NewHold { scope, kind, reason, person })
}

/// Recalls cards, or tells how far a recall has come, or lists the recalls in force.
fn recall(globals: &Globals, site: &Site, args: &RecallArgs) -> Result<Exit, Failure> {
    let (id, placed) = match (&args.show, new_hold(&args.hold, Kind::Recall)) {
        (Some(id), _) => (id.clone(), None),
        (None, Some(hold)) => {
            let placed = office::hold(&site.store, &hold)?;
            output::line(&format!("recall {} of {}: {} cards", placed.id, hold.scope, placed.cards));
            tell_out(&placed.out);
            (placed.id.clone(), Some(placed))
        }
        (None, None) => return holds(globals, site),
    };
    let progress = recall::progress(&site.store, &id)?;
    let mut table = Table::new(["SERIAL", "PRINTED", "STATE", "SHOP", "ORDER"]);
    for card in &progress.out {
        let order = card.order_id.clone().unwrap_or_default();
        table.row([&card.serial, &card.printed, &card.state, &card.shop, &order].map(String::as_str));
    }
    if !progress.out.is_empty() {
        output::line(&table.within(COLUMNS_MAX).to_string());
    }
    output::line(&format!("{} cards are out, {} here or taken back", progress.out_cards, progress.back_cards));
    let mut object = json!(progress);
    if let (Some(placed), Some(members)) = (placed, object.as_object_mut()) {
        members.insert("scripts_out".to_owned(), told(&placed.out));
    }
    done(globals, &object)?;
    Ok(if progress.out_cards == 0 { Exit::Done } else { Exit::Incomplete })
}

fn holds(globals: &Globals, site: &Site) -> Result<Exit, Failure> {
    let holds = hold::list(&site.store)?;
    let mut table = Table::new(["HOLD", "KIND", "CARDS", "BY", "AT", "REASON"]);
    for hold in &holds {
        let cards = if hold.first == hold.last {
            format!("{}:{}", hold.scope, hold.first)
        } else {
            format!("{}:{}-{}", hold.scope, hold.first, hold.last)
        };
        table.row([&hold.id, &hold.kind, &cards, &hold.placed_by, &hold.placed_at, &hold.reason].map(String::as_str));
    }
    output::line(&table.within(COLUMNS_MAX).to_string());
    done(globals, &json!({ "holds": holds }))
}
