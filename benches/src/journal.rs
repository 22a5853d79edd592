//! `store.begin_seal`: what the journal writes for a card, from the intent to the seal, by as many callers as a line has encoders.

use crate::cpu;
use crate::doing::{Doing, failed};
use crate::line::ENCODERS;
use crate::product;
use crate::report::Entry;
use crate::request::Pins;
use crate::rounds::{Scale, median, number};
use crate::site::Site;
use fuda_card::id::{DfName, Kvn};
use fuda_card::personalisation::{Action, Stage};
use fuda_cli::Failure;
use fuda_issuance::journal::{Chip, Intent};
use fuda_issuance::{Journal, NewJob, Rework, Serial, SerialSource, SiteMode, Station};
use fuda_kms::KeyVersion;
use fuda_store::Store;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Transactions of one card: begin, 0th stage, end and seal.
const TRANSACTIONS: f64 = 3.0;

/// The journal's figures.
#[derive(Debug)]
pub struct Measured {
    rate: f64,
    bound: f64,
    commits_per_card: f64,
    /// CPU time of one card, in seconds.
    pub cpu_s: f64,
}

/// A job that is never full, and what its cards need.
#[derive(Debug)]
pub struct Desk {
    journal: Journal,
    station: Station,
    serials: Arc<dyn SerialSource>,
    sets: Vec<(DfName, Kvn, KeyVersion)>,
    next: AtomicU64,
}

#[derive(Debug)]
struct Counter;

impl SerialSource for Counter {
    fn at(&self, position: u64) -> Option<Serial> {
        let serial = format!("77{position:012}");
        Some(Serial { printed: serial.clone(), serial })
    }
}

impl Desk {
    /// A fresh database with one job of the measured product.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(folder: &Path) -> Result<Self, Failure> {
        let store = Store::open(&format!("sqlite:{}/journal.db", folder.display())).doing("open a database")?;
        let (profile, plan) = (product::profile()?, product::plan()?);
        let pins = Pins::first(&plan)?;
        let mut sets = Vec::new();
        for step in plan.steps() {
            if let Action::PutKey(load) = &step.action {
                let set = &load.set;
                sets.push((set.df.clone(), set.kvn, pins.version(set)?));
            }
        }
        let order = NewJob {
            id: "BENCH-JOURNAL".to_owned(),
            order_text: "a measurement".to_owned(),
            order_sha256: "0".repeat(64),
            profile: profile.name().to_owned(),
            profile_sha256: "0".repeat(64),
            first_stage: Stage::Zeroth,
            last_stage: Stage::First,
            quantity: 1_000_000_000,
            spares: 0,
            lot: product::LOT.to_owned(),
            keys: pins.to_map(),
            mode: SiteMode::Test,
            first_article: 0,
        };
        let journal = Journal::open_or_create(&store, order).doing("make a job")?;
        let station = Station {
            encoder: "vpcd:3500".to_owned(),
            operator: "bench".to_owned(),
            line: "BENCH-JOURNAL~1".to_owned(),
        };
        Ok(Self { journal, station, serials: Arc::new(Counter), sets, next: AtomicU64::new(0) })
    }

    /// Writes all that is written for one card.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn card(&self) -> Result<(), Failure> {
        let kdd = product::chip(self.next.fetch_add(1, Ordering::Relaxed));
        let intent = Intent { kdd, chip: Chip::Blank, sets: self.sets.clone(), rework: Rework::Forbidden };
        self.journal.begin(intent, &self.station, &self.serials).doing("begin a card")?;
        self.journal.finish_stage(kdd, Stage::Zeroth).doing("end a stage")?;
        self.journal.finish_and_seal(kdd, &self.station).doing("seal a card")
    }
}

/// Measures; `commits` is what one caller reaches with the smallest transaction.
///
/// # Errors
/// When the folder cannot be written.
pub fn measure(site: &Site, scale: Scale, commits: f64) -> Result<Measured, Failure> {
    let desk = Desk::open(site.folder())?;
    let (mut rates, mut cpus) = (Vec::new(), Vec::new());
    for _ in 0..scale.rounds() {
        let (since, before, first) = (Instant::now(), cpu::own(), desk.next.load(Ordering::Relaxed));
        let caller = || {
            while since.elapsed() < scale.round() {
                desk.card()?;
            }
            Ok::<_, Failure>(())
        };
        std::thread::scope(|scope| {
            let callers: Vec<_> = (0..ENCODERS).map(|_| scope.spawn(caller)).collect();
            callers.into_iter().try_for_each(|c| c.join().unwrap_or_else(|_| Err(failed("panic".to_owned()))))
        })?;
        let cards = number(desk.next.load(Ordering::Relaxed) - first);
        rates.push(cards / since.elapsed().as_secs_f64());
        cpus.push((cpu::own() - before).as_secs_f64() / cards);
    }
    let metrics = desk.journal.store().metrics();
    Ok(Measured {
        rate: median(&rates),
        bound: f64::from(ENCODERS) * commits / TRANSACTIONS,
        commits_per_card: number(metrics.commits) / number(desk.next.into_inner()),
        cpu_s: median(&cpus),
    })
}

impl Measured {
    /// The entry.
    #[must_use]
    pub fn entry(&self) -> Entry {
        Entry {
            name: "store.begin_seal",
            value: self.rate,
            unit: "cards/s",
            bound: Some(self.bound),
            note: format!(
                "{ENCODERS} callers, {TRANSACTIONS} transactions per card in {:.2} commits; bound: callers × store.sqlite.commits ÷ transactions",
                self.commits_per_card
            ),
        }
    }
}
