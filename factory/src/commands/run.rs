//! `run`: makes the cards of an order, and goes on with what a stop or a crash left.

use super::job::summary;
use crate::cli::{Period, Run};
use crate::failure;
use crate::job::Prepared;
use crate::line::{Board, End, Guests, Line, LineReport, Memory};
use crate::mark::require_current;
use crate::progress::Progress;
use crate::publisher;
use crate::site::Site;
use fuda_card::id::Kdd;
use fuda_cli::config::Mode;
use fuda_cli::{Exit, Failure, Globals, StopSignal, output};
use fuda_issuance::{Accounts, CardIssuer, Crew, Job, JobState, Journal, Lease};
use fuda_store::clock;
use fuda_terminal::{Encoder, EncoderSpec};
use serde_json::{Value, json};
use std::path::Path;

/// The operator of a run that names none.
const NOBODY: &str = "-";

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
    require_operator(&site, &args.operator)?;
    if let Ok(journal) = Journal::open(&site.store, prepared.order.id.as_str()) {
        journal.require_go().map_err(failure::of)?;
    }
    require_current(&site)?;
    let hsm = site.start_hsm(args.hsm_workers)?;
    let journal = prepared.open_job(&site)?;
    tell_of_the_clock(&journal)?;
    let (rules, pins) = (prepared.order.line, prepared.pins(&site, &journal));
    let before = journal.accounts().map_err(failure::of)?;
    require_approval(journal.job(), &before)?;
    let only = args.only.as_deref().map(|chip| chip_named(&journal, chip)).transpose()?;
    let names: Vec<String> = encoders.iter().map(|encoder| encoder.name().to_owned()).collect();
    let crew = Crew { operator: args.operator.clone(), host: host(), encoders: names.clone() };
    let lease = journal.join(&crew).map_err(failure::of)?;
    let beat = lease.beat().map_err(failure::of)?;
    journal.set_state(JobState::Open, "").map_err(failure::of)?;
    let folder = args.order.parent().unwrap_or(Path::new(".")).to_owned();
    let guests = Guests { store: site.store.clone(), hsm: hsm.clone(), folders: [folder, site.config.folder.clone()] };
    let memory = Memory::of(&site, &journal);
    let issuer = CardIssuer::new(journal, hsm, prepared.recipe(only));
    let left = if only.is_some() { 1 } else { args.limit.unwrap_or(u64::MAX) };
    let shown = beat.wanted.min(left);
    let board = Board::new(names.into_iter(), &args.operator, clock::stored(site.store.clock().now()), shown);
    let line = Line {
        issuer: &issuer,
        lease: &lease,
        encoders,
        operator: args.operator.clone(),
        rules,
        left,
        wanted: (beat.wanted, beat.unclaimed),
        pins,
        memory,
        guests,
        idle: args.idle.map(|Period(idle)| idle),
        board: &board,
        stop,
    };
    let mut progress = Progress::start(globals, args.no_progress, &before, shown);
    let name = publisher::line_name(&site, &board);
    let report = publisher::show_while(issuer.journal(), &board, &name, || line.run(|event| progress.show(event)));
    progress.finish();
    // A store that is gone is not waited for once more: the next line takes over what this one held.
    let left = match report.fault {
        Some(fuda_issuance::Error::Store(_)) => Ok(()),
        _ => leave(lease, &Memory::of(&site, issuer.journal())),
    };
    let ended = finish(globals, &site, &issuer, report)?;
    left.map_err(failure::of)?;
    Ok(ended)
}

/// The code of a warning.
const CLOCK_BEHIND: &str = "CLOCK_BEHIND";

/// Says that the clock is behind the journal. Cards are made all the same: what counts is the order of the entries, and one of them tells.
fn tell_of_the_clock(journal: &Journal) -> Result<(), Failure> {
    if let Some(newest) = journal.ahead_of_the_clock().map_err(failure::of)? {
        let now = clock::stored(journal.store().clock().now());
        output::note(&format!(
            "warning[{CLOCK_BEHIND}]: it is {now} here, and the job's newest entry is of {}\n  \
             do: set the clock if it is wrong; the journal keeps its order and notes the step",
            clock::stored(newest)
        ));
    }
    Ok(())
}

/// Ends the line's part in the job, and remembers how far it went.
fn leave(lease: Lease, memory: &Memory) -> Result<(), fuda_issuance::Error> {
    let remembered = lease.beat().and_then(|beat| memory.end(&beat));
    lease.leave().and(remembered)
}

/// In production every card has somebody who answers for it.
pub(super) fn require_operator(site: &Site, operator: &str) -> Result<(), Failure> {
    if site.config.site.mode == Mode::Production && operator == NOBODY {
        let what = "no operator is named, and the site's mode is production";
        return Err(Failure::new("OPERATOR_NONE", Exit::Usage, what).remedy("give --operator ID"));
    }
    Ok(())
}

/// Refuses while the first articles are made and nobody else has looked at them.
pub(super) fn require_approval(job: &Job, accounts: &Accounts) -> Result<(), Failure> {
    if !approval_is_due(job, accounts) {
        return Ok(());
    }
    let first = first_articles(job);
    let what = format!("the first {first} cards wait for a second person");
    Err(Failure::new("FIRST_ARTICLE", Exit::Stopped, what).remedy(approve(job)))
}

/// Cards of the job that a second person looks at: all of a small order.
fn first_articles(job: &Job) -> u64 {
    job.order.first_article.min(job.order.quantity)
}

fn approval_is_due(job: &Job, accounts: &Accounts) -> bool {
    let first = first_articles(job);
    first > 0 && job.approved_by.is_empty() && accounts.good >= first
}

/// The chip of `--only`: an identity, or the serial that it was bound to.
fn chip_named(journal: &Journal, chip: &str) -> Result<Kdd, Failure> {
    let bound = journal.chip_of(chip).map_err(failure::of)?;
    let named = bound.or_else(|| chip.parse().ok());
    named.ok_or_else(|| {
        let what = format!("`{chip}` is no chip identity, and no serial that job {} has bound", journal.job().order.id);
        Failure::new("CARD_NOT_FOUND", Exit::Input, what).remedy("`fuda-factory job show` names the chips")
    })
}

/// Name of this machine.
fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

fn approve(job: &Job) -> String {
    format!("look at them, then `fuda-factory job approve {} --checker ID`", job.order.id)
}

/// Opens every encoder, or none.
pub(super) fn listen(site: &Site, specs: &[EncoderSpec]) -> Result<Vec<Encoder>, Failure> {
    let configured = site.config.factory.as_ref().map(|factory| factory.encoders.as_slice()).unwrap_or_default();
    let configured: Vec<EncoderSpec> =
        configured.iter().map(|text| text.parse()).collect::<Result<_, fuda_terminal::encoder::SpecError>>().map_err(
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
        encoders.extend(Encoder::open(spec)?);
    }
    Ok(encoders)
}

/// Writes how the run ended into the job, and tells it.
fn finish(globals: &Globals, site: &Site, issuer: &CardIssuer, mut report: LineReport) -> Result<Exit, Failure> {
    let fault = report.fault.take().map(failure::of);
    if let Some(fault) = fault {
        if fault.exit != Exit::Store {
            issuer.journal().set_state(JobState::Stopped, "stopped by a fault").map_err(failure::of)?;
        }
        return Err(fault);
    }
    let journal = Journal::open(&site.store, &issuer.journal().job().order.id).map_err(failure::of)?;
    let accounts = journal.accounts().map_err(failure::of)?;
    let (state, reason, exit) = verdict(&report, journal.job(), &accounts);
    let stop_reason = if state == JobState::Stopped { reason.as_str() } else { "" };
    journal.set_state(state, stop_reason).map_err(failure::of)?;
    let journal = Journal::open(&site.store, &journal.job().order.id).map_err(failure::of)?;
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
    if let Some(trouble) = hsm.trouble() {
        output::line(&format!("HSM workers: {trouble}"));
    }
    if globals.json {
        let mut object = summary(&journal, &accounts);
        let run = json!({
            "good": report.good,
            "seconds": seconds,
            "cards_per_second": rate,
            "hsm_bound_cards_per_second": hsm_bound(&hsm, report.good),
            "hsm_calls_per_card": if report.good > 0 { cards(hsm.calls) / cards(report.good) } else { 0.0 },
            "ended": reason,
            "hsm": hsm,
        });
        if let Value::Object(fields) = &mut object {
            fields.insert("run".to_owned(), run);
        }
        output::json(&object);
    }
    Ok(exit)
}

fn verdict(report: &LineReport, job: &Job, accounts: &Accounts) -> (JobState, String, Exit) {
    if accounts.unfilled == 0 {
        return if approval_is_due(job, accounts) {
            (JobState::Complete, format!("every card of the order is good: {}", approve(job)), Exit::Stopped)
        } else {
            (JobState::Complete, "every card of the order is good".to_owned(), Exit::Done)
        };
    }
    match report.end {
        End::Complete => (JobState::Open, format!("the first articles are made: {}", approve(job)), Exit::Stopped),
        End::Limit => (JobState::Open, "the limit of this run is reached".to_owned(), Exit::Stopped),
        End::Asked => (JobState::Open, "stopped on request; the cards in hand were finished".to_owned(), Exit::Stopped),
        End::Cancelled => (JobState::Open, format!("the job was cancelled: {}", job.control_reason), Exit::Incomplete),
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
fn hsm_bound(metrics: &fuda_kms::Metrics, good: u64) -> f64 {
    let (busy_s, workers) = (cards(metrics.busy_us) / 1e6, cards(metrics.workers.len().try_into().unwrap_or(u64::MAX)));
    if busy_s > 0.0 { cards(good) * workers / busy_s } else { 0.0 }
}

/// A count as a number to divide by; counts here stay far below 2⁵³.
#[expect(clippy::cast_precision_loss, reason = "a rate for display needs six digits")]
fn cards(count: u64) -> f64 {
    count as f64
}
