//! Judging a result: only what the card proved counts, whatever the terminal says of it.

use super::Engine;
use super::hsm::{Beginning, Keying, challenge_at, opened};
use super::offer::Errand;
use super::refusal::Refusal;
use super::script::{Part, Script, Work};
use super::target::{ChallengeSource, Target};
use super::turn::Proved;
use crate::error::Error;
use fuda_card::Error as CardError;
use fuda_card::apdu::Response;
use fuda_card::cardscript::{End as Told, ScriptResult};
use fuda_card::fcp::LifeCycle;
use fuda_card::forecast::{self, End, Forecast, Supplies, Unopened, Verdict};
use fuda_card::personalisation::update::Found;
use fuda_card::scp03::{InitializeUpdateResponse, SequenceCounter};
use fuda_card::script::Reading;

/// What follows from a result.
#[derive(Debug)]
pub(super) struct Judged {
    /// What the card proved of its count.
    pub(super) proved: Option<Proved>,
    pub(super) next: Next,
}

/// How it goes on.
#[derive(Debug)]
pub(super) enum Next {
    /// The work of the job is done.
    Written,
    /// The card said how far it is, and what it holds.
    Found { found: Found, readings: Vec<Reading> },
    /// The card proved itself in an introduction; the work follows in the same session.
    Introduced { answer: InitializeUpdateResponse },
    /// The card proved itself, and its count is not the foreseen one.
    Elsewhere,
    /// The card proved that it holds something else than the script expects.
    LookAgain,
    /// The card proved that its application is shut.
    Shut,
    /// The contact is over.
    Refuse(Refusal),
    /// The card proved a count that it has passed before: there are two of it.
    Copied,
}

impl Judged {
    const fn refuse(refusal: Refusal) -> Self {
        Self { proved: None, next: Next::Refuse(refusal) }
    }
}

/// The session of a script, whose keys a walk through it needs; `None` for an introduction, whose session the card chooses.
pub(super) fn keying<'t>(script: &Script, target: &'t Target) -> Result<Option<Keying<'t>>, Error> {
    if script.part == Part::Introduction {
        return Ok(None);
    }
    let beginning = match script.answered.as_slice() {
        [] => Beginning::foreseen(script.counter)?,
        answered => Beginning::Answered(
            InitializeUpdateResponse::parse(answered).map_err(|_| Error::content("a script's beginning"))?,
        ),
    };
    Ok(Some(Keying::new(target, script.host_challenge, beginning)))
}

/// The answers of a card in a result.
pub(super) fn answers(result: &ScriptResult) -> Result<Vec<Response>, Refusal> {
    let answers = result.r.iter().map(|bytes| Response::decode(bytes.as_bytes()));
    answers.collect::<Result<_, _>>().map_err(|_| Refusal::MessageInvalid)
}

/// What follows from answers that are those which the script's forecast foretold; `None` for any others, which take the session keys.
pub(super) fn as_foretold(script: &Script, target: &Target, answers: &[Response]) -> Option<Judged> {
    let next = match script.work {
        Work::Write(_) => Next::Written,
        Work::Shut => Next::Shut,
        Work::Look | Work::Read => return None,
    };
    let came_true = script.foretold.is_some_and(|foretold| foretold.came_true(answers));
    came_true.then(|| Judged { proved: Some(Proved::of(target, script.counter)), next })
}

impl Engine {
    /// Judges the answers to a script, with what its [`keying`] gave.
    pub(super) async fn judge(
        &self,
        script: &Script,
        errand: Errand<'_>,
        supplies: Option<Supplies>,
        answers: Vec<Response>,
        told: Told,
    ) -> Result<Judged, Error> {
        match supplies {
            None => self.introduced(script, errand, &answers, told).await,
            Some(supplies) => self.worked(script, errand, supplies, answers, told).await,
        }
    }

    async fn worked(
        &self,
        script: &Script,
        errand: Errand<'_>,
        supplies: Supplies,
        answers: Vec<Response>,
        told: Told,
    ) -> Result<Judged, Error> {
        let Verdict { proofs, readings, end, .. } = forecast::verify(errand.plan(&script.work)?, supplies, answers)?;
        let proved = (!proofs.is_empty()).then(|| Proved::of(errand.target, script.counter));
        let next = match (end, &script.work) {
            (End::Complete, Work::Shut) => Next::Shut,
            // It was deactivated at an earlier contact whose answer was lost: the card says so before it refuses to do it again.
            (End::Lost { .. } | End::Differs { .. }, Work::Shut) if is_shut(errand, &readings) => Next::Shut,
            (End::Complete, Work::Write(_)) => Next::Written,
            (End::Complete, _) => match Found::of(&errand.target.application, &readings) {
                Some(found) => Next::Found { found, readings },
                None => Next::Refuse(Refusal::CardUnfit),
            },
            (End::Differs { .. }, Work::Write(_)) => Next::LookAgain,
            (End::Differs { .. }, _) => Next::Refuse(Refusal::CardUnfit),
            (End::Lost { .. }, _) => Next::Refuse(over(told)),
            (End::Unopened { why: Unopened::OtherCounter(answer), .. }, _) => {
                return self.elsewhere(script, errand, *answer).await;
            }
            (End::Unopened { why, .. }, _) => Next::Refuse(match why {
                Unopened::OtherCard(_) | Unopened::Refused(_) => Refusal::CardOther,
                Unopened::Unproved => Refusal::CardUnproved,
                _ => over(told),
            }),
        };
        Ok(Judged { proved, next })
    }

    /// The right chip says another count than the foreseen one. Before anything is believed of it, its cryptogram must be right.
    async fn elsewhere(
        &self,
        script: &Script,
        errand: Errand<'_>,
        answer: InitializeUpdateResponse,
    ) -> Result<Judged, Error> {
        let proved = match self.prove(script, errand, &answer).await? {
            Ok(proved) => proved,
            Err(refusal) => return Ok(Judged::refuse(refusal)),
        };
        if proved.source == ChallengeSource::PseudoRandom && proved.counter <= script.counter_floor {
            return Ok(Judged { proved: None, next: Next::Copied });
        }
        Ok(Judged { proved: Some(proved), next: Next::Elsewhere })
    }

    async fn introduced(
        &self,
        script: &Script,
        errand: Errand<'_>,
        answers: &[Response],
        told: Told,
    ) -> Result<Judged, Error> {
        let (select, update) = match answers {
            [select, update, ..] => (select, update),
            [select] if !select.sw.is_success() => return Ok(Judged::refuse(Refusal::CardOther)),
            _ => return Ok(Judged::refuse(over(told))),
        };
        if select.sw.is_success() && !update.sw.is_success() {
            return Ok(Judged::refuse(Refusal::CardOther));
        }
        let Ok(answer) = InitializeUpdateResponse::parse(&update.data) else {
            return Ok(Judged::refuse(Refusal::CardUnfit));
        };
        if answer.kdd != errand.target.card || answer.kvn != errand.target.set.kvn {
            return Ok(Judged::refuse(Refusal::CardOther));
        }
        let proved = match self.prove(script, errand, &answer).await? {
            Ok(proved) => proved,
            Err(refusal) => return Ok(Judged::refuse(refusal)),
        };
        if answer.counter.is_some() && proved.counter <= script.counter_floor {
            return Ok(Judged { proved: None, next: Next::Copied });
        }
        Ok(Judged { proved: Some(proved), next: Next::Introduced { answer } })
    }

    /// Whether the cryptogram in an answer to INITIALIZE UPDATE is right, and what it proves.
    async fn prove(
        &self,
        script: &Script,
        errand: Errand<'_>,
        answer: &InitializeUpdateResponse,
    ) -> Result<Result<Proved, Refusal>, Error> {
        let hsm = &self.inner.hsm;
        let keying = Keying::new(errand.target, script.host_challenge, Beginning::Answered(answer.clone()));
        let keys = hsm.ask(keying.question()?).await?;
        let supplies = keying.supplies(keys)?;
        // The walk opens the channel with these keys, and refuses where the cryptogram does not follow from them.
        match Forecast::new(errand.plan(&Work::Look)?, supplies) {
            Ok(_) => {}
            Err(failed) if matches!(failed.error, CardError::CardCryptogram { .. }) => {
                return Ok(Err(Refusal::CardUnproved));
            }
            Err(failed) => return Err(failed.into()),
        }
        let Some(counter) = answer.counter.map(SequenceCounter::to_u32) else {
            let floor = script.counter_floor;
            return Ok(Ok(Proved { source: ChallengeSource::Random, ..Proved::of(errand.target, floor) }));
        };
        let (foreseen, _) = opened(hsm.ask(challenge_at(errand.target, counter.max(1))?).await?)?;
        let source = if answer.card_challenge.as_bytes() == foreseen {
            ChallengeSource::PseudoRandom
        } else {
            ChallengeSource::Random
        };
        Ok(Ok(Proved { source, ..Proved::of(errand.target, counter) }))
    }
}

/// Whether the card says that the application is deactivated.
fn is_shut(errand: Errand<'_>, readings: &[Reading]) -> bool {
    let fid = errand.target.application.fid;
    readings.iter().any(|reading| {
        matches!(reading, Reading::File(fcp) if fcp.fid == Some(fid) && fcp.life_cycle == Some(LifeCycle::Deactivated))
    })
}

/// How a contact ended that nothing is proved of.
const fn over(told: Told) -> Refusal {
    match told {
        Told::Cancelled => Refusal::ContactCancelled,
        _ => Refusal::ContactLost,
    }
}
