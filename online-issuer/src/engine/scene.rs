//! What a message finds: everything that the store knows of it, in one snapshot.

use super::job::Job;
use super::life_cycle::JobState;
use super::open;
use super::order::pass_gates;
use super::profiles::Profiles;
use super::refusal::Refusal;
use super::reply::Place;
use super::script::Script;
use super::session::{Answered, Life, Session, answered};
use super::shut::{self, Shutting};
use super::target::{Aim, Target};
use crate::error::Error;
use crate::members::{MemberError, Person, person_if_kept};
use crate::orders::{self, ClaimedOrder};
use fuda_card::cardscript::{Purpose, ScriptId};
use fuda_kms::{KeyName, KeyVersion, Registry};
use fuda_store::Conn;

/// What a message comes for.
#[derive(Debug, Clone)]
pub(super) enum Errand {
    /// A session for the order of a token, by its hash; or why there can be none.
    Open(Result<(String, Purpose), Refusal>),
    /// A script comes back: this one, or the last one of its session.
    Return(Option<ScriptId>),
    /// Nothing that needs to be known.
    Other,
}

/// What it finds.
#[derive(Debug)]
pub(super) enum Scene {
    /// It was answered before.
    Answered(Answered),
    /// Nobody knows its session.
    Unknown,
    /// Its session begins with it.
    Opens(Box<View>),
    /// Its session waits for the result of a script.
    Returns(Box<Returned>),
    /// Its session is elsewhere, or ended.
    Begun(Session),
}

/// A script that comes back.
#[derive(Debug)]
pub(super) struct Returned {
    pub(super) session: Session,
    pub(super) script: Script,
    /// Scripts that the session was given.
    pub(super) given: u32,
    pub(super) view: View,
    /// The key that signs receipts now, if there is one.
    pub(super) receipt_key: Option<KeyVersion>,
}

/// What is known of an order, its card and its job.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(super) order: ClaimedOrder,
    pub(super) target: Target,
    pub(super) aim: Aim,
    pub(super) job: Option<Job>,
    /// Why no script that writes may leave, for a session that begins; asked again when one does.
    pub(super) gate: Option<Refusal>,
    /// Scripts that write and may have run, or may run yet.
    pub(super) unresolved: Vec<Script>,
    /// What is sealed about the member, for a session that begins and writes: nothing of a member who was erased.
    pub(super) person: Option<Person>,
}

impl Scene {
    /// Looks. `opens_since`: since when sessions count that were opened for the same order.
    pub(super) async fn look(
        tx: &mut Conn,
        Place { sid, seq, .. }: Place,
        errand: Errand,
        profiles: &Profiles,
        opens_since: &str,
    ) -> Result<Self, Error> {
        let session = Session::load(tx, sid).await?;
        if session.as_ref().is_some_and(|session| seq <= session.last_seq)
            && let Some(before) = answered(tx, sid, seq).await?
        {
            return Ok(Self::Answered(before));
        }
        match (errand, session) {
            (Errand::Open(asked), None) => {
                let (token_sha256, purpose) = asked?;
                open::admit(tx, &token_sha256, opens_since).await?;
                View::load(tx, profiles, &token_sha256, purpose, None).await.map(|view| Self::Opens(Box::new(view)))
            }
            (_, None) => Ok(Self::Unknown),
            (Errand::Return(id), Some(session)) if session.life == Life::Open && seq == session.last_seq + 1 => {
                Returned::load(tx, profiles, session, id).await.map(|returned| Self::Returns(Box::new(returned)))
            }
            (_, Some(session)) => Ok(Self::Begun(session)),
        }
    }
}

impl Returned {
    async fn load(tx: &mut Conn, profiles: &Profiles, session: Session, id: Option<ScriptId>) -> Result<Self, Error> {
        let script = match id {
            Some(id) => {
                let is_last = |script: &Script| script.sid == session.sid && script.seq == session.last_seq;
                Script::load(tx, id).await?.filter(is_last).ok_or(Refusal::ScriptForeign)?
            }
            None => Script::at(tx, session.sid, session.last_seq).await?.ok_or(Refusal::MessageOutOfTurn)?,
        };
        let given = Script::count(tx, session.sid).await?;
        let view = View::load(tx, profiles, &session.token_sha256, session.purpose, Some(script.aim())).await?;
        let receipt_key = Registry::active_in(tx, &KeyName::Receipt).await?.map(|record| record.version);
        Ok(Self { session, script, given, view, receipt_key })
    }
}

impl View {
    /// A session that has begun keeps its `aim`; one that begins has the one that its application calls for.
    async fn load(
        tx: &mut Conn,
        profiles: &Profiles,
        token_sha256: &str,
        purpose: Purpose,
        aim: Option<Aim>,
    ) -> Result<Self, Error> {
        let order = orders::claimed(tx, token_sha256).await?;
        let known = profiles.of(&order)?;
        let has_begun = aim.is_some();
        let aim = match aim {
            Some(aim) => aim,
            None => match shut::of(tx, order.card, &order.df).await? {
                None => Aim::Application,
                Some(Shutting::Open) => Aim::Shut,
                Some(Shutting::Done) => return Err(Refusal::CardBlocked.into()),
            },
        };
        let target = Target::load(tx, &known, (order.card, &order.df), aim).await?;
        let job = match purpose {
            Purpose::Read => None,
            _ => Job::of_entitlement(tx, &order.entitlement).await?,
        };
        // What has begun is asked by the turn alone.
        let gates = if has_begun { Ok(()) } else { pass_gates(tx, &order, job.as_ref()).await };
        let gate = match gates {
            Ok(()) => None,
            Err(Error::Refused(refusal)) => Some(refusal),
            Err(error) => return Err(error),
        };
        let unresolved = Script::unresolved(tx, order.card, &order.df).await?;
        let is_done = job.as_ref().is_some_and(|job| job.state == JobState::Confirmed);
        let person = match purpose {
            Purpose::Activate if !has_begun && !is_done => person_if_kept(tx, &order.member).await?,
            _ => None,
        };
        Ok(Self { order, target, aim, job, gate, unresolved, person })
    }

    /// Whose contents are written.
    pub(super) fn person(&self) -> Result<&Person, Error> {
        let erased = || MemberError::Erased { member: self.order.member.to_string() };
        Ok(self.person.as_ref().ok_or_else(erased)?)
    }
}
