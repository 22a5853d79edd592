//! `verify`: a delivery checked as a stranger would, cards in hand held against it, or a job's journal and accounts.

use super::run::listen;
use crate::audit::auditor;
use crate::cli::{CardCount, Verify};
use crate::delivery::{self, Manifest, file};
use crate::failure;
use crate::peers;
use crate::site::{Site, mixed};
use fuda_cli::{Exit, Failure, Globals, StopSignal, output};
use fuda_issuance::journal::IssuedCard;
use fuda_issuance::{CardAuditor, Journal};
use fuda_terminal::{Encoder, EncoderCard};
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
    if is_delivery(&args.what) { delivery(globals, args) } else { job(globals, args, &args.what.to_string_lossy()) }
}

/// A folder with any file of a delivery in it; a folder that only happens to be called like a job is not meant.
fn is_delivery(path: &Path) -> bool {
    let files = [file::MANIFEST, file::SUMS, file::CARDS_CSV, file::SIGNATURE];
    files.iter().any(|name| path.join(name).exists())
}

fn job(globals: &Globals, args: &Verify, id: &str) -> Result<Exit, Failure> {
    if args.from.is_some() {
        let what = format!("{id} is no delivery, so nobody signed it");
        return Err(
            Failure::new("USAGE", Exit::Usage, what).remedy("name the folder of a delivery, or leave out --from")
        );
    }
    let site = Site::open(globals)?;
    let journal = Journal::open(&site.store, id).map_err(failure::of)?;
    journal.check_chain().map_err(failure::of)?;
    let accounts = journal.accounts().map_err(failure::of)?;
    let entries = journal.job().entries;
    output::line(&format!("job {id}: {entries} journal entries follow from each other; the accounts balance"));
    let audited = match args.cards {
        Some(count) => cards(args, &site, journal, &Lot { of: Of::Job, cards: accounts.good }, count)?,
        None => 0,
    };
    if globals.json {
        output::json(&json!({ "job": id, "journal_entries": entries, "accounts": accounts, "cards_audited": audited }));
    }
    Ok(Exit::Done)
}

fn delivery(globals: &Globals, args: &Verify) -> Result<Exit, Failure> {
    let key = match &args.from {
        Some(peer) => Some(peers::receipt_key(&Site::open(globals)?, peer)?),
        None => None,
    };
    let report = delivery::verify(&args.what, key.as_ref())?;
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
        Some(count) => {
            let site = Site::open(globals)?;
            require_mode(&site, &args.what)?;
            let id = report.order.as_deref().unwrap_or_default();
            let journal = Journal::open(&site.store, id).map_err(failure::of)?;
            let of = Of::Delivery(report.number.unwrap_or_default().into());
            cards(args, &site, journal, &Lot { of, cards: report.cards }, count)?
        }
        None => 0,
    };
    if globals.json {
        output::json(&json!({ "delivery": report, "cards_audited": audited }));
    }
    Ok(Exit::Done)
}

/// The cards that may be put in.
struct Lot {
    of: Of,
    cards: u64,
}

/// What a card must belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    /// Good cards of the job.
    Job,
    /// Cards of the delivery with this number.
    Delivery(i64),
}

/// Audits cards as they are put in, until enough distinct cards of the lot are seen.
fn cards(args: &Verify, site: &Site, journal: Journal, lot: &Lot, count: CardCount) -> Result<u64, Failure> {
    let encoders = listen(site, &args.encoders)?;
    let auditor = auditor(site, journal, None)?;
    let wanted = match count {
        CardCount::Number(number) => number.min(lot.cards),
        CardCount::All => lot.cards,
    };
    let stop = StopSignal::install()
        .map_err(|error| Failure::new("SIGNALS", Exit::Bug, format!("cannot take over SIGINT and SIGTERM: {error}")))?;
    let bench = Bench { auditor: &auditor, of: lot.of, wanted, stop, tray: Mutex::default() };
    std::thread::scope(|scope| {
        for encoder in &encoders {
            let bench = &bench;
            scope.spawn(move || bench.work(encoder));
        }
    });
    bench.result()
}

/// Refuses a delivery of the other mode.
fn require_mode(site: &Site, folder: &Path) -> Result<(), Failure> {
    let manifest: Option<Manifest> =
        std::fs::read(folder.join(file::MANIFEST)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    match manifest {
        Some(manifest) if manifest.facts.mode != site.config.site.mode.into() => {
            Err(mixed("the delivery is of the other mode than the site".to_owned()).at(folder.display().to_string()))
        }
        _ => Ok(()),
    }
}

/// The encoders' common work.
struct Bench<'a> {
    auditor: &'a CardAuditor,
    of: Of,
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

    fn belongs(&self, delivery: Option<i64>) -> bool {
        match self.of {
            Of::Job => true,
            Of::Delivery(number) => delivery == Some(number),
        }
    }

    fn audit(&self, encoder: &Encoder, mut card: EncoderCard<'_>) {
        let audited = self.auditor.audit(&mut card);
        let mut tray = self.tray();
        tray.in_hand -= 1;
        match audited {
            Ok(audited) if !self.belongs(audited.card.delivery) => {
                let what = format!("serial {} is a good card, and in another delivery or in none", audited.card.serial);
                let place = format!("{}, chip {}", encoder.name(), audited.card.kdd);
                tray.failed.get_or_insert(Failure::new("CARD_NOT_IN_DELIVERY", Exit::Reader, what).at(place));
            }
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
