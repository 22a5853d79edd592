//! `result`: what the card provably did, and what follows from it.

use super::hsm::Keying;
use super::judge::{Judged, Next, answers, as_foretold, keying};
use super::life_cycle::{JobEvent, JobState, ScriptEvent, ScriptState};
use super::offer::{Begun, Errand, How, Offer, offer};
use super::open::receipt;
use super::refusal::Refusal;
use super::reply::Place;
use super::scene::Returned;
use super::script::{Script, Work};
use super::session::{Life, Session};
use super::show;
use super::shut::Shutting;
use super::target::Target;
use super::turn::{Asked, JobTurn, Proved, Right, Stage, Turn};
use super::{Engine, Job, View, receipt as receipts};
use crate::error::Error;
use crate::orders::Contents;
use fuda_card::cardscript::{CentreMessage, Outcome, Purpose, ScriptResult};
use fuda_card::personalisation::update::Found;
use fuda_card::script::Reading;
use fuda_kms::{KeyName, KeyVersion, Plain, Question};
use fuda_store::clock::stored;
use jiff::Timestamp;

/// Scripts of one session: a look, the work, and a fall-back of each, twice.
const SCRIPTS_PER_SESSION_MAX: u32 = 8;

impl Engine {
    /// Answers `result`.
    pub(super) async fn result(
        &self,
        place: Place,
        returned: Returned,
        result: &ScriptResult,
        body_sha256: String,
    ) -> Result<String, Error> {
        let mut course = Course::of(self, place, returned, body_sha256);
        // Two of the staff may have given the job up meanwhile: what its scripts do is nobody's any more.
        let is_given_up = !course.script.job.is_empty() && course.job.is_none();
        if is_given_up || matches!(course.script.state, ScriptState::Dead | ScriptState::Confirmed) {
            return course.overtaken().await;
        }
        let answers = answers(result)?;
        if let Some(judged) = as_foretold(&course.script, &course.view.target, &answers) {
            return course.settle(judged).await;
        }
        let keying = keying(&course.script, &course.view.target)?;
        let keys = keying.as_ref().map(Keying::question).transpose()?;
        if course.unconfirmed().is_some() {
            course.view.person = self.person(&course.view.order.member).await?;
        }
        let bound = course.unconfirmed().map(|job| job.open(course.view.person()?)).transpose()?;
        let (opened, keys) = self.inner.hsm.ask(Question::optional(bound).and(Question::optional(keys))).await?;
        let supplies = keying.zip(keys).map(|(keying, keys)| keying.supplies(keys)).transpose()?;
        course.contents = course.bound(opened)?;
        let judged = self.judge(&course.script, course.errand(), supplies, answers, result.end).await?;
        course.settle(judged).await
    }

    /// Answers `cancel`.
    pub(super) async fn cancel(&self, place: Place, returned: Returned, body_sha256: String) -> Result<String, Error> {
        let course = Course::of(self, place, returned, body_sha256);
        if course.script.writes() {
            return course.refuse(Refusal::ContactCancelled, None).await;
        }
        let message = place.done(Outcome::Cancelled, None, Vec::new());
        let turn = Turn { scripts: course.ended(ScriptEvent::Abandon, None), ..course.turn(&message, Life::Ended)? };
        self.commit(turn, course.now).await
    }
}

/// One result on its way to an answer.
struct Course<'e> {
    engine: &'e Engine,
    place: Place,
    session: Session,
    view: View,
    job: Option<Job>,
    contents: Contents,
    script: Script,
    /// Scripts that the session was given.
    given: u32,
    receipt_key: Option<KeyVersion>,
    body_sha256: String,
    now: Timestamp,
}

impl<'e> Course<'e> {
    fn of(engine: &'e Engine, place: Place, returned: Returned, body_sha256: String) -> Self {
        let Returned { session, script, given, view, receipt_key } = returned;
        let job = view.job.clone().filter(|job| job.id == session.job);
        let (contents, now) = (Contents::new(), engine.now());
        Self { engine, place, session, view, job, contents, script, given, receipt_key, body_sha256, now }
    }

    /// The job, when what it is to write matters still.
    fn unconfirmed(&self) -> Option<&Job> {
        self.job.as_ref().filter(|job| job.state != JobState::Confirmed)
    }

    /// What is to stand on the card, from what was opened; nothing where nothing more is written.
    fn bound(&self, opened: Option<Plain>) -> Result<Contents, Error> {
        match self.unconfirmed().zip(opened) {
            Some((job, opened)) => job.contents(self.view.person()?, &opened),
            None => Ok(Contents::new()),
        }
    }

    fn errand(&self) -> Errand<'_> {
        let job = self.job.as_ref().map(|job| (job, &self.contents));
        Errand { target: &self.view.target, job, carrier: self.session.carrier }
    }

    async fn settle(mut self, judged: Judged) -> Result<String, Error> {
        let Judged { proved, next } = judged;
        if let Some(proved) = &proved {
            let target = &mut self.view.target;
            (target.counter, target.challenge) = (target.counter.max(proved.counter), proved.source);
        }
        match next {
            Next::Written => self.confirm(Outcome::Written, proved).await,
            Next::Found { found, readings } if self.session.purpose == Purpose::Read => {
                self.show(&found, &readings, proved).await
            }
            Next::Found { found, .. } => self.go_on_from(found, proved).await,
            Next::Introduced { answer } => {
                let host_challenge = self.script.host_challenge;
                let how = How::GoesOn { host_challenge, answer };
                match self.script.work.clone() {
                    // Another session was given a script since this one asked the card: whether it ran is to be read first.
                    Work::Write(_) if self.is_at_stake() => {
                        self.offer(Work::Look, how, ScriptEvent::Prove, &[JobEvent::Lose], proved).await
                    }
                    work => self.offer(work, how, ScriptEvent::Prove, &[], proved).await,
                }
            }
            Next::Elsewhere => self.fall_back(proved).await,
            Next::LookAgain => self.offer(Work::Look, How::ByCard, ScriptEvent::Lose, &[JobEvent::Lose], proved).await,
            Next::Refuse(refusal) => self.refuse(refusal, proved).await,
            Next::Shut => {
                let message = self.place.problem(Refusal::CardBlocked);
                let scripts = self.ended(ScriptEvent::Prove, proved.as_ref());
                let turn = Turn { scripts, proved, shut: Some(Shutting::Done), ..self.turn(&message, Life::Ended)? };
                self.engine.commit(turn, self.now).await
            }
            Next::Copied => {
                let message = self.place.problem(Refusal::CardCopied);
                let scripts = self.ended(self.given_up(), None);
                let job = self.job_turn(self.lose(), None);
                let block = Some("the card answered with a count that the true card has passed");
                let turn = Turn { scripts, job, block, ..self.turn(&message, Life::Ended)? };
                self.engine.commit(turn, self.now).await
            }
        }
    }

    /// The card proved that it has it all.
    async fn confirm(self, outcome: Outcome, proved: Option<Proved>) -> Result<String, Error> {
        const WITHOUT: Error = Error::Fault { what: "a card was written without a job" };
        let job = self.job.clone().ok_or(WITHOUT)?;
        let now = stored(self.now);
        let inner = &self.engine.inner;
        let receipt = match job.state {
            JobState::Confirmed => receipt(&job)?,
            _ => {
                let name = KeyName::Receipt;
                let key = self.receipt_key.clone().ok_or(fuda_kms::Error::NoActiveVersion { name })?;
                receipts::sign(&inner.hsm, key, &inner.site, &job, &now).await?
            }
        };
        let kept = serde_json::to_string(&receipt).map_err(|_| Error::Fault { what: "a receipt is no JSON" })?;
        let is_new = job.state != JobState::Confirmed;
        let message = self.place.done(outcome, Some(receipt), Vec::new());
        let job = is_new.then(|| JobTurn {
            receipt: kept,
            ..JobTurn::new(job, vec![JobEvent::Prove], u32::from(proved.is_some()))
        });
        let right = if is_new { Right::Consumed } else { Right::Kept };
        let scripts = self.ended(ScriptEvent::Prove, proved.as_ref());
        let turn = Turn { job, right, scripts, proved, ..self.turn(&message, Life::Ended)? };
        self.engine.commit(turn, self.now).await
    }

    /// What the card holds goes to its owner's eyes.
    async fn show(self, found: &Found, readings: &[Reading], proved: Option<Proved>) -> Result<String, Error> {
        let contents = found.contents(&self.view.target.application, readings);
        let shown = contents.iter().flat_map(|(wef, content)| show::fields(wef, content)).collect();
        let message = self.place.done(Outcome::Read, None, shown);
        let scripts = self.ended(ScriptEvent::Prove, proved.as_ref());
        let turn = Turn { scripts, proved, ..self.turn(&message, Life::Ended)? };
        self.engine.commit(turn, self.now).await
    }

    /// Whatever was sent before cannot run any more, and the card says how far it came.
    async fn go_on_from(self, found: Found, proved: Option<Proved>) -> Result<String, Error> {
        match self.errand().remaining(&found) {
            Ok(plan) if plan.steps().is_empty() => self.confirm(Outcome::AlreadyWritten, proved).await,
            Ok(_) => {
                let work = Work::Write(found);
                self.offer(work, How::ByCard, ScriptEvent::Prove, &[JobEvent::FindUndone], proved).await
            }
            Err(Error::Refused(refusal)) => {
                let message = self.place.problem(refusal);
                let holds_other = refusal == Refusal::ApplicationInUse;
                let events = if holds_other { vec![JobEvent::FindUndone, JobEvent::Fail] } else { Vec::new() };
                let right = if holds_other { Right::Released } else { Right::Kept };
                let job = self.job_turn(events, proved.as_ref());
                let scripts = self.ended(ScriptEvent::Prove, proved.as_ref());
                let turn = Turn { job, right, scripts, proved, ..self.turn(&message, Life::Ended)? };
                self.engine.commit(turn, self.now).await
            }
            Err(error) => Err(error),
        }
    }

    /// The card is the right one and its count is elsewhere: nothing was sent under its keys. Another session takes the place of this one.
    async fn fall_back(self, proved: Option<Proved>) -> Result<String, Error> {
        let is_foreseeable = self.view.target.challenge == super::target::ChallengeSource::PseudoRandom;
        match self.script.work.clone() {
            // The records that the script expects on the card guard it, should the first one have run after all.
            Work::Write(found) if is_foreseeable && self.is_offered() => {
                let events = [JobEvent::Replace];
                self.offer(Work::Write(found), How::ByCard, ScriptEvent::Outlive, &events, proved).await
            }
            Work::Write(_) => {
                self.offer(Work::Look, How::ByCard, ScriptEvent::Outlive, &[JobEvent::Lose], proved).await
            }
            work => self.offer(work, How::ByCard, ScriptEvent::Abandon, &[], proved).await,
        }
    }

    /// Whether the job's script is at a terminal, and no other session made a question of it.
    fn is_offered(&self) -> bool {
        self.job.as_ref().is_some_and(|job| job.state == JobState::Offered)
    }

    /// Whether a script of the job is, or may have been, at a terminal.
    fn is_at_stake(&self) -> bool {
        self.job.as_ref().is_some_and(|job| matches!(job.state, JobState::Offered | JobState::Unknown))
    }

    /// Goes on with another script. `event` is what happened to the last one, `events` what happened to the job before the new one.
    async fn offer(
        self,
        work: Work,
        how: How,
        event: ScriptEvent,
        events: &[JobEvent],
        proved: Option<Proved>,
    ) -> Result<String, Error> {
        if self.given >= SCRIPTS_PER_SESSION_MAX {
            return self.refuse(Refusal::CardUnfit, proved).await;
        }
        let begun = Begun::of(&self.view.target, how)?;
        let keys = self.engine.inner.hsm.ask(begun.question()?).await?;
        let Offer { script, message } = offer(self.place, self.errand(), work, (begun, keys), self.now)?;
        let writes = script.writes();
        let mut events = events.to_vec();
        if writes && !events.contains(&JobEvent::Replace) {
            events.push(JobEvent::Offer);
        }
        if writes && self.job.as_ref().is_some_and(|job| job.state.after_all(&events).is_none()) {
            // Another contact went on with the job while this one was away.
            return self.refuse(Refusal::ScriptOvertaken, proved).await;
        }
        let job = self.job_turn(events, proved.as_ref());
        let right = if writes { Right::Reserved } else { Right::Kept };
        let scripts = self.ended(event, proved.as_ref());
        let message = CentreMessage::Script(message);
        let turn = Turn { job, right, scripts, proved, script: Some(script), ..self.turn(&message, Life::Open)? };
        self.engine.commit(turn, self.now).await
    }

    /// The session ends; what the script did is not known.
    async fn refuse(self, refusal: Refusal, proved: Option<Proved>) -> Result<String, Error> {
        let message = self.place.problem(refusal);
        let job = self.job_turn(self.lose(), proved.as_ref());
        let scripts = self.ended(self.given_up(), proved.as_ref());
        let turn = Turn { job, scripts, proved, ..self.turn(&message, Life::Ended)? };
        self.engine.commit(turn, self.now).await
    }

    /// Another contact resolved the script before its result came.
    async fn overtaken(self) -> Result<String, Error> {
        let confirmed = self.job.as_ref().filter(|job| job.state == JobState::Confirmed);
        let message = match confirmed {
            Some(job) => self.place.done(Outcome::AlreadyWritten, Some(receipt(job)?), Vec::new()),
            None => self.place.problem(Refusal::ScriptOvertaken),
        };
        let turn = self.turn(&message, Life::Ended)?;
        self.engine.commit(turn, self.now).await
    }

    const fn given_up(&self) -> ScriptEvent {
        if self.script.writes() { ScriptEvent::Lose } else { ScriptEvent::Abandon }
    }

    fn lose(&self) -> Vec<JobEvent> {
        let at_terminal = self.script.writes() && self.job.as_ref().is_some_and(|job| !job.state.is_resolved());
        if at_terminal { vec![JobEvent::Lose] } else { Vec::new() }
    }

    fn job_turn(&self, events: Vec<JobEvent>, proved: Option<&Proved>) -> Option<JobTurn> {
        let job = self.job.clone().filter(|job| !job.state.is_resolved())?;
        Some(JobTurn::new(job, events, u32::from(proved.is_some())))
    }

    /// What happened to this script, and to those that cannot run any more after what the card proved.
    fn ended(&self, event: ScriptEvent, proved: Option<&Proved>) -> Vec<(Script, ScriptEvent)> {
        // A count is that of one key set.
        let is_other = |other: &&Script| {
            other.id != self.script.id && (&other.df, other.kvn) == (&self.script.df, self.script.kvn)
        };
        let others = self.view.unresolved.iter().filter(is_other);
        let outlived = others.filter(|other| {
            proved.is_some_and(|proved| other.is_outlived_by(self.script.host_challenge, proved.counter))
        });
        let mut ended = vec![(self.script.clone(), event)];
        ended.extend(outlived.map(|other| (other.clone(), ScriptEvent::Outlive)));
        ended
    }

    /// A turn that does no more than answer.
    fn turn(&self, message: &CentreMessage, life: Life) -> Result<Turn, Error> {
        let asked = Asked {
            session: &self.session,
            stage: Stage::GoesOn,
            seq: self.place.seq,
            body_sha256: &self.body_sha256,
            order: &self.view.order,
        };
        Turn::answering(asked, message, life)
    }
}

impl Proved {
    /// A counter of the target's key set.
    pub(super) fn of(target: &Target, counter: u32) -> Self {
        let (card, df, kvn) = (target.card, target.set.df.clone(), target.set.kvn);
        Self { card, df, kvn, counter, source: target.challenge }
    }
}
