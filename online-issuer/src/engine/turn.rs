//! Everything that one message changes, in one transaction: it happens whole, before the first byte of the answer leaves, or not at all.

use super::job::Job;
use super::life_cycle::{JobEvent, ScriptEvent};
use super::order::{may_meet, pass_gates};
use super::reply::text;
use super::script::{Script, Work};
use super::session::{Answered, Life, Session, forget_scripts, keep_answer};
use super::shut::{self, Shutting};
use super::target::{ChallengeSource, block, prove_counter};
use crate::error::Error;
use crate::orders::{self, ClaimedOrder};
use fuda_card::cardscript::CentreMessage;
use fuda_card::id::{DfName, Kdd, Kvn};
use fuda_store::Conn;

/// What a message changes.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    pub(crate) session: Session,
    pub(crate) stage: Stage,
    /// Of the message.
    pub(crate) seq: u32,
    /// Whether the session takes messages afterwards.
    pub(crate) life: Life,
    pub(crate) answer: Answered,
    pub(crate) order: ClaimedOrder,
    pub(crate) job: Option<JobTurn>,
    pub(crate) right: Right,
    /// A new script.
    pub(crate) script: Option<Script>,
    /// What happened to scripts.
    pub(crate) scripts: Vec<(Script, ScriptEvent)>,
    /// A counter that the card proved.
    pub(crate) proved: Option<Proved>,
    /// Why the card gets no more scripts.
    pub(crate) block: Option<&'static str>,
    /// The card proved that its application is shut.
    pub(crate) shut: Option<Shutting>,
}

/// The message that a turn answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) session: &'a Session,
    pub(crate) stage: Stage,
    pub(crate) seq: u32,
    pub(crate) body_sha256: &'a str,
    pub(crate) order: &'a ClaimedOrder,
}

/// Whether the session is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    New,
    GoesOn,
}

/// What happens to the job.
#[derive(Debug, Clone)]
pub(crate) struct JobTurn {
    pub(crate) job: Job,
    /// Whether it is new.
    pub(crate) stage: Stage,
    pub(crate) events: Vec<JobEvent>,
    /// The signed receipt; empty unless it is confirmed.
    pub(crate) receipt: String,
    /// Contacts at which the card proved itself: 0 or 1.
    pub(crate) proved_contacts: u32,
}

/// What becomes of the entitlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    /// It stays as it is.
    Kept,
    /// granted → reserved, unless the job has it reserved.
    Reserved,
    /// reserved → consumed.
    Consumed,
    /// reserved → granted: the card proved that nothing of the job is on it.
    Released,
}

/// A counter that the card proved.
#[derive(Debug, Clone)]
pub(crate) struct Proved {
    pub(crate) card: Kdd,
    pub(crate) df: DfName,
    pub(crate) kvn: Kvn,
    pub(crate) counter: u32,
    pub(crate) source: ChallengeSource,
}

impl JobTurn {
    /// Events of a job that is stored already.
    pub(crate) const fn new(job: Job, events: Vec<JobEvent>, proved_contacts: u32) -> Self {
        Self { job, stage: Stage::GoesOn, events, receipt: String::new(), proved_contacts }
    }
}

impl Turn {
    /// A turn that does no more than answer.
    pub(crate) fn answering(asked: Asked<'_>, message: &CentreMessage, life: Life) -> Result<Self, Error> {
        let Asked { session, stage, seq, body_sha256, order } = asked;
        Ok(Self {
            session: session.clone(),
            stage,
            seq,
            life,
            answer: Answered { body_sha256: body_sha256.to_owned(), answer: text(message)? },
            order: order.clone(),
            job: None,
            right: Right::Kept,
            script: None,
            scripts: Vec::new(),
            proved: None,
            block: None,
            shut: None,
        })
    }

    /// Does it, in the caller's transaction.
    pub(crate) async fn apply(&self, tx: &mut Conn, node: &str, now: &str) -> Result<(), Error> {
        self.check_gates(tx).await?;
        if let Some(turn) = self.job.as_ref().filter(|turn| turn.stage == Stage::New) {
            turn.job.insert(tx).await?;
        }
        match self.stage {
            Stage::New => Session { life: self.life, ..self.session.clone() }.insert(tx, node, now).await?,
            Stage::GoesOn => self.session.advance(tx, self.seq, self.life).await?,
        }
        keep_answer(tx, (self.session.sid, self.seq), &self.answer, now).await?;
        for (script, event) in &self.scripts {
            script.happen(tx, *event).await?;
        }
        if let Some(script) = &self.script {
            script.insert(tx).await?;
        }
        if let Some(Proved { card, df, kvn, counter, source }) = &self.proved {
            prove_counter(tx, (*card, df, *kvn), *counter, *source, now).await?;
        }
        if let Some(reason) = self.block {
            block(tx, self.order.card, reason, "engine", now).await?;
        }
        if self.shut == Some(Shutting::Done) {
            shut::done(tx, self.order.card, &self.order.df, now).await?;
        }
        if let Some(turn) = &self.job {
            self.settle(tx, turn, now).await?;
        }
        Ok(())
    }

    async fn check_gates(&self, tx: &mut Conn) -> Result<(), Error> {
        match (&self.script, &self.job) {
            (Some(script), Some(turn)) if script.writes() => pass_gates(tx, &self.order, Some(&turn.job)).await,
            // Neither a hold nor a block keeps an application from being shut.
            (Some(script), _) if script.work == Work::Shut => Ok(()),
            (Some(_), _) => may_meet(tx, &self.order).await,
            (None, _) => Ok(()),
        }
    }

    async fn settle(&self, tx: &mut Conn, turn: &JobTurn, now: &str) -> Result<(), Error> {
        let JobTurn { job, events, receipt, proved_contacts, .. } = turn;
        if !events.is_empty() || *proved_contacts > 0 {
            let after = job.happen(tx, events, receipt, *proved_contacts, now).await?;
            if after.is_resolved() {
                forget_scripts(tx, &job.id).await?;
            }
        }
        let (entitlement, job) = (job.entitlement.as_str(), job.id.as_str());
        match self.right {
            Right::Kept => {}
            Right::Reserved => orders::reserve(tx, entitlement, job, now).await?,
            Right::Consumed => orders::consume(tx, entitlement, job, now).await?,
            Right::Released => orders::release(tx, entitlement, job, now).await?,
        }
        Ok(())
    }
}
