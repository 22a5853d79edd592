//! `job …` and `card …`: what is done with cards over the network, and what waits for one.

use crate::cli::job::{CardCommand, JobCommand, Reconcile};
use crate::engine::life_cycle::JobState;
use crate::engine::out::ScriptOut;
use crate::engine::{Job, office};
use crate::site::Site;
use fuda_cli::table::Table;
use fuda_cli::{Exit, Failure, Globals, output};
use fuda_store::Store;
use serde_json::{Value, json};

/// Columns of a terminal that a table may take.
const COLUMNS_MAX: usize = 80;

/// Runs a command about jobs.
///
/// # Errors
/// `JOB_NOT_FOUND` (exit 5), `JOB_RESOLVED`, `JOB_SAME_PERSON` (exit 4); the store.
pub fn job(globals: &Globals, command: &JobCommand) -> Result<Exit, Failure> {
    let site = Site::open(globals)?;
    match command {
        JobCommand::List(args) => {
            let states = states(args.state.as_deref())?;
            list(globals, &office::jobs(&site.store, &states)?, "no job in this state")
        }
        JobCommand::Show { job } => show(globals, &site.store, job),
        JobCommand::Reconcile(args) => reconcile(globals, &site.store, args),
    }
}

/// Runs a command about cards.
///
/// # Errors
/// `CARD_NOT_IN_STOCK` (exit 5); the store.
pub fn card(globals: &Globals, command: &CardCommand) -> Result<Exit, Failure> {
    let site = Site::open(globals)?;
    match command {
        CardCommand::Show { card } => show_card(globals, &site.store, card),
        CardCommand::Block { card, reason, operator } => {
            let (card, out) = office::block_card(&site.store, card, reason, operator)?;
            output::line(&format!("card {card} gets no more scripts"));
            tell_out(&out);
            done(globals, &json!({ "blocked": card.to_string(), "out": told(&out) }))
        }
    }
}

/// Names the scripts that a hold or a block comes too late for.
pub(super) fn tell_out(out: &[ScriptOut]) {
    if out.is_empty() {
        return;
    }
    output::note(&format!("{} scripts are at terminals already and may still run:", out.len()));
    for script in out {
        let (end, job, until) = (script.serial_end(), &script.job, &script.expires_at);
        output::note(&format!("  card …{end}, job {job}, until {until}"));
    }
}

/// The same for programs.
pub(super) fn told(out: &[ScriptOut]) -> Value {
    let script = |script: &ScriptOut| json!({ "serial_end": script.serial_end(), "job": script.job, "expires_at": script.expires_at });
    out.iter().map(script).collect()
}

fn states(word: Option<&str>) -> Result<Vec<JobState>, Failure> {
    let Some(word) = word else { return Ok(JobState::ALL.to_vec()) };
    let state = word.parse::<JobState>().map_err(|_| {
        let words: Vec<&str> = JobState::ALL.iter().map(|state| state.as_str()).collect();
        Failure::new("USAGE", Exit::Usage, format!("`{word}` is no state of a job"))
            .remedy(format!("give one of {}", words.join(", ")))
    });
    Ok(vec![state?])
}

fn list(globals: &Globals, jobs: &[Job], none: &str) -> Result<Exit, Failure> {
    let mut table = Table::new(["JOB", "STATE", "PURPOSE", "CARD", "CHANGED"]);
    for job in jobs {
        table.row([&job.id, job.state.as_str(), &job.purpose, &job.card.to_string(), &job.changed_at]);
    }
    output::line(&if jobs.is_empty() { none.to_owned() } else { table.within(COLUMNS_MAX).to_string() });
    done(globals, &json!({ "jobs": jobs.iter().map(object).collect::<Vec<_>>() }))
}

fn show(globals: &Globals, store: &Store, id: &str) -> Result<Exit, Failure> {
    let (job, scripts) = office::job(store, id)?;
    let mut table = Table::new(["job", job.id.as_str()]);
    let rows = [
        ("state", format!("{} since {}", job.state, job.changed_at)),
        ("purpose", job.purpose.clone()),
        ("order", format!("{}, entitlement {}", job.order, job.entitlement)),
        ("card", format!("{} application {}", job.card, job.df)),
        ("contacts", format!("{} at which the card proved itself", job.contacts)),
    ];
    rows.into_iter().for_each(|(name, text)| table.row([name, &text]));
    for script in &scripts {
        table.row([
            "script",
            &format!("{} {} {} count {:06X} {}", script.id, script.kind, script.state, script.counter, script.made_at),
        ]);
    }
    output::line(&table.to_string());
    let scripts = scripts.iter().map(|script| {
        json!({ "id": script.id, "kind": script.kind, "state": script.state, "counter": script.counter,
                "made_at": script.made_at, "commands_sha256": script.commands_sha256 })
    });
    let mut shown = object(&job);
    if let Value::Object(members) = &mut shown {
        members.insert("scripts".to_owned(), scripts.collect());
    }
    done(globals, &shown)
}

fn reconcile(globals: &Globals, store: &Store, args: &Reconcile) -> Result<Exit, Failure> {
    let named = (args.job.as_ref(), args.operator.clone(), args.checker.clone(), args.reason.clone());
    if let (Some(job), Some(operator), Some(checker), Some(reason)) = named {
        let job = office::write_off(store, job, &office::WriteOff { operator, checker, reason })?;
        output::line(&format!("job {} is given up; order {} may be activated on another card", job.id, job.order));
        return done(globals, &object(&job));
    }
    let waiting = office::jobs(store, &[JobState::Unknown, JobState::Offered])?;
    list(globals, &waiting, "nothing waits for a card")?;
    Ok(if waiting.is_empty() { Exit::Done } else { Exit::Incomplete })
}

fn show_card(globals: &Globals, store: &Store, name: &str) -> Result<Exit, Failure> {
    let view = office::card(store, name)?;
    let card = view.card.to_string();
    let mut table = Table::new(["card", card.as_str()]);
    table.row(["blocked", if view.blocked.is_empty() { "no" } else { &view.blocked }]);
    for (df, kvn, counter) in &view.counters {
        table.row(["counter", &format!("{df} set {kvn:02X}: {counter:06X} proved")]);
    }
    for shut in &view.shut {
        let far = match &shut.done_at {
            Some(at) => format!("shut since {at}"),
            None => "shut at its next contact".to_owned(),
        };
        table.row(["application", &format!("{} {far}: {} of order {}", shut.df, shut.reason, shut.order_id)]);
    }
    for job in &view.jobs {
        table.row(["job", &format!("{} {} {} since {}", job.id, job.purpose, job.state, job.changed_at)]);
    }
    output::line(&table.to_string());
    let counters = view.counters.iter().map(|(df, kvn, counter)| json!({ "df": df, "kvn": kvn, "counter": counter }));
    let object = json!({
        "card": card,
        "blocked": view.blocked,
        "counters": counters.collect::<Vec<_>>(),
        "shut": view.shut,
        "jobs": view.jobs.iter().map(object).collect::<Vec<_>>(),
    });
    done(globals, &object)
}

fn object(job: &Job) -> Value {
    json!({
        "job": job.id, "state": job.state.as_str(), "purpose": job.purpose, "order": job.order, "card": job.card.to_string(),
        "df": job.df.to_string(), "contacts": job.contacts, "created_at": job.created_at, "changed_at": job.changed_at,
    })
}

fn done(globals: &Globals, object: &Value) -> Result<Exit, Failure> {
    if globals.json {
        output::json(object);
    }
    Ok(Exit::Done)
}
