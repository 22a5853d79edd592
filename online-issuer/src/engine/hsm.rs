//! What the engine asks of the HSM for a script: the session keys of a card that may not have been met yet.

use super::refusal::Refusal;
use super::target::Target;
use crate::error::Error;
use fuda_card::forecast::{Opening, Session, Supplies};
use fuda_card::scp03::{Challenge, InitializeUpdateResponse, Prediction, SequenceCounter, SessionKeys};
use fuda_kms::{CardAnswer, CardChallenge, CardRequest, CardStep, Epoch, Question, StepAnswer};

/// How a session begins.
#[derive(Debug, Clone)]
pub(crate) enum Beginning {
    /// The card will answer with this count.
    Foreseen(SequenceCounter),
    /// It has answered this.
    Answered(InitializeUpdateResponse),
}

/// A session whose keys are to be had.
#[derive(Debug)]
pub(crate) struct Keying<'t> {
    target: &'t Target,
    host_challenge: [u8; 8],
    beginning: Beginning,
}

impl Beginning {
    /// With the count that a card is foreseen to have.
    pub(crate) fn foreseen(counter: u32) -> Result<Self, Error> {
        let counter = SequenceCounter::new(counter);
        counter.map(Self::Foreseen).ok_or(Error::Fault { what: "a count beyond three bytes" })
    }
}

impl<'t> Keying<'t> {
    pub(crate) const fn new(target: &'t Target, host_challenge: [u8; 8], beginning: Beginning) -> Self {
        Self { target, host_challenge, beginning }
    }

    /// What is asked.
    pub(crate) fn question(&self) -> Result<Question<CardAnswer>, Error> {
        let challenge = match &self.beginning {
            Beginning::Foreseen(counter) => predicted(self.target, counter.to_u32()),
            Beginning::Answered(InitializeUpdateResponse { card_challenge: Challenge::S8(challenge), .. }) => {
                CardChallenge::Answered(*challenge)
            }
            Beginning::Answered(_) => return Err(Refusal::CardUnfit.into()),
        };
        session(self.target, self.host_challenge, challenge)
    }

    /// What a walk through the session needs, from the answer.
    pub(crate) fn supplies(self, answer: CardAnswer) -> Result<Supplies, Error> {
        let (card_challenge, keys) = opened(answer)?;
        let opening = match self.beginning {
            Beginning::Foreseen(counter) => {
                let (kdd, kvn) = (self.target.card, self.target.set.kvn);
                Opening::Foreseen(Prediction { kdd, kvn, counter, card_challenge: Challenge::S8(card_challenge) })
            }
            Beginning::Answered(answer) => Opening::Answered(answer),
        };
        let session = Session { host_challenge: Challenge::S8(self.host_challenge), opening, keys };
        Ok(Supplies::new([session], []))
    }
}

/// Asks for the challenge that a card with pseudo-random ones makes at a count; [`opened`] reads it from the answer.
pub(crate) fn challenge_at(target: &Target, counter: u32) -> Result<Question<CardAnswer>, Error> {
    // The keys that come with it belong to a challenge of ours that is never used, and are wiped at once.
    session(target, [0; 8], predicted(target, counter))
}

/// The card's challenge and the session keys in an answer.
pub(crate) fn opened(answer: CardAnswer) -> Result<([u8; 8], SessionKeys), Error> {
    let Some(StepAnswer::Session { card_challenge, keys }) = answer.steps.into_iter().next() else {
        return Err(Error::Fault { what: "the HSM answered something else than session keys" });
    };
    let keys = SessionKeys::new(keys.s_enc.expose(), keys.s_mac.expose(), keys.s_rmac.expose())
        .map_err(|_| Error::Fault { what: "session keys of different lengths" })?;
    Ok((card_challenge, keys))
}

fn session(target: &Target, host_challenge: [u8; 8], challenge: CardChallenge) -> Result<Question<CardAnswer>, Error> {
    let steps = vec![CardStep::OpenSession { key: target.version.clone(), host_challenge, challenge }];
    Ok(Question::card(CardRequest { epoch: Epoch::ANY, kdd: *target.card.as_bytes(), steps })?)
}

fn predicted(target: &Target, counter: u32) -> CardChallenge {
    CardChallenge::Predicted { counter, df_name: target.set.df.as_bytes().to_vec() }
}
