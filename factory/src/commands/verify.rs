//! `verify`: a delivery checked as a stranger would, cards in hand held against it, or a job's journal and accounts.

use super::run::listen;
use crate::cli::{CardCount, Verify};
use crate::delivery::{self, Report, file};
use crate::encoder::{Encoder, EncoderCard};
use crate::failure;
use crate::line::StopSignal;
use crate::profiles;
use crate::site::Site;
use fuda_card::personalisation::Plan;
use fuda_cli::{Exit, Failure, Globals, output};
use fuda_issuance::journal::IssuedCard;
use fuda_issuance::{CardAuditor, Journal};
use serde_json::json;
use std::collections::HashSet;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long one wait for a card lasts before the encoder looks whether enough were seen.
const INSERT_WAIT: Duration = Duration::from_millis(200);

/// Verifies a folder or a job.
///
/// # Errors
/// Exit 6 with the first finding, exit 9 for a card that differs.
pub fn verify(globals: &Globals, args: &Verify) -> Result<Exit, Failure> {
    if is_delivery(&args.what) { delivery(globals, args) } else { job(globals, &args.what.to_string_lossy()) }
}

/// A folder with any file of a delivery in it; a folder that only happens to be called like a job is not meant.
fn is_delivery(path: &Path) -> bool {
    let files = [file::MANIFEST, file::SUMS, file::CARDS_CSV, file::SIGNATURE];
    files.iter().any(|name| path.join(name).exists())
}

fn job(globals: &Globals, id: &str) -> Result<Exit, Failure> {
    let site = Site::open(globals)?;
    let journal = Journal::open(&site.store, id).map_err(failure::of)?;
    journal.check_chain().map_err(failure::of)?;
    let accounts = journal.accounts().map_err(failure::of)?;
    output::line(&format!(
        "job {id}: {} journal entries follow from each other; the accounts balance",
        journal.job().entries
    ));
    if globals.json {
        output::json(&json!({ "job": id, "journal_entries": journal.job().entries, "accounts": accounts }));
    }
    Ok(Exit::Done)
}

fn delivery(globals: &Globals, args: &Verify) -> Result<Exit, Failure> {
    let report = delivery::verify(&args.what, None)?;
    if let Some(failure) = report.failure() {
        for finding in &report.findings {
            output::note(&finding.to_string());
        }
        return Err(failure);
    }
    output::line(&format!(
        "{}: {} cards and {} rejects; sums, signature, counts and rows agree",
        report.folder, report.cards, report.rejects
    ));
    let audited = match args.cards {
        Some(count) => cards(globals, args, &report, count)?,
        None => 0,
    };
    if globals.json {
        output::json(&json!({ "delivery": report, "cards_audited": audited }));
    }
    Ok(Exit::Done)
}

/// Audits cards as they are put in, until enough distinct cards of the delivery are seen.
fn cards(globals: &Globals, args: &Verify, report: &Report, count: CardCount) -> Result<u64, Failure> {
    let site = Site::open(globals)?;
    let id = report.order.as_deref().unwrap_or_default();
    let journal = Journal::open(&site.store, id).map_err(failure::of)?;
    let job = &journal.job().order;
    let profile = profiles::named(&job.profile, Path::new("."), &site.config.folder)?;
    if hex::encode_upper(profile.hash()) != job.profile_sha256 {
        return Err(failure::of(fuda_issuance::Error::OrderChanged { job: job.id.clone(), part: "profile" }));
    }
    let plan = Plan::audit(&profile, job.last_stage, &job.lot);
    let encoders = listen(&site, &args.encoders)?;
    let auditor = CardAuditor::new(journal, site.start_hsm(None)?, plan);
    let wanted = match count {
        CardCount::Number(number) => number.min(report.cards),
        CardCount::All => report.cards,
    };
    let stop = StopSignal::install()
        .map_err(|error| Failure::new("SIGNALS", Exit::Bug, format!("cannot take over SIGINT and SIGTERM: {error}")))?;
    let bench = Bench { auditor: &auditor, wanted, stop, tray: Mutex::default() };
    std::thread::scope(|scope| {
        for encoder in &encoders {
            let bench = &bench;
            scope.spawn(move || bench.work(encoder));
        }
    });
    bench.result()
}

/// The encoders' common work.
struct Bench<'a> {
    auditor: &'a CardAuditor,
    wanted: u64,
    stop: StopSignal,
    tray: Mutex<Tray>,
}

/// What became of the cards so far.
#[derive(Default)]
struct Tray {
    in_hand: u64,
    seen: HashSet<String>,
    failed: Option<Failure>,
}

impl Tray {
    fn seen(&self) -> u64 {
        u64::try_from(self.seen.len()).unwrap_or(u64::MAX)
    }
}

impl Bench<'_> {
    fn tray(&self) -> MutexGuard<'_, Tray> {
        // A panic elsewhere leaves a plain set, which stays true.
        self.tray.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, encoder: &Encoder) {
        while !self.is_over() {
            match encoder.insert(INSERT_WAIT) {
                Ok(Some(card)) if self.take() => self.audit(encoder, card),
                // Enough cards are in hand: this one stays where it is.
                Ok(_) => {}
                Err(error) => output::note(&format!("{}: {error}", encoder.name())),
            }
        }
    }

    fn is_over(&self) -> bool {
        let tray = self.tray();
        self.stop.is_set() || tray.seen() >= self.wanted || tray.failed.is_some()
    }

    fn take(&self) -> bool {
        let mut tray = self.tray();
        let wanted = tray.seen() + tray.in_hand < self.wanted;
        tray.in_hand += u64::from(wanted);
        wanted
    }

    fn audit(&self, encoder: &Encoder, mut card: EncoderCard<'_>) {
        let audited = self.auditor.audit(&mut card);
        let mut tray = self.tray();
        tray.in_hand -= 1;
        match audited {
            Ok(audited) => {
                card.eject();
                let IssuedCard { serial, kdd, .. } = audited.card;
                output::line(&format!(
                    "{}: serial {serial}, chip {kdd}: every key opens, every file is as issued ({} commands)",
                    encoder.name(),
                    audited.commands
                ));
                tray.seen.insert(kdd);
            }
            Err(error) => {
                let chip = error.kdd.map_or_else(String::new, |kdd| format!(", chip {kdd}"));
                tray.failed.get_or_insert(failure::of(*error.error).at(format!("{}{chip}", encoder.name())));
            }
        }
    }

    fn result(self) -> Result<u64, Failure> {
        let tray = self.tray.into_inner().unwrap_or_else(PoisonError::into_inner);
        let seen = tray.seen();
        match tray.failed {
            Some(failure) => Err(failure),
            None if seen < self.wanted => Err(Failure::new(
                "VERIFY_STOPPED",
                Exit::Stopped,
                format!("stopped after {seen} of {} cards", self.wanted),
            )),
            None => Ok(seen),
        }
    }
}
