//! `job list`, `job show` and `job approve`: where jobs and their chips stand, and the word of a second person.

use crate::cli::JobCommand;
use crate::failure;
use crate::site::Site;
use fuda_cli::table::Table;
use fuda_cli::{Exit, Failure, Globals, output};
use fuda_issuance::{Accounts, Journal};
use serde_json::{Value, json};

/// Lists, shows or approves jobs.
///
/// # Errors
/// `JOB_NOT_FOUND` (exit 5); the store.
pub fn job(globals: &Globals, command: &JobCommand) -> Result<Exit, Failure> {
    let site = Site::open(globals)?;
    match command {
        JobCommand::List => list(globals, &site),
        JobCommand::Show { job } => show(globals, &site, job),
        JobCommand::Approve { job, checker } => approve(globals, &site, job, checker),
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
        table.row(
            [job.order.id.clone(), job.state.as_str().to_owned(), job.order.profile.clone()].into_iter().chain(counts),
        );
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

fn approve(globals: &Globals, site: &Site, id: &str, checker: &str) -> Result<Exit, Failure> {
    let journal = Journal::open(&site.store, id).map_err(failure::of)?;
    journal.approve(checker).map_err(failure::of)?;
    output::line(&format!("job {id}: the first articles are approved by {checker}; `fuda-factory run` goes on"));
    if globals.json {
        output::json(&json!({ "job": id, "approved_by": checker }));
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
    table.row(["state", &format!("{} {}", job.state.as_str(), job.stop_reason)]);
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
        output::json(&summary(&journal, &accounts));
    }
    Ok(Exit::Done)
}

/// The object that `job show --json` and `run --json` have in common.
pub(super) fn summary(journal: &Journal, accounts: &Accounts) -> Value {
    let job = journal.job();
    json!({
        "job": job.order.id,
        "state": job.state.as_str(),
        "stop_reason": job.stop_reason,
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
