//! Making a script: from what is to be done to the commands, with what a conforming card will answer.

use super::hsm::{Beginning, Keying};
use super::job::Job;
use super::life_cycle::ScriptState;
use super::refusal::Refusal;
use super::reply::Place;
use super::script::{Part, Script, Work};
use super::target::{ChallengeSource, Target};
use crate::error::Error;
use crate::id::{random, timed};
use crate::orders::Contents;
use fuda_card::apdu::ApduError;
use fuda_card::cardscript::limits::SCRIPT_LIFE_S;
use fuda_card::cardscript::{self, ScriptId};
use fuda_card::fcp::LifeCycle;
use fuda_card::forecast::{Carrier, Forecast};
use fuda_card::personalisation::Plan;
use fuda_card::personalisation::update::{Found, PROGRESS_RECORD_BYTES, UpdateError, UpdateJob};
use fuda_card::scp03::{Challenge, InitializeUpdateResponse, SequenceCounter};
use fuda_kms::{CardAnswer, Question};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// A script, as stored and as sent.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) script: Script,
    pub(crate) message: cardscript::Script,
}

/// How a script begins.
#[derive(Debug, Clone)]
pub(crate) enum How {
    /// As the card allows: the whole session beforehand, or an introduction.
    ByCard,
    /// From the card's answer to an introduction with this challenge of ours.
    GoesOn {
        /// Our challenge.
        host_challenge: [u8; 8],
        /// The card's answer.
        answer: InitializeUpdateResponse,
    },
}

/// What a script is made for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Errand<'a> {
    pub(crate) target: &'a Target,
    /// The job, and its contents, where one writes or may write.
    pub(crate) job: Option<(&'a Job, &'a Contents)>,
    /// How the terminal's reader carries commands.
    pub(crate) carrier: Carrier,
}

impl Errand<'_> {
    /// The steps of some work; those of a job whose card stands there are none when it has it all.
    pub(crate) fn plan(&self, work: &Work) -> Result<Arc<Plan>, Error> {
        let Target { application, set, .. } = self.target;
        Ok(Arc::new(match work {
            Work::Look => Plan::position(application, set),
            Work::Read => Plan::read(application, set),
            Work::Shut => Plan::shut(application, set),
            Work::Write(found) => self.remaining(found)?,
        }))
    }

    /// What remains of the job for a card that stands there.
    pub(crate) fn remaining(&self, found: &Found) -> Result<Plan, Error> {
        let Some((job, contents)) = self.job else {
            return Err(Error::Fault { what: "a script that writes without a job" });
        };
        let Target { application, set, .. } = self.target;
        let update = UpdateJob::new(application, job.on_card()?, contents.iter().cloned(), set.clone(), None);
        update.and_then(|update| update.plan(found)).map_err(|error| refused(&error))
    }
}

/// Why a card does not take a job.
fn refused(error: &UpdateError) -> Error {
    match error {
        UpdateError::OneSlot { .. } | UpdateError::OtherJob { .. } | UpdateError::LifeCycle(_) => {
            Refusal::ApplicationInUse.into()
        }
        UpdateError::OtherContent => Refusal::OrderChanged.into(),
        UpdateError::NoKeySet => Refusal::CardKeyless.into(),
        UpdateError::RecordsUsedUp => Refusal::CardUnfit.into(),
        UpdateError::UnknownWef { .. }
        | UpdateError::Twice { .. }
        | UpdateError::TooLong { .. }
        | UpdateError::KeySet { .. } => Error::Fault { what: "an order's contents do not fit its application" },
    }
}

/// An application as 1st issuance leaves it.
pub(crate) fn blank(target: &Target) -> Found {
    let erased = vec![0xFF; PROGRESS_RECORD_BYTES];
    Found { life_cycle: LifeCycle::Initialisation, key_sets: vec![target.set.kvn], records: [erased.clone(), erased] }
}

/// A session that a script is to have.
#[derive(Debug)]
pub(crate) struct Begun<'t> {
    host_challenge: [u8; 8],
    /// Of the card, where it is known; 0 before an introduction.
    counter: u32,
    /// The card's answer, of one that goes on.
    answered: Vec<u8>,
    /// `None` for an introduction.
    keying: Option<Keying<'t>>,
}

impl<'t> Begun<'t> {
    /// Begins one.
    pub(crate) fn of(target: &'t Target, how: How) -> Result<Self, Error> {
        let (host_challenge, counter, answered, beginning) = match how {
            How::GoesOn { host_challenge, answer } => {
                let counter = answer.counter.map_or(0, SequenceCounter::to_u32);
                (host_challenge, counter, answer.encode(), Beginning::Answered(answer))
            }
            How::ByCard if target.challenge == ChallengeSource::PseudoRandom => {
                let next = target.counter + 1;
                (random()?, next, Vec::new(), Beginning::foreseen(next)?)
            }
            How::ByCard => {
                return Ok(Self { host_challenge: random()?, counter: 0, answered: Vec::new(), keying: None });
            }
        };
        let keying = Some(Keying::new(target, host_challenge, beginning));
        Ok(Self { host_challenge, counter, answered, keying })
    }

    /// What the HSM is asked for it; [`offer`] takes the answer.
    pub(crate) fn question(&self) -> Result<Question<Option<CardAnswer>>, Error> {
        Ok(Question::optional(self.keying.as_ref().map(Keying::question).transpose()?))
    }
}

/// Makes the script for some work, in a session that was begun for its card and with what the HSM answered for it.
pub(crate) fn offer(
    place: Place,
    errand: Errand<'_>,
    work: Work,
    (begun, keys): (Begun<'_>, Option<CardAnswer>),
    now: Timestamp,
) -> Result<Offer, Error> {
    let target = errand.target;
    let plan = errand.plan(&work)?;
    let Begun { host_challenge, counter, answered, keying } = begun;
    let (part, forecast) = match keying.zip(keys) {
        Some((keying, keys)) => (Part::Work, Forecast::new(Arc::clone(&plan), keying.supplies(keys)?)?),
        None => {
            let forecast = Forecast::introduction(&plan, Challenge::S8(host_challenge), Some(target.card))?;
            (Part::Introduction, forecast)
        }
    };
    const UNSENDABLE: Error = Error::Fault { what: "a command that no APDU carries" };
    let steps = forecast.card_script(&plan, errand.carrier).map_err(|_: ApduError| UNSENDABLE)?;
    let mut hash = Sha256::new();
    steps.iter().for_each(|step| hash.update(step.c.as_bytes()));
    let expires = now + SignedDuration::from_secs(i64::from(SCRIPT_LIFE_S));
    let script = Script {
        id: ScriptId::new(timed(now)?),
        sid: place.sid,
        seq: place.seq,
        job: errand.job.map(|(job, _)| job.id.clone()).unwrap_or_default(),
        card: target.card,
        df: target.set.df.clone(),
        kvn: target.set.kvn,
        part,
        work,
        host_challenge,
        counter,
        counter_floor: target.counter,
        answered,
        commands_sha256: hex::encode_upper(hash.finalize()),
        foretold: forecast.foretold(),
        state: ScriptState::Offered,
        made_at: fuda_store::clock::stored(now),
        expires_at: fuda_store::clock::stored(expires),
    };
    let message = cardscript::Script {
        sid: place.sid,
        seq: place.seq,
        id: script.id,
        expires: script.expires_at.clone(),
        budget_ms: forecast.budget_ms(),
        steps,
    };
    Ok(Offer { script, message })
}
