//! `job list` and `job show`: where jobs and their chips stand.

use super::control::control;
use crate::cli::JobCommand;
use crate::failure;
use crate::site::Site;
use fuda_cli::table::Table;
use fuda_cli::{Exit, Failure, Globals, output};
use fuda_issuance::journal::{Carton, PrintCopy};
use fuda_issuance::{Accounts, Control, Journal};
use serde_json::{Value, json};

/// Lists, shows or steers jobs.
///
/// # Errors
/// `JOB_NOT_FOUND` (exit 5); the store.
pub fn job(globals: &Globals, command: &JobCommand) -> Result<Exit, Failure> {
    let site = Site::open(globals)?;
    match command {
        JobCommand::List => list(globals, &site),
        JobCommand::Show { job } => show(globals, &site, job),
        JobCommand::Report { job, out } => super::report::report(globals, &site, job, out),
        JobCommand::Watch { job } => super::watch::watch(globals, &site, job),
        said => control(globals, &site, said),
    }
}

fn list(globals: &Globals, site: &Site) -> Result<Exit, Failure> {
    let mut table = Table::new(["JOB", "STATE", "PROFILE", "ORDERED", "GOOD", "REJECTED", "UNKNOWN", "UNFILLED"]);
    let mut jobs = Vec::new();
    for journal in Journal::all(&site.store).map_err(failure::of)? {
        let accounts = journal.accounts().map_err(failure::of)?;
        let job = journal.job();
        let counts = [accounts.ordered, accounts.good, accounts.rejected, accounts.unknown, accounts.unfilled]
            .map(|count| count.to_string());
        table.row([job.order.id.clone(), job.word().to_owned(), job.order.profile.clone()].into_iter().chain(counts));
        jobs.push(summary(&journal, &accounts));
    }
    output::line(&if jobs.is_empty() {
        "no job yet: `fuda-factory run ORDER` makes one".to_owned()
    } else {
        table.to_string()
    });
    if globals.json {
        output::json(&json!({ "jobs": jobs }));
    }
    Ok(Exit::Done)
}

fn show(globals: &Globals, site: &Site, id: &str) -> Result<Exit, Failure> {
    let journal = Journal::open(&site.store, id).map_err(failure::of)?;
    let accounts = journal.accounts().map_err(failure::of)?;
    let rejects = journal.rejects().map_err(failure::of)?;
    let job = journal.job();
    let stages = format!("{} to {}", job.order.first_stage.number(), job.order.last_stage.number());
    let mut table = Table::new(["job", id]);
    let reason = if job.control == Control::Go { &job.stop_reason } else { &job.control_reason };
    table.row(["state", &format!("{} {reason}", job.word())]);
    for line in journal.lines().map_err(failure::of)? {
        let text = format!("{} of {} on {}, since {}", line.id, line.operator, line.host, line.begun_at);
        table.row(["line", &text]);
    }
    table.row([
        "order",
        &format!(
            "{} × {}, stages {stages}, lot {}, {}",
            job.order.quantity, job.order.profile, job.order.lot, job.created_at
        ),
    ]);
    let Accounts { fed, good, rejected, samples, unknown, unfilled, ordered } = accounts;
    table.row([
        "chips",
        &format!("{fed} fed = {good} good + {rejected} rejected + {samples} samples + {unknown} unknown"),
    ]);
    table.row(["cards", &format!("{ordered} ordered = {good} good + {unfilled} unfilled")]);
    for version in job.order.keys.values() {
        table.row(["key", &version.to_string()]);
    }
    for (what, text) in prepared_and_packed(&journal).map_err(failure::of)? {
        table.row([what, text.as_str()]);
    }
    for (kdd, serial) in journal.unknown().map_err(failure::of)? {
        table.row(["unknown", &format!("{kdd}, serial {serial}")]);
    }
    for (kdd, serial) in journal.withdrawn().map_err(failure::of)? {
        table.row(["withdrawn", &format!("serial {serial} with chip {kdd}")]);
    }
    table.row(["journal", &format!("{} entries, chain {}", job.entries, job.chain_sha256)]);
    for reject in &rejects {
        let chip = if reject.kdd.is_empty() { "(no identity)" } else { &reject.kdd };
        table.row([
            "reject",
            &format!("{} {chip} {} {} at {} {}", reject.seq, reject.class, reject.code, reject.step, reject.sw),
        ]);
    }
    output::line(&table.to_string());
    if globals.json {
        let mut object = summary(&journal, &accounts);
        if let Value::Object(fields) = &mut object {
            let named = |chips: Vec<(String, String)>| -> Value {
                chips.into_iter().map(|(kdd, serial)| json!({ "chip_id": kdd, "serial": serial })).collect()
            };
            fields.insert("unknown_chips".to_owned(), named(journal.unknown().map_err(failure::of)?));
            fields.insert("withdrawn".to_owned(), named(journal.withdrawn().map_err(failure::of)?));
        }
        output::json(&object);
    }
    Ok(Exit::Done)
}

/// What printers were given, and the cartons.
fn prepared_and_packed(journal: &Journal) -> Result<Vec<(&'static str, String)>, fuda_issuance::Error> {
    let print = |copy: PrintCopy| {
        let PrintCopy { copy, packages, recipients, file_sha256, .. } = copy;
        ("print", format!("copy {copy} for {recipients}: {packages} packages, SHA-256 {file_sha256}"))
    };
    let carton = |carton: Carton| {
        let Carton { label, cards, size, matched, .. } = carton;
        ("carton", format!("{label}: {cards} of {size} cards, {matched} matched with their chips"))
    };
    let prints = journal.print_copies()?.into_iter().map(print);
    Ok(prints.chain(journal.cartons()?.into_iter().map(carton)).collect())
}

/// The object that `job show --json` and `run --json` have in common.
pub(super) fn summary(journal: &Journal, accounts: &Accounts) -> Value {
    let job = journal.job();
    json!({
        "job": job.order.id,
        "state": job.word(),
        "stop_reason": job.stop_reason,
        "control_reason": job.control_reason,
        "mode": job.order.mode.as_str(),
        "first_article": job.order.first_article,
        "approved_by": job.approved_by,
        "profile": job.order.profile,
        "lot": job.order.lot,
        "ordered": accounts.ordered,
        "fed": accounts.fed,
        "good": accounts.good,
        "rejected": accounts.rejected,
        "samples": accounts.samples,
        "unknown": accounts.unknown,
        "unfilled": accounts.unfilled,
        "keys": job.order.keys.iter().map(|(name, version)| (name.to_string(), version.to_string())).collect::<std::collections::BTreeMap<_, _>>(),
        "journal": { "entries": job.entries, "chain_sha256": job.chain_sha256 },
    })
}
