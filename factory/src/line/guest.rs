//! Chips that were begun in another job of the store: whichever line meets one finishes it, for its own job.

use super::Outcome;
use fuda_card::personalisation::Plan;
use fuda_issuance::{
    CardIssuer, Crew, Error, FailureClass, Journal, Recipe, RejectReport, Rework, Serial, SerialSource, Sight, Station,
    profiles,
};
use fuda_kms::{Hsm, KeyName};
use fuda_store::Store;
use fuda_terminal::EncoderCard;
use std::path::PathBuf;
use std::sync::Arc;

/// What a line needs to know of other jobs.
#[derive(Debug)]
pub struct Guests {
    /// The store of all jobs.
    pub store: Store,
    /// The HSM of the site.
    pub hsm: Hsm,
    /// Folders in which profiles are sought.
    pub folders: [PathBuf; 2],
}

/// A guest has its serial already.
#[derive(Debug)]
struct NoMoreSerials;

impl SerialSource for NoMoreSerials {
    fn at(&self, _: u64) -> Option<Serial> {
        None
    }
}

impl Guests {
    /// Finishes a chip of another job that stands in the middle of its work; `None` when that cannot be done here and the chip is left as it
    /// is: it is not begun, its job is held or full, or its profile is not at this line.
    pub(super) fn finish(
        &self,
        job: &str,
        card: &mut EncoderCard<'_>,
        station: &Station,
        sight: &Sight,
    ) -> Option<Outcome> {
        let journal = Journal::open(&self.store, job).ok()?;
        let issuer = self.issuer(&journal)?;
        let crew = Crew { operator: station.operator.clone(), host: String::new(), encoders: Vec::new() };
        let lease = journal.join(&crew).ok()?;
        if lease.claim(1).ok()? == 0 {
            let _ = lease.leave();
            return None;
        }
        let station = Station { line: lease.line().to_owned(), ..station.clone() };
        let issued = issuer.issue(card, &station, sight);
        let outcome = match issued {
            Ok(issued) => Some(Outcome::Guest { job: job.to_owned(), issued }),
            Err(failure) => match (failure.error.class(), failure.kdd) {
                (FailureClass::Reader, Some(kdd)) => {
                    let noted = journal.lose_contact(kdd, &failure.error.to_string());
                    Some(noted.map_or_else(Outcome::Fault, |()| Outcome::Lost(*failure.error)))
                }
                (class @ (FailureClass::Card | FailureClass::Key | FailureClass::Data), kdd)
                    if !matches!(*failure.error, Error::Refused { .. }) =>
                {
                    let report = RejectReport {
                        kdd,
                        class,
                        code: failure.error.code(),
                        step: failure.error.step().to_owned(),
                        sw: failure.error.status_word(),
                        sent: failure.sent,
                    };
                    let noted = journal.reject(report, &station);
                    Some(noted.map_or_else(Outcome::Fault, |()| Outcome::Refused(*failure.error)))
                }
                _ => None,
            },
        };
        let _ = lease.leave();
        outcome
    }

    /// An issuer for a chip of the job that has its serial; none for cards whose recovery sets only the order's own line has.
    fn issuer(&self, journal: &Journal) -> Option<CardIssuer> {
        let order = &journal.job().order;
        journal.require_go().ok()?;
        if order.keys.contains_key(&KeyName::Recovery) {
            return None;
        }
        let [first, second] = &self.folders;
        let profile = profiles::named(&order.profile, first, second).ok()?;
        if hex::encode_upper(profile.hash()) != order.profile_sha256 {
            return None;
        }
        let recipe = Recipe {
            plan: Plan::issue(&profile, order.first_stage..=order.last_stage, &order.lot),
            audit: Plan::audit(&profile, order.last_stage, &order.lot),
            first_stage: profile.first_stage(),
            serials: Arc::new(NoMoreSerials),
            audit_every: 0,
            sets: None,
            rework: Rework::Forbidden,
            only: None,
        };
        Some(CardIssuer::new(journal.clone(), self.hsm.clone(), recipe))
    }
}
