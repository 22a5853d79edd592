//! `run`: makes the cards of an order, and goes on with what a stop or a crash left.

use super::job::summary;
use crate::cli::{Period, Run};
use crate::encoder::{Encoder, EncoderSpec};
use crate::failure;
use crate::job::Prepared;
use crate::job_lock::JobLock;
use crate::line::{End, Line, LineReport, StopSignal};
use crate::order::LineRules;
use crate::progress::Progress;
use crate::site::Site;
use fuda_cli::{Exit, Failure, Globals, output};
use fuda_issuance::{Accounts, CardIssuer, Job, JobState, Journal};
use serde_json::{Value, json};

/// Runs the line for an order until every card is good, or a stop.
///
/// # Errors
/// What keeps the line from starting (nothing is changed then), or the fault that stopped it: HSM, store, serials.
pub fn run(globals: &Globals, args: &Run) -> Result<Exit, Failure> {
    let stop = StopSignal::install()
        .map_err(|error| Failure::new("SIGNALS", Exit::Bug, format!("cannot take over SIGINT and SIGTERM: {error}")))?;
    let site = Site::open(globals)?;
    let prepared = Prepared::read(&site, &args.order)?;
    let encoders = listen(&site, &args.encoders)?;
    let hsm = site.start_hsm(args.hsm_workers)?;
    let _lock = JobLock::take(&site, prepared.order.id.as_str())?;
    let journal = prepared.open_job(&site)?;
    let rules = prepared.order.line;
    let before = journal.accounts().map_err(failure::of)?;
    let (wanted, goal) = target(&site, rules, journal.job(), &before, args.limit)?;
    journal.set_state(JobState::Open, "").map_err(failure::of)?;
    let issuer = CardIssuer::new(journal, hsm, prepared.recipe());
    let line = Line {
        issuer: &issuer,
        encoders,
        operator: args.operator.clone(),
        rules,
        wanted,
        goal,
        idle: args.idle.map(|Period(idle)| idle),
        stop,
    };
    let mut progress = Progress::start(globals, args.no_progress, &before, wanted);
    let report = line.run(|event| progress.show(event));
    progress.finish();
    finish(globals, &site, &issuer, report)
}

/// How many good cards this run shall make, and what it means when they are made.
fn target(
    site: &Site,
    rules: LineRules,
    job: &Job,
    before: &Accounts,
    limit: Option<u64>,
) -> Result<(u64, End), Failure> {
    let mut target = (before.unfilled, End::Complete);
    let first_articles = u64::from(rules.first_article(site.config.site.mode));
    if first_articles > 0 && job.approved_by.is_empty() && before.unfilled > 0 {
        let missing = first_articles.saturating_sub(before.good);
        if missing == 0 {
            let what = format!("the first {first_articles} cards wait for a second person");
            return Err(Failure::new("FIRST_ARTICLE", Exit::Stopped, what).remedy(approve(job)));
        }
        if missing < target.0 {
            target = (missing, End::FirstArticle);
        }
    }
    Ok(limit.filter(|limit| *limit < target.0).map_or(target, |limit| (limit, End::Limit)))
}

fn approve(job: &Job) -> String {
    format!("look at them, then `fuda-factory job approve {} --checker ID`", job.order.id)
}

/// Opens every encoder, or none.
pub(super) fn listen(site: &Site, specs: &[EncoderSpec]) -> Result<Vec<Encoder>, Failure> {
    let configured = site.config.factory.as_ref().map(|factory| factory.encoders.as_slice()).unwrap_or_default();
    let configured: Vec<EncoderSpec> =
        configured.iter().map(|text| text.parse()).collect::<Result<_, crate::encoder::SpecError>>().map_err(
            |error| Failure::new("ENCODER_SPEC", Exit::Input, error.to_string()).at("fuda.toml, factory.encoders"),
        )?;
    let specs = if specs.is_empty() { &configured } else { specs };
    if specs.is_empty() {
        return Err(Failure::new("ENCODER_NONE", Exit::Usage, "no encoder is named")
            .remedy("give --encoders pcsc:* or vpcd:HOST:PORT[-PORT], or factory.encoders in fuda.toml"));
    }
    open(specs)
}

/// Opens the encoders of all specifications.
pub(super) fn open(specs: &[EncoderSpec]) -> Result<Vec<Encoder>, Failure> {
    let mut encoders = Vec::new();
    for spec in specs {
        encoders.extend(Encoder::open(spec).map_err(crate::encoder::failure)?);
    }
    Ok(encoders)
}

/// Writes how the run ended into the job, and tells it.
fn finish(globals: &Globals, site: &Site, issuer: &CardIssuer, report: LineReport) -> Result<Exit, Failure> {
    let (state, reason, exit) = verdict(&report, issuer.journal().job());
    let fault = report.fault.map(failure::of);
    if fault.as_ref().is_none_or(|fault| fault.exit != Exit::Store) {
        let stop_reason = if state == JobState::Stopped { reason.as_str() } else { "" };
        issuer.journal().set_state(state, stop_reason).map_err(failure::of)?;
    }
    if let Some(fault) = fault {
        return Err(fault);
    }
    let journal = Journal::open(&site.store, &issuer.journal().job().order.id).map_err(failure::of)?;
    let accounts = journal.accounts().map_err(failure::of)?;
    let seconds = report.duration.as_secs_f64();
    let rate = if seconds > 0.0 { cards(report.good) / seconds } else { 0.0 };
    let hsm = issuer.hsm().metrics();
    output::line(&format!(
        "{reason}\n{} good in this run in {seconds:.1} s ({rate:.1} cards/s); job {}: {} of {} good, {} rejected, {} unknown, {} unfilled",
        report.good,
        journal.job().order.id,
        accounts.good,
        accounts.ordered,
        accounts.rejected,
        accounts.unknown,
        accounts.unfilled,
    ));
    if globals.json {
        let mut object = summary(&journal, &accounts);
        let run = json!({
            "good": report.good,
            "seconds": seconds,
            "cards_per_second": rate,
            "hsm_bound_cards_per_second": hsm_bound(&hsm, report.good, site.config.hsm.workers),
            "hsm_calls_per_card": if report.good > 0 { cards(hsm.calls) / cards(report.good) } else { 0.0 },
            "ended": reason,
        });
        if let Value::Object(fields) = &mut object {
            fields.insert("run".to_owned(), run);
        }
        output::json(&object);
    }
    Ok(exit)
}

fn verdict(report: &LineReport, job: &Job) -> (JobState, String, Exit) {
    match report.end {
        End::Complete => (JobState::Complete, "every card of the order is good".to_owned(), Exit::Done),
        End::Limit => (JobState::Open, "the limit of this run is reached".to_owned(), Exit::Stopped),
        End::FirstArticle => (JobState::Open, format!("the first articles are made: {}", approve(job)), Exit::Stopped),
        End::Asked => (JobState::Open, "stopped on request; the cards in hand were finished".to_owned(), Exit::Stopped),
        End::Idle => (JobState::Open, "stopped: no card was put in".to_owned(), Exit::Stopped),
        End::Failures { count } => (
            JobState::Stopped,
            format!(
                "stopped: {count} cards in a row failed; look at the stack, then run again (`fuda-factory job show`)"
            ),
            Exit::Stopped,
        ),
        End::Quarantined => (JobState::Stopped, "stopped: every encoder is quarantined".to_owned(), Exit::Stopped),
        End::Fault => (JobState::Stopped, "stopped by a fault".to_owned(), Exit::Stopped),
    }
}

/// Cards that the workers would make if they did nothing but wait for nobody.
fn hsm_bound(metrics: &fuda_kms::Metrics, good: u64, workers: u16) -> f64 {
    let busy_s = cards(metrics.busy_us) / 1e6;
    if busy_s > 0.0 { cards(good) * f64::from(workers) / busy_s } else { 0.0 }
}

/// A count as a number to divide by; counts here stay far below 2⁵³.
#[expect(clippy::cast_precision_loss, reason = "a rate for display needs six digits")]
fn cards(count: u64) -> f64 {
    count as f64
}
