//! `job pause`, `continue`, `cancel`, `approve` and `close`: what people say about a job, and the word of a second person.

use crate::cli::{Close, JobCommand};
use crate::failure;
use crate::site::Site;
use fuda_cli::{Exit, Failure, Globals, output};
use fuda_issuance::Journal;
use fuda_issuance::journal::Count;
use serde_json::json;

/// Says it.
pub(super) fn control(globals: &Globals, site: &Site, command: &JobCommand) -> Result<Exit, Failure> {
    let open = |job: &str| Journal::open(&site.store, job).map_err(failure::of);
    let (job, done, told) = match command {
        JobCommand::Pause(said) => {
            (&said.job, open(&said.job)?.pause(&said.operator), "paused: running lines finish the cards in hand")
        }
        JobCommand::Continue(said) => (&said.job, open(&said.job)?.go_on(&said.operator), "continued"),
        JobCommand::Cancel { said, reason } => (
            &said.job,
            open(&said.job)?.cancel(&said.operator, reason),
            "cancelled: what is good can be delivered, and `fuda-factory job close` counts the chips",
        ),
        JobCommand::Approve { job, checker } => return approve(globals, &open(job)?, checker),
        JobCommand::Close(args) => return close(globals, &open(&args.job)?, args),
        // Told by the caller.
        JobCommand::List | JobCommand::Show { .. } | JobCommand::Report { .. } | JobCommand::Watch { .. } => {
            return Ok(Exit::Done);
        }
    };
    done.map_err(failure::of)?;
    output::line(&format!("job {job}: {told}"));
    if globals.json {
        output::json(&json!({ "job": job, "control": open(job)?.job().control.as_str() }));
    }
    Ok(Exit::Done)
}

fn approve(globals: &Globals, journal: &Journal, checker: &str) -> Result<Exit, Failure> {
    journal.approve(checker).map_err(failure::of)?;
    let job = &journal.job().order.id;
    output::line(&format!("job {job}: the first articles are approved by {checker}; `fuda-factory run` goes on"));
    if globals.json {
        output::json(&json!({ "job": job, "approved_by": checker }));
    }
    Ok(Exit::Done)
}

fn close(globals: &Globals, journal: &Journal, args: &Close) -> Result<Exit, Failure> {
    let Close { job, checker, drawn, returned, mute } = args;
    let count = Count { drawn: *drawn, returned: *returned, mute: *mute };
    let closed = journal.close(checker, count).map_err(failure::of)?;
    let accounts = closed.accounts;
    output::line(&format!(
        "job {job} is closed by {checker}: {drawn} drawn = {} fed + {returned} returned; {} fed = {} good + {} rejected + {} samples + {} unknown",
        accounts.fed, accounts.fed, accounts.good, accounts.rejected, accounts.samples, accounts.unknown
    ));
    for (kdd, serial) in &closed.unknown {
        output::line(&format!("unknown: chip {kdd}, serial {serial}"));
    }
    if globals.json {
        output::json(&json!({
            "job": job, "checker": checker, "drawn": drawn, "returned": returned, "mute": mute, "accounts": accounts,
            "unknown_chips": closed.unknown.iter().map(|(kdd, serial)| json!({ "chip_id": kdd, "serial": serial })).collect::<Vec<_>>(),
        }));
    }
    Ok(if accounts.unknown == 0 && accounts.unfilled == 0 { Exit::Done } else { Exit::Incomplete })
}
