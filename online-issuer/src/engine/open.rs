//! `open`: from an order's token to the first script, or to the receipt of what was done before.

use super::job::{Job, SALT_BYTES, digest_of};
use super::life_cycle::{JobEvent, JobState, ScriptEvent, ScriptState};
use super::offer::{Begun, Errand, How, blank, offer};
use super::refusal::Refusal;
use super::reply::Place;
use super::script::{Script, Work};
use super::session::{Life, Session};
use super::target::Aim;
use super::turn::{Asked, JobTurn, Right, Stage, Turn};
use super::{Engine, View};
use crate::error::Error;
use crate::id::{OrderToken, random, timed};
use crate::orders::{Bound, Contents, Draft};
use fuda_card::cardscript::{CentreMessage, Open, Outcome, Purpose, Receipt};
use fuda_card::forecast::Carrier;
use fuda_kms::Question;
use fuda_store::Conn;
use fuda_store::clock::stored;
use jiff::SignedDuration;

/// Contacts at which the card proved itself, for one job: a card that is put in so often and never done has a fault that trying does not cure.
pub(crate) const CONTACTS_MAX: u32 = 50;

/// Sessions of one order within [`OPENS_WINDOW`] in which no card proved itself: each costs requests to the HSM and rows. A person with a bad
/// reader has a contact that works now and then; a program in a loop has none.
const OPENS_UNPROVED_MAX: i64 = 30;
/// Time within which they are counted together.
pub(super) const OPENS_WINDOW: SignedDuration = SignedDuration::from_hours(1);

impl Engine {
    /// Answers `open`.
    pub(super) async fn open(
        &self,
        place: Place,
        open: &Open,
        view: View,
        body_sha256: String,
    ) -> Result<String, Error> {
        let says_other = |kdd: &[u8]| !kdd.is_empty() && kdd != view.order.card.as_bytes();
        if open.card.as_ref().is_some_and(|hint| says_other(hint.kdd.as_bytes())) {
            return Err(Refusal::CardOther.into());
        }
        let session = Session {
            sid: place.sid,
            purpose: open.purpose,
            token_sha256: asked(open)?.0,
            job: String::new(),
            locale: place.locale,
            carrier: Carrier::of_atr(open.card.as_ref().map_or(&[], |hint| hint.atr.as_bytes())),
            last_seq: 0,
            life: Life::Open,
        };
        let opening = Opening { engine: self, place, session, view, body_sha256 };
        match (opening.view.aim, open.purpose) {
            (Aim::Shut, _) => opening.look(Work::Shut).await,
            (Aim::Application, Purpose::Read) => opening.look(Work::Read).await,
            (Aim::Application, _) => opening.activate().await,
        }
    }
}

/// The order that a session is opened for, by the hash of its token, and what for.
pub(super) fn asked(open: &Open) -> Result<(String, Purpose), Refusal> {
    if !matches!(open.purpose, Purpose::Activate | Purpose::Read) {
        return Err(Refusal::PurposeNotServed);
    }
    let token: OrderToken = open.order.parse().map_err(|_| Refusal::OrderUnknown)?;
    Ok((token.sha256(), open.purpose))
}

/// Whether another session may begin for the order of a token, by those that were opened since a time.
pub(super) async fn admit(tx: &mut Conn, token_sha256: &str, since: &str) -> Result<(), Error> {
    let unproved = Session::unproved(tx, token_sha256, since).await?;
    if unproved >= OPENS_UNPROVED_MAX { Err(Refusal::OrderTries.into()) } else { Ok(()) }
}

/// A session that is being opened.
struct Opening<'e> {
    engine: &'e Engine,
    place: Place,
    session: Session,
    view: View,
    body_sha256: String,
}

impl Opening<'_> {
    /// A script that has no job.
    async fn look(self, work: Work) -> Result<String, Error> {
        let now = self.engine.now();
        let errand = Errand { target: &self.view.target, job: None, carrier: self.session.carrier };
        let begun = Begun::of(&self.view.target, How::ByCard)?;
        let keys = self.engine.inner.hsm.ask(begun.question()?).await?;
        let offer = offer(self.place, errand, work, (begun, keys), now)?;
        let message = CentreMessage::Script(offer.message);
        let turn = Turn { script: Some(offer.script), ..self.turn(&message, Life::Open)? };
        self.engine.commit(turn, now).await
    }

    async fn activate(mut self) -> Result<String, Error> {
        let now = self.engine.now();
        let known = self.view.job.clone();
        if let Some(job) = known.as_ref().filter(|job| job.state == JobState::Confirmed) {
            self.session.job.clone_from(&job.id);
            let message = self.place.done(Outcome::AlreadyWritten, Some(receipt(job)?), Vec::new());
            return self.engine.commit(self.turn(&message, Life::Ended)?, now).await;
        }
        if let Some(refusal) = self.view.gate {
            return Err(refusal.into());
        }
        if known.as_ref().is_some_and(|job| job.contacts >= CONTACTS_MAX) {
            return Err(Refusal::CardTries.into());
        }
        let begun = Begun::of(&self.view.target, How::ByCard)?;
        let (job, stage, contents, keys) = self.job(known, begun.question()?).await?;
        self.session.job.clone_from(&job.id);
        let is_fresh = self.view.unresolved.is_empty() && matches!(job.state, JobState::Created | JobState::Ready);
        let work = if is_fresh { Work::Write(blank(&self.view.target)) } else { Work::Look };
        let errand = Errand { target: &self.view.target, job: Some((&job, &contents)), carrier: self.session.carrier };
        let offer = offer(self.place, errand, work, (begun, keys), now)?;
        let writes = offer.script.writes();
        let events = events(&job, is_fresh, &offer.script);
        let right = if writes { Right::Reserved } else { Right::Kept };
        let message = CentreMessage::Script(offer.message);
        let turn = Turn {
            job: Some(JobTurn { job, stage, events, receipt: String::new(), proved_contacts: 0 }),
            right,
            script: Some(offer.script),
            scripts: lost(&self.view.unresolved),
            ..self.turn(&message, Life::Open)?
        };
        self.engine.commit(turn, now).await
    }

    /// The job of the order, what it is to put onto the card, and the answer to what the session asks.
    async fn job<K: 'static>(
        &self,
        known: Option<Job>,
        session: Question<K>,
    ) -> Result<(Job, Stage, Contents, K), Error> {
        let (hsm, person) = (&self.engine.inner.hsm, self.view.person()?);
        if let Some(job) = known {
            let (opened, keys) = hsm.ask(job.open(person)?.and(session)).await?;
            let contents = job.contents(person, &opened)?;
            return Ok((job, Stage::GoesOn, contents, keys));
        }
        let draft = Draft::of(&self.view.order, &self.view.target.application, person)?;
        let (said, keys) = hsm.ask(draft.question()?.and(session)).await?;
        let contents = draft.contents(&said)?;
        let id = hex::encode_upper(timed(self.engine.now())?);
        let sealed = hsm.ask(Bound { job: &id, person }.seal(&contents)?).await?;
        let job = self.new_job(id, &contents, hex::encode_upper(sealed))?;
        Ok((job, Stage::New, contents, keys))
    }

    /// A job for what the order is to put onto its card.
    fn new_job(&self, id: String, contents: &Contents, sealed: String) -> Result<Job, Error> {
        let salt: [u8; SALT_BYTES] = random()?;
        let now = stored(self.engine.now());
        let order = &self.view.order;
        Ok(Job {
            id,
            purpose: "activate".to_owned(),
            order: order.id.clone(),
            entitlement: order.entitlement.clone(),
            card: order.card,
            df: order.df.clone(),
            salt,
            digest: digest_of(&salt, contents),
            sealed,
            state: JobState::Created,
            contacts: 0,
            receipt: String::new(),
            created_at: now.clone(),
            changed_at: now,
        })
    }

    /// A turn that does no more than answer.
    fn turn(&self, message: &CentreMessage, life: Life) -> Result<Turn, Error> {
        let asked = Asked {
            session: &self.session,
            stage: Stage::New,
            seq: self.place.seq,
            body_sha256: &self.body_sha256,
            order: &self.view.order,
        };
        Turn::answering(asked, message, life)
    }
}

/// What happens to a job whose session is opened.
fn events(job: &Job, is_fresh: bool, script: &Script) -> Vec<JobEvent> {
    let mut events = Vec::new();
    if is_fresh && job.state == JobState::Created {
        events.push(JobEvent::PassGates);
    }
    if script.writes() {
        events.push(JobEvent::Offer);
    } else if matches!(job.state, JobState::Offered | JobState::Unknown) {
        events.push(JobEvent::Lose);
    }
    events
}

/// Scripts that are at a terminal while another session begins: nobody knows whether they run.
fn lost(unresolved: &[Script]) -> Vec<(Script, ScriptEvent)> {
    let offered = unresolved.iter().filter(|script| script.state == ScriptState::Offered);
    offered.map(|script| (script.clone(), ScriptEvent::Lose)).collect()
}

/// The receipt of a confirmed job.
pub(super) fn receipt(job: &Job) -> Result<Receipt, Error> {
    serde_json::from_str(&job.receipt).map_err(|_| Error::content("a job's receipt"))
}
