//! The engine: what is done with a card over the network, and what is known of it when the line goes dead.
//!
//! A message comes in, one transaction happens, one answer goes out. Nothing that a session needs lives in a node: session keys are derived
//! again in the HSM from stored challenges, so any node answers any message, and a node that dies takes nothing with it.
//!
//! ```text
//! open ─► look at the order ─► HSM: forecast ─► turn { gates, session, job, script } ─► script
//! result ─► as foretold, or HSM: the same keys ─► verify ─► turn { script, job, entitlement, counter } ─► script | done | error
//! ```
//!
//! What was foretold is kept with a script, as a digest: a card that answers so has done everything. Any other answers take the session keys.
//!
//! `scene.rs` looks, `open.rs` and `result.rs` decide, `offer.rs` makes scripts, `turn.rs` is the transaction, `life_cycle.rs` what may follow what.

mod error;
mod expire;
mod hsm;
mod job;
mod judge;
pub mod life_cycle;
pub mod node;
mod offer;
pub mod office;
mod open;
mod order;
pub mod out;
mod profiles;
mod receipt;
pub mod refusal;
mod reply;
mod result;
mod scene;
mod script;
mod session;
mod show;
pub mod shut;
mod target;
mod turn;

pub use error::JobError;
pub use expire::{Elapsed, elapse};
pub use job::Job;

use crate::error::Error;
use crate::id::MemberId;
use crate::members::{Person, person_if_kept};
use fuda_card::cardscript::{TerminalMessage, decode, encode};
use fuda_kms::Hsm;
use fuda_store::clock::stored;
use fuda_store::{Conn, Store};
use jiff::Timestamp;
use profiles::Profiles;
use refusal::Refusal;
use reply::{Place, text, trace};
use scene::{Scene, View};
use serde::Deserialize;
use session::{Answered, Life, Locale};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;
use turn::Turn;

/// Times that a message is looked at again because another one changed the same rows first.
const TRIES_MAX: u32 = 4;

/// The engine of one node; clones share it.
#[derive(Debug, Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    hsm: Hsm,
    profiles: Arc<Profiles>,
    site: String,
    node: String,
}

/// An answer to a terminal, and what carriers and counters need to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The message, JSON.
    pub body: String,
    /// What it is.
    pub kind: Kind,
    /// Why the message is refused, of an error.
    pub refusal: Option<Refusal>,
}

/// What an answer says of itself; a script's commands are not read for it.
#[derive(Deserialize)]
struct Label<'b> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'b, str>,
    #[serde(default, borrow)]
    code: Cow<'b, str>,
}

/// What an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Commands for a card.
    Script,
    /// The end of a session.
    Done,
    /// An error.
    Error,
}

/// Whether new sessions are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intake {
    /// They are.
    Open,
    /// The node stops.
    Closed,
}

impl Engine {
    /// An engine for a site, on a node.
    #[must_use]
    pub fn new(store: Store, hsm: Hsm, site: &fuda_cli::config::Config, node: String) -> Self {
        let (profiles, site) = (Arc::new(Profiles::beside(site.folder.clone())), site.site.name.clone());
        Self { inner: Arc::new(Inner { store, hsm, profiles, site, node }) }
    }

    /// Answers a message of a terminal.
    pub async fn answer(&self, body: &[u8], intake: Intake) -> Reply {
        let began = Instant::now();
        let message: TerminalMessage = match decode(body) {
            Ok(message) => message,
            Err(error) => {
                tracing::info!(code = "MESSAGE_INVALID", %error, "message refused");
                return Place::nowhere().reply(Refusal::MessageInvalid);
            }
        };
        let (sid, seq) = message.key();
        let locale = if let TerminalMessage::Open(open) = &message { Locale::of(&open.locale) } else { Locale::En };
        let place = Place { sid, seq, locale };
        let answered = match (&message, intake) {
            (TerminalMessage::Open(_), Intake::Closed) => Err(Refusal::CentreStopping.into()),
            _ => self.answer_until_first(place, &message).await,
        };
        let reply = match answered {
            Ok(body) => Reply::stored(body),
            Err(error) => {
                let refusal = error.refusal();
                if is_our_fault(refusal) {
                    tracing::error!(session = trace(sid), code = refusal.terms().code, %error, "message not answered");
                }
                place.reply(refusal)
            }
        };
        let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(session = trace(sid), seq, kind = kind(&message), code = reply.code(), ms, "answered");
        reply
    }

    async fn answer_until_first(&self, place: Place, message: &TerminalMessage) -> Result<String, Error> {
        for _ in 1..TRIES_MAX {
            match self.answer_once(place, message).await {
                Err(error) if error.is_overtaken() => {}
                done => return done,
            }
        }
        self.answer_once(place, message).await
    }

    /// The stored answer, or a new one.
    async fn answer_once(&self, mut place: Place, message: &TerminalMessage) -> Result<String, Error> {
        let scene = self.scene(place, message).await?;
        if let TerminalMessage::Resume(_) = message {
            return if let Scene::Answered(before) = scene {
                before.again()
            } else {
                Err(Refusal::SessionUnknown.into())
            };
        }
        let body_sha256 = digest(message)?;
        match (scene, message) {
            (Scene::Answered(before), _) if before.body_sha256 == body_sha256 => before.again(),
            (Scene::Answered(_), _) | (Scene::Begun(_), TerminalMessage::Open(_)) => {
                Err(Refusal::MessageConflict.into())
            }
            (Scene::Opens(view), TerminalMessage::Open(open)) => self.open(place, open, *view, body_sha256).await,
            (Scene::Unknown, _) => Err(Refusal::SessionUnknown.into()),
            (Scene::Begun(session), _) if session.life == Life::Ended => Err(Refusal::SessionEnded.into()),
            (Scene::Returns(returned), _) => {
                place.locale = returned.session.locale;
                match message {
                    TerminalMessage::Result(result) => self.result(place, *returned, result, body_sha256).await,
                    _ => self.cancel(place, *returned, body_sha256).await,
                }
            }
            _ => Err(Refusal::MessageOutOfTurn.into()),
        }
    }

    /// What a message finds.
    async fn scene(&self, place: Place, message: &TerminalMessage) -> Result<Scene, Error> {
        let errand = match message {
            TerminalMessage::Open(open) => scene::Errand::Open(open::asked(open)),
            TerminalMessage::Result(result) => scene::Errand::Return(Some(result.id)),
            TerminalMessage::Cancel(_) => scene::Errand::Return(None),
            TerminalMessage::Answer(_) | TerminalMessage::Resume(_) => scene::Errand::Other,
        };
        let (profiles, opens_since) = (Arc::clone(&self.inner.profiles), stored(self.now() - open::OPENS_WINDOW));
        let look = async move |tx: &mut Conn| Scene::look(tx, place, errand, &profiles, &opens_since).await;
        self.inner.store.look("online.scene", look).await
    }

    /// What is sealed about a member; nothing of one who was erased.
    async fn person(&self, member: &MemberId) -> Result<Option<Person>, Error> {
        let member = member.clone();
        self.inner.store.look("online.person", async move |tx: &mut Conn| person_if_kept(tx, &member).await).await
    }

    /// Does a turn; its answer may leave then.
    async fn commit(&self, turn: Turn, now: Timestamp) -> Result<String, Error> {
        let (answer, part) = (turn.answer.answer.clone(), turn.order.card.to_string());
        let (node, now) = (self.inner.node.clone(), stored(now));
        let apply = async move |tx: &mut Conn| turn.apply(tx, &node, &now).await;
        self.inner.store.part(&part).run_tx("online.turn", apply).await?;
        Ok(answer)
    }

    fn now(&self) -> Timestamp {
        self.inner.store.clock().now()
    }
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Script, Self::Done, Self::Error];

    /// The word in a message.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Script => "script",
            Self::Done => "done",
            Self::Error => "error",
        }
    }
}

impl Reply {
    /// An answer as it was stored; an error says by its code what it is.
    fn stored(body: String) -> Self {
        let label = serde_json::from_str(&body).unwrap_or(Label { kind: "".into(), code: "".into() });
        let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == label.kind).unwrap_or(Kind::Script);
        let refusal = if kind == Kind::Error { Refusal::of_code(&label.code) } else { None };
        Self { body, kind, refusal }
    }

    /// Status for HTTP.
    #[must_use]
    pub fn http(&self) -> u16 {
        self.refusal.map_or(200, |refusal| refusal.terms().http)
    }

    /// The code of an error; empty otherwise.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.refusal.map_or("", |refusal| refusal.terms().code)
    }
}

impl Answered {
    /// The answer, once more.
    fn again(self) -> Result<String, Error> {
        if self.answer.is_empty() { Err(Refusal::AnswerDeleted.into()) } else { Ok(self.answer) }
    }
}

impl Place {
    /// Of a message that does not say its place.
    const fn nowhere() -> Self {
        Self { sid: fuda_card::cardscript::SessionId::new([0; 16]), seq: 0, locale: Locale::En }
    }

    fn reply(self, refusal: Refusal) -> Reply {
        // A problem is far below every limit of the protocol.
        let body = text(&self.problem(refusal)).unwrap_or_default();
        Reply { body, kind: Kind::Error, refusal: Some(refusal) }
    }
}

/// SHA-256 of a message in its one spelling: blanks and the order of members that a relay may change are not another body.
fn digest(message: &TerminalMessage) -> Result<String, Error> {
    let text = encode(message).map_err(|_| Error::Refused(Refusal::MessageInvalid))?;
    Ok(hex::encode_upper(Sha256::digest(text.as_bytes())))
}

/// Whether an operator should look into it: everything else is told to those whom it is about.
const fn is_our_fault(refusal: Refusal) -> bool {
    matches!(refusal, Refusal::CentreBusy | Refusal::CentreHsm | Refusal::CentreStore | Refusal::CentreFault)
}

const fn kind(message: &TerminalMessage) -> &'static str {
    match message {
        TerminalMessage::Open(_) => "open",
        TerminalMessage::Result(_) => "result",
        TerminalMessage::Answer(_) => "answer",
        TerminalMessage::Resume(_) => "resume",
        TerminalMessage::Cancel(_) => "cancel",
    }
}
