//! Bringing one card from wherever it stands to sealed: first contact, the script, the journal around it, the checks at the end.

use crate::blame::{Told, judge};
use crate::contact::{self, Contact};
use crate::delivery::SetCounter;
use crate::error::{Error, FailureClass};
use crate::journal::{Assignment, Chip, Intent, Journal, Refusal, Rework, Sent, SerialSource, Station};
use crate::key_plan::KeyPlan;
use crate::sight::Sight;
use crate::transport::Wire;
use crate::walk::{Purpose, Route, Watch, walk};
use fuda_card::apdu::Command;
use fuda_card::id::{DfName, Kdd, Kvn};
use fuda_card::key_name::KeyName;
use fuda_card::personalisation::{Action, ChannelId, Evidence, Plan, Stage};
use fuda_card::scp03::SequenceCounter;
use fuda_card::script::Standing;
use fuda_card::transport::{Transport, TransportCode};
use fuda_kms::sets::SetsFile;
use fuda_kms::{Hsm, KeyVersion};
use std::fmt;
use std::sync::Arc;

/// Issues the cards of one job, from any number of threads.
pub struct CardIssuer {
    journal: Journal,
    hsm: Hsm,
    plan: Arc<Plan>,
    audit: Arc<Plan>,
    first_stage: Stage,
    serials: Arc<dyn SerialSource>,
    audit_every: u64,
    sets: Option<Arc<SetsFile>>,
    rework: Rework,
    only: Option<Kdd>,
}

/// What an issuer works by.
#[derive(Debug)]
pub struct Recipe {
    /// The steps of the job's stages.
    pub plan: Plan,
    /// Re-reads all that the plan leaves on a card.
    pub audit: Plan,
    /// The first stage that the profile has anything for: what a blank chip has before it.
    pub first_stage: Stage,
    /// The serials of the order.
    pub serials: Arc<dyn SerialSource>,
    /// Every so many cards one is audited; 0: only those that were interrupted.
    pub audit_every: u64,
    /// The recovery sets of the order's cards, where the profile wants one on each.
    pub sets: Option<Arc<SetsFile>>,
    /// Whether chips may come back from the reject bin.
    pub rework: Rework,
    /// The only chip to be worked on.
    pub only: Option<Kdd>,
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
    /// What may have reached it under the serial.
    pub sent: Sent,
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
        let Recipe { plan, audit, first_stage, serials, audit_every, sets, rework, only } = recipe;
        let (plan, audit) = (Arc::new(plan), Arc::new(audit));
        Self { journal, hsm, plan, audit, first_stage, serials, audit_every, sets, rework, only }
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

    /// The steps of the job's stages.
    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Whether chips may come back from the reject bin.
    pub(crate) const fn rework(&self) -> Rework {
        self.rework
    }

    /// Brings one card from wherever it stands to sealed; `sight` shows how far it is.
    ///
    /// # Errors
    /// [`CardFailure`]: the class of its error says whether the chip, the encoder or the line is at fault. The caller tells the journal.
    pub fn issue<T: Transport<Error: TransportCode>>(
        &self,
        transport: &mut T,
        station: &Station,
        sight: &Sight,
    ) -> Result<Issued, CardFailure> {
        let (chip, told, sent) = (Chip::Blank, Told::default(), Sent::Nothing);
        let mut course =
            Course { issuer: self, station, sight, chip, told, assignment: None, sent, counters: Vec::new() };
        let mut wire = Wire::new(transport).shown_on(sight);
        course.run(&mut wire).map_err(|error| {
            let error = judge(&mut wire, self.plan.root(), &mut course.told, error);
            let error = Box::new(course.asked(error));
            let standing = if course.assignment.is_some() { Begun::Yes } else { Begun::No };
            CardFailure { kdd: course.told.kdd, standing, sent: course.sent, error }
        })
    }

    /// The key sets that the plan may leave on a card, with their versions. A blank chip that came with a set of ours carries that
    /// one too until the plan is through.
    fn key_sets(&self, chip: Chip) -> Result<Vec<(DfName, Kvn, KeyVersion)>, Error> {
        let keys = KeyPlan::pinned(&self.journal.job().order.keys);
        let came_with = self.plan.steps().first().map(|step| &step.channel);
        let came_with = came_with.filter(|set| chip == Chip::Blank && set.key != KeyName::Initial.to_string());
        let loaded = self.plan.steps().iter().filter_map(|step| match &step.action {
            Action::PutKey(load) => Some(&load.set),
            _ => None,
        });
        let sets = came_with.into_iter().chain(loaded);
        sets.map(|set| Ok((set.df.clone(), set.kvn, keys.version(set)?))).collect()
    }

    /// Whether the card is as the chips of this job come, and what the journal is to make of it.
    fn chip(&self, evidence: &Evidence) -> Chip {
        let is_blank = evidence.is_blank(self.plan.root().blank);
        if is_blank && self.journal.job().order.first_stage == self.first_stage { Chip::Blank } else { Chip::Begun }
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
    sight: &'a Sight,
    chip: Chip,
    told: Told,
    assignment: Option<Assignment>,
    sent: Sent,
    /// Counters that the key sets of the card have proved in an audit.
    counters: Vec<SetCounter>,
}

/// Instructions that leave a card as it is: SELECT, INITIALIZE UPDATE, EXTERNAL AUTHENTICATE, the GETs and READs.
const HARMLESS: [u8; 6] = [0xA4, 0x50, 0x82, 0xCA, 0xB0, 0xB2];

impl Course<'_> {
    /// On a run for one chip, whatever is wrong with another one does not matter.
    fn asked(&self, error: Error) -> Error {
        match (self.issuer.only, self.told.kdd, error.class()) {
            (Some(wanted), found, FailureClass::Card | FailureClass::Key) if found != Some(wanted) => {
                Error::Refused { refusal: Refusal::NotAsked { wanted } }
            }
            _ => error,
        }
    }

    fn run<T: Transport<Error: TransportCode>>(&mut self, wire: &mut Wire<'_, T>) -> Result<Issued, Error> {
        let issuer = self.issuer;
        let evidence = match contact::read(wire, issuer.plan.root())? {
            Contact::Stands(evidence) => evidence,
            Contact::Other { kind, kdd } => {
                self.told.kdd = kdd;
                let refusal = Refusal::OtherKind { wanted: issuer.plan.root().system, found: kind };
                return Err(Error::Refused { refusal });
            }
        };
        self.told.evidence = Some(evidence.clone());
        self.chip = issuer.chip(&evidence);
        let standing = if self.chip == Chip::Blank { Standing::New } else { Standing::Begun };
        let from = issuer.plan.resume_at(&evidence);
        self.require_set(wire, &evidence, from)?;
        let complete = from == issuer.plan.steps().len();
        let mut hsm_calls = 0;
        if !complete {
            let (plan, sets) = (Arc::clone(&issuer.plan), issuer.sets.clone());
            let route = Route { plan, from, standing, purpose: Purpose::Issue, sets };
            hsm_calls += walk(wire, &issuer.hsm, &route, self)?;
        }
        if complete || self.wants_audit() {
            let (standing, purpose) = (Standing::Begun, Purpose::Audit);
            let route = Route { plan: Arc::clone(&issuer.audit), from: 0, standing, purpose, sets: None };
            // The sets that the audit opens are those that stay.
            self.counters.clear();
            hsm_calls += walk(wire, &issuer.hsm, &route, self)?;
            if let Some(kdd) = self.told.kdd {
                issuer.journal.note_counters(kdd, &self.counters)?;
            }
        }
        let (kdd, assignment) = self.told.kdd.zip(self.assignment.clone()).ok_or(Error::EmptyPlan)?;
        if !complete && self.wants_audit() {
            issuer.journal.seal(kdd, self.station)?;
        } else {
            issuer.journal.finish_and_seal(kdd, self.station)?;
        }
        Ok(Issued { kdd, serial: assignment.serial, commands: wire.commands(), hsm_calls })
    }

    /// Refuses a card without the set that its next step is done under, before anything is asked of it in vain.
    fn require_set<T: Transport<Error: TransportCode>>(
        &mut self,
        wire: &mut Wire<'_, T>,
        evidence: &Evidence,
        from: usize,
    ) -> Result<(), Error> {
        let plan = &self.issuer.plan;
        let Some(next) = plan.steps().get(from) else { return Ok(()) };
        let asked = next.channel.kvn;
        if next.channel.df != plan.root().df || evidence.key_sets.contains(&asked) {
            return Ok(());
        }
        self.told.kdd = contact::any_identity(wire)?;
        Err(Error::Refused { refusal: Refusal::NoKeySet { asked, found: evidence.key_sets.clone() } })
    }

    /// Interrupted cards are always audited, the others one in so many by their place in the order.
    fn wants_audit(&self) -> bool {
        let every = self.issuer.audit_every;
        self.assignment.as_ref().is_some_and(|card| card.attempt > 1 || (every > 0 && card.position % every == 0))
    }
}

impl Watch for Course<'_> {
    /// A chip with its maker's set can only get the job's pins; any other may carry what its record says.
    fn keys(&mut self, kdd: Kdd) -> Result<KeyPlan<'_>, Error> {
        let before = *self.told.kdd.get_or_insert(kdd);
        if before != kdd {
            // What becomes of the contact is said of the chip that it began with.
            return Err(Error::CardSwapped { before, after: kdd });
        }
        match self.chip {
            Chip::Blank if self.issuer.first_stage == Stage::Zeroth => {
                Ok(KeyPlan::pinned(&self.issuer.journal.job().order.keys))
            }
            _ => KeyPlan::recorded(&self.issuer.journal, kdd),
        }
    }

    /// Binds the chip once it has proved itself, before anything is written.
    fn proved(&mut self, kdd: Kdd) -> Result<(), Error> {
        let issuer = self.issuer;
        match issuer.only {
            Some(wanted) if wanted != kdd => return Err(Error::Refused { refusal: Refusal::NotAsked { wanted } }),
            _ => {}
        }
        if self.assignment.is_none() {
            let intent = Intent { kdd, chip: self.chip, sets: issuer.key_sets(self.chip)?, rework: issuer.rework };
            let assignment = issuer.journal.begin(intent, self.station, &issuer.serials)?;
            self.sight.of_serial(&assignment.serial);
            self.assignment = Some(assignment);
        }
        Ok(())
    }

    fn opened(&mut self, channel: &ChannelId, counter: Option<SequenceCounter>) {
        let counter =
            counter.map(|counter| SetCounter { df: channel.df.clone(), kvn: channel.kvn, counter: counter.to_u32() });
        self.counters.extend(counter);
    }

    fn sending(&mut self, command: &Command) {
        if self.assignment.is_some() && !HARMLESS.contains(&command.ins) {
            self.sent = Sent::Something;
        }
    }

    /// The last stage is recorded by the seal when nothing comes between the two: one transaction less to wait for.
    fn stage_done(&mut self, stage: Stage) -> Result<(), Error> {
        if stage == self.issuer.journal.job().order.last_stage && !self.wants_audit() {
            return Ok(());
        }
        self.told.kdd.map_or(Ok(()), |kdd| self.issuer.journal.finish_stage(kdd, stage))
    }
}
