//! `reject list` and `reject destroy`: what lies in the reject bin, and how it ends.

use crate::cli::{Destroy, RejectCommand};
use crate::failure;
use crate::site::Site;
use fuda_cli::table::Table;
use fuda_cli::{Exit, Failure, Globals, output};
use fuda_issuance::Journal;
use serde_json::json;

/// Columns of a terminal.
const COLUMNS: usize = 80;

/// Lists the bin, or records its destruction.
///
/// # Errors
/// `JOB_NOT_FOUND` (exit 5); `REJECT_COUNT`, `JOB_SAME_PERSON` (exit 4); the store.
pub fn reject(globals: &Globals, command: &RejectCommand) -> Result<Exit, Failure> {
    let site = Site::open(globals)?;
    match command {
        RejectCommand::List { job } => list(globals, &site, job.as_deref()),
        RejectCommand::Destroy(args) => destroy(globals, &site, args),
    }
}

fn list(globals: &Globals, site: &Site, job: Option<&str>) -> Result<Exit, Failure> {
    let journals = match job {
        Some(job) => vec![Journal::open(&site.store, job).map_err(failure::of)?],
        None => Journal::all(&site.store).map_err(failure::of)?,
    };
    let mut table = Table::new(["JOB", "NO", "CHIP", "WHERE", "LIVE KEYS", "REASON"]);
    let mut rejects = Vec::new();
    for journal in journals {
        let job = &journal.job().order.id;
        for reject in journal.rejects().map_err(failure::of)? {
            let chip = if reject.kdd.is_empty() { "(no identity)" } else { &reject.kdd };
            let reason = format!("{} at {} {}", reject.code, reject.step, reject.sw);
            let (seq, live) = (reject.seq.to_string(), reject.live_keys.to_string());
            table.row([job.as_str(), &seq, chip, &reject.disposition, &live, reason.trim_end()]);
            rejects.push(json!({
                "job": job, "seq": reject.seq, "chip_id": reject.kdd, "serial": reject.serial, "class": reject.class, "code": reject.code,
                "step": reject.step, "sw": reject.sw, "encoder": reject.encoder, "attempt": reject.attempt,
                "live_keys": reject.live_keys, "disposition": reject.disposition,
            }));
        }
    }
    output::line(&if rejects.is_empty() {
        "the reject bin is empty".to_owned()
    } else {
        table.within(COLUMNS).to_string()
    });
    if globals.json {
        output::json(&json!({ "rejects": rejects }));
    }
    Ok(Exit::Done)
}

fn destroy(globals: &Globals, site: &Site, args: &Destroy) -> Result<Exit, Failure> {
    let Destroy { job, count, witness, certificate } = args;
    let journal = Journal::open(&site.store, job).map_err(failure::of)?;
    let destroyed = journal.destroy_rejects(*count, witness, certificate).map_err(failure::of)?;
    output::line(&format!(
        "job {job}: destruction {} of {count} chips, witness {witness}, certificate {certificate}; {} key sets count no more",
        destroyed.number, destroyed.key_sets
    ));
    if globals.json {
        output::json(&json!({
            "job": job, "destruction": destroyed.number, "chips": destroyed.chips, "key_sets": destroyed.key_sets,
            "witness": witness, "certificate": certificate,
        }));
    }
    Ok(Exit::Done)
}
