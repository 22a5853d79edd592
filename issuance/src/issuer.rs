//! Bringing one card from wherever it stands to sealed: first contact, the script, the journal around it, the checks at the end.

use crate::contact;
use crate::error::Error;
use crate::journal::{Assignment, Chip, Journal, SerialSource, Station};
use crate::key_plan::KeyPlan;
use crate::transport::{TransportCode, Wire};
use crate::walk::{Purpose, Route, Watch, walk};
use fuda_card::id::{DfName, Kdd, Kvn};
use fuda_card::personalisation::{Action, Plan, Stage};
use fuda_card::script::Standing;
use fuda_card::transport::Transport;
use fuda_kms::{Hsm, KeyVersion};
use std::fmt;
use std::sync::Arc;

/// Issues the cards of one job, from any number of threads.
pub struct CardIssuer {
    journal: Journal,
    hsm: Hsm,
    plan: Arc<Plan>,
    audit: Arc<Plan>,
    serials: Arc<dyn SerialSource>,
    audit_every: u64,
}

/// What an issuer works by.
#[derive(Debug)]
pub struct Recipe {
    /// The steps of the job's stages.
    pub plan: Plan,
    /// Re-reads all that the plan leaves on a card.
    pub audit: Plan,
    /// The serials of the order.
    pub serials: Arc<dyn SerialSource>,
    /// Every so many cards one is audited; 0: only those that were interrupted.
    pub audit_every: u64,
}

/// A card that is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The chip.
    pub kdd: Kdd,
    /// Its serial.
    pub serial: String,
    /// Commands sent to it.
    pub commands: u32,
    /// PKCS#11 functions called for it.
    pub hsm_calls: u32,
}

/// A card that is not good, and the chip if it told its identity.
#[derive(Debug)]
pub struct CardFailure {
    /// The chip, as it calls itself: a chip that failed its cryptogram may lie.
    pub kdd: Option<Kdd>,
    /// Whether its serial and intent are durable.
    pub standing: Begun,
    /// What went wrong.
    pub error: Box<Error>,
}

/// Whether the journal holds an intent for a chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// It does.
    Yes,
    /// Nothing was sent that changes the chip.
    No,
}

impl CardIssuer {
    /// An issuer for a job.
    #[must_use]
    pub fn new(journal: Journal, hsm: Hsm, recipe: Recipe) -> Self {
        let Recipe { plan, audit, serials, audit_every } = recipe;
        Self { journal, hsm, plan: Arc::new(plan), audit: Arc::new(audit), serials, audit_every }
    }

    /// The journal of the job.
    #[must_use]
    pub const fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The HSM that serves the job.
    #[must_use]
    pub const fn hsm(&self) -> &Hsm {
        &self.hsm
    }

    /// Brings one card from wherever it stands to sealed.
    ///
    /// # Errors
    /// [`CardFailure`]: the class of its error says whether the chip, the encoder or the line is at fault. The caller tells the journal.
    pub fn issue<T: Transport<Error: TransportCode>>(
        &self,
        transport: &mut T,
        station: &Station,
    ) -> Result<Issued, CardFailure> {
        let mut course = Course { issuer: self, station, chip: Chip::Blank, kdd: None, assignment: None };
        course.run(&mut Wire::new(transport)).map_err(|error| CardFailure {
            kdd: course.kdd,
            standing: if course.assignment.is_some() { Begun::Yes } else { Begun::No },
            error: Box::new(error),
        })
    }

    /// The key sets that the plan may leave on a card, with their versions.
    fn key_sets(&self) -> Result<Vec<(DfName, Kvn, KeyVersion)>, Error> {
        let keys = KeyPlan::pinned(&self.journal.job().order.keys);
        let sets = self.plan.steps().iter().filter_map(|step| match &step.action {
            Action::PutKey(set) => Some(set),
            _ => None,
        });
        sets.map(|set| Ok((set.df.clone(), set.kvn, keys.version(set)?))).collect()
    }
}

impl fmt::Debug for CardIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CardIssuer(job {})", self.journal.job().order.id)
    }
}

/// One card's way through one contact.
struct Course<'a> {
    issuer: &'a CardIssuer,
    station: &'a Station,
    chip: Chip,
    kdd: Option<Kdd>,
    assignment: Option<Assignment>,
}

impl Course<'_> {
    fn run<T: Transport<Error: TransportCode>>(&mut self, wire: &mut Wire<'_, T>) -> Result<Issued, Error> {
        let issuer = self.issuer;
        let evidence = contact::read(wire)?;
        let standing = if evidence.is_blank() { Standing::New } else { Standing::Begun };
        self.chip = if evidence.is_blank() { Chip::Blank } else { Chip::Begun };
        let from = issuer.plan.resume_at(&evidence);
        let complete = from == issuer.plan.steps().len();
        let mut hsm_calls = 0;
        if !complete {
            let route = Route { plan: Arc::clone(&issuer.plan), from, standing, purpose: Purpose::Issue };
            hsm_calls += walk(wire, &issuer.hsm, &route, self)?;
        }
        if complete || self.wants_audit() {
            let route =
                Route { plan: Arc::clone(&issuer.audit), from: 0, standing: Standing::Begun, purpose: Purpose::Audit };
            hsm_calls += walk(wire, &issuer.hsm, &route, self)?;
        }
        let (kdd, assignment) = self.kdd.zip(self.assignment.clone()).ok_or(Error::EmptyPlan)?;
        if !complete && self.wants_audit() {
            issuer.journal.seal(kdd)?;
        } else {
            issuer.journal.finish_and_seal(kdd)?;
        }
        Ok(Issued { kdd, serial: assignment.serial, commands: wire.commands(), hsm_calls })
    }

    /// Interrupted cards are always audited, the others one in so many by their place in the order.
    fn wants_audit(&self) -> bool {
        let every = self.issuer.audit_every;
        self.assignment.as_ref().is_some_and(|card| card.attempt > 1 || (every > 0 && card.position % every == 0))
    }
}

impl Watch for Course<'_> {
    /// A blank chip can only get the job's pins; any other may carry what its record says.
    fn keys(&mut self, kdd: Kdd) -> Result<KeyPlan<'_>, Error> {
        match self.kdd.replace(kdd) {
            Some(before) if before != kdd => return Err(Error::CardSwapped { before, after: kdd }),
            _ => {}
        }
        match self.chip {
            Chip::Blank => Ok(KeyPlan::pinned(&self.issuer.journal.job().order.keys)),
            Chip::Begun => KeyPlan::recorded(&self.issuer.journal, kdd),
        }
    }

    /// Binds the chip once it has proved itself, before anything is written.
    fn proved(&mut self, kdd: Kdd) -> Result<(), Error> {
        if self.assignment.is_none() {
            let issuer = self.issuer;
            self.assignment =
                Some(issuer.journal.begin(kdd, self.chip, self.station, &issuer.serials, issuer.key_sets()?)?);
        }
        Ok(())
    }

    /// The last stage is recorded by the seal when nothing comes between the two: one transaction less to wait for.
    fn stage_done(&mut self, stage: Stage) -> Result<(), Error> {
        if stage == self.issuer.journal.job().order.last_stage && !self.wants_audit() {
            return Ok(());
        }
        self.kdd.map_or(Ok(()), |kdd| self.issuer.journal.finish_stage(kdd, stage))
    }
}
