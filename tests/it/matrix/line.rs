//! A line without encoders: the issuer of a job that the real line has made, with the real HSM and database.

use super::reader::{Fault, Reader};
use fuda_card::id::Kdd;
use fuda_card::personalisation::{Plan, Stage};
use fuda_card::profile::Profile;
use fuda_card_sim::crypto::AesKey;
use fuda_card_sim::{Blank, Card};
use fuda_cli::{Source, config};
use fuda_issuance::journal::{Crew, Lease, Rework};
use fuda_issuance::{
    Begun, CardFailure, CardIssuer, FailureClass, Journal, Recipe, RejectReport, Serial, SerialSource, Sight, Station,
};
use fuda_kms::{Hsm, HsmConfig, Place, Registry, TokenConfig};
use fuda_store::Store;
use fuda_tests::program::binary;
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// HSM workers; as many threads keep them busy.
pub(super) const WORKERS: u16 = 2;

/// The issuer and where its chips come from.
pub(super) struct Line {
    issuer: CardIssuer,
    station: Station,
    chips: AtomicU32,
    _lease: Lease,
}

#[derive(Debug)]
struct Numbers;

impl SerialSource for Numbers {
    fn at(&self, position: u64) -> Option<Serial> {
        let serial = format!("{:013}", 8_810_400_000_000 + position);
        Some(Serial { printed: serial.clone(), serial })
    }
}

impl Line {
    /// The line of the site in this folder, for its one job.
    pub(super) fn open(job: &str) -> Self {
        let config = config::parse(&Source::read(Path::new("fuda.toml")).unwrap(), Path::new(".")).unwrap();
        let store = Store::open(&config.store.url).unwrap();
        let registry = Registry::open(store.clone());
        let token = TokenConfig::from_file(&config).unwrap();
        let (workers, place) = (NonZeroU16::new(WORKERS).unwrap(), Place::Processes { program: binary("fuda-kms") });
        let hsm = Hsm::start(&HsmConfig { token, workers, place }, &registry).unwrap();
        let journal = Journal::open(&store, job).unwrap();
        let profile = Profile::parse(include_str!("../../../profiles/membership-1ap.toml")).unwrap();
        let lot = journal.job().order.lot.clone();
        let recipe = Recipe {
            plan: Plan::issue(&profile, Stage::Zeroth..=Stage::First, &lot),
            audit: Plan::audit(&profile, Stage::First, &lot),
            first_stage: profile.first_stage(),
            serials: Arc::new(Numbers),
            audit_every: 1,
            sets: None,
            rework: Rework::Forbidden,
            only: None,
        };
        let (encoder, operator) = ("memory".to_owned(), "tester".to_owned());
        let crew = Crew { operator: operator.clone(), host: "here".to_owned(), encoders: vec![encoder.clone()] };
        let lease = journal.join(&crew).unwrap();
        let station = Station { encoder, operator, line: lease.line().to_owned() };
        Self { issuer: CardIssuer::new(journal, hsm, recipe), station, chips: AtomicU32::new(0), _lease: lease }
    }

    /// A chip that nobody has seen.
    pub(super) fn blank(&self) -> Card {
        let number = self.chips.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let initial = AesKey::from_bytes(b"@ABCDEFGHIJKLMNO").unwrap();
        let mut kdd = [0xA5; 10];
        kdd[6..].copy_from_slice(&number);
        Card::new(Blank::derived(Kdd::new(kdd), &initial).unwrap())
    }

    /// One contact, booked as the line books it. Answers the word for the table and the name of the step that failed.
    pub(super) fn contact(&self, reader: &mut Reader) -> (String, String) {
        let failed = match self.issuer.issue(reader, &self.station, &Sight::default()) {
            Ok(_) => return ("good".to_owned(), String::new()),
            Err(failed) => failed,
        };
        let step = failed.error.step().to_owned();
        if reader.died {
            return ("dead".to_owned(), step);
        }
        (self.book(failed, &step), step)
    }

    fn book(&self, failed: CardFailure, step: &str) -> String {
        let CardFailure { kdd, standing, sent, error } = failed;
        let (class, code, journal) = (error.class(), error.code(), self.issuer.journal());
        match (class, kdd, standing) {
            (FailureClass::Reader, Some(kdd), Begun::Yes) => journal.lose_contact(kdd, code).unwrap(),
            (FailureClass::Reader, ..) => {}
            (FailureClass::Hsm | FailureClass::Store, ..) => panic!("{error}"),
            _ if error.is_counted_already() => return format!("refused {code}"),
            _ => {
                let report = RejectReport { kdd, class, code, step: step.to_owned(), sw: error.status_word(), sent };
                journal.reject(report, &self.station).unwrap();
                return format!("rejected {code}");
            }
        }
        format!("{} {code}", class.as_str())
    }

    /// A good card, and INS of every command that it took.
    pub(super) fn good(&self) -> (Card, Vec<u8>) {
        let mut reader = Reader::with(self.blank(), None, None);
        assert_eq!(self.contact(&mut reader).0, "good");
        let met = reader.met.clone();
        (reader.out().remove(0), met)
    }

    /// A card that was cut off at a command.
    pub(super) fn begun(&self, at: usize, fault: Fault) -> Card {
        let mut reader = Reader::with(self.blank(), Some((at, fault)), None);
        let _ = self.contact(&mut reader);
        reader.out().remove(0)
    }
}
