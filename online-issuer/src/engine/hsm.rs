//! What the engine asks of the HSM: the session keys of a card that may not have been met yet, and signatures of receipts.

use super::target::Target;
use crate::error::Error;
use fuda_card::forecast::{Opening, Session, Supplies};
use fuda_card::scp03::{Challenge, InitializeUpdateResponse, Prediction, SequenceCounter, SessionKeys};
use fuda_kms::{CardAnswer, CardChallenge, CardRequest, CardStep, Hsm, KeyVersion, StepAnswer};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Requests that wait for the HSM at once on this node, each in a thread of the runtime's blocking pool: more than its workers' queue takes,
/// few enough that the last waits no longer than a person does.
const REQUESTS_MAX: usize = 64;

/// How a session begins.
#[derive(Debug, Clone)]
pub(crate) enum Beginning {
    /// The card will answer with this count.
    Foreseen(u32),
    /// It has answered this.
    Answered(InitializeUpdateResponse),
}

/// The HSM, for many sessions at once.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    hsm: Hsm,
    places: Arc<Semaphore>,
}

impl Desk {
    pub(crate) fn new(hsm: Hsm) -> Self {
        Self { hsm, places: Arc::new(Semaphore::new(REQUESTS_MAX)) }
    }

    /// Asks the HSM without holding up other sessions.
    pub(crate) async fn ask<T, E>(&self, ask: impl FnOnce(&Hsm) -> Result<T, E> + Send + 'static) -> Result<T, Error>
    where
        T: Send + 'static,
        E: Send + 'static,
        Error: From<E>,
    {
        const GONE: Error = Error::Fault { what: "a request to the HSM came to no end" };
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| GONE)?;
        let hsm = self.hsm.clone();
        let answer = tokio::task::spawn_blocking(move || {
            let answer = ask(&hsm);
            drop(place);
            answer
        });
        Ok(answer.await.map_err(|_| GONE)??)
    }

    /// Session keys and the card's challenge.
    async fn session(
        &self,
        target: &Target,
        host_challenge: [u8; 8],
        challenge: CardChallenge,
    ) -> Result<([u8; 8], SessionKeys), Error> {
        let steps = vec![CardStep::OpenSession { key: target.version.clone(), host_challenge, challenge }];
        let kdd = *target.card.as_bytes();
        let answer = self.ask(move |hsm| hsm.card(CardRequest { epoch: hsm.epoch()?, kdd, steps })).await?;
        let CardAnswer { steps, .. } = answer;
        let Some(StepAnswer::Session { card_challenge, keys }) = steps.into_iter().next() else {
            return Err(Error::Fault { what: "the HSM answered something else than session keys" });
        };
        let keys = SessionKeys::new(keys.s_enc.expose(), keys.s_mac.expose(), keys.s_rmac.expose())
            .map_err(|_| Error::Fault { what: "session keys of different lengths" })?;
        Ok((card_challenge, keys))
    }

    /// What a walk through one session needs.
    pub(crate) async fn supplies(
        &self,
        target: &Target,
        host_challenge: [u8; 8],
        beginning: Beginning,
    ) -> Result<Supplies, Error> {
        let (opening, keys) = match beginning {
            Beginning::Foreseen(counter) => {
                let count = SequenceCounter::new(counter).ok_or(Error::Fault { what: "a count beyond three bytes" })?;
                let (card_challenge, keys) = self.session(target, host_challenge, predicted(target, counter)).await?;
                let card_challenge = Challenge::S8(card_challenge);
                let prediction = Prediction { kdd: target.card, kvn: target.set.kvn, counter: count, card_challenge };
                (Opening::Foreseen(prediction), keys)
            }
            Beginning::Answered(answer) => {
                let Challenge::S8(challenge) = answer.card_challenge else {
                    return Err(Error::Refused(super::refusal::Refusal::CardUnfit));
                };
                let (_, keys) = self.session(target, host_challenge, CardChallenge::Answered(challenge)).await?;
                (Opening::Answered(answer), keys)
            }
        };
        let session = Session { host_challenge: Challenge::S8(host_challenge), opening, keys };
        Ok(Supplies::new([session], []))
    }

    /// The challenge that a card with pseudo-random ones makes at a count.
    pub(crate) async fn challenge_at(&self, target: &Target, counter: u32) -> Result<[u8; 8], Error> {
        // The keys that come with it belong to a challenge of ours that is never used, and are wiped at once.
        Ok(self.session(target, [0; 8], predicted(target, counter)).await?.0)
    }

    /// Signs a digest.
    pub(crate) async fn sign(&self, key: KeyVersion, digest: [u8; 32]) -> Result<[u8; 64], Error> {
        self.ask(move |hsm| hsm.sign(&key, &digest)).await
    }
}

fn predicted(target: &Target, counter: u32) -> CardChallenge {
    CardChallenge::Predicted { counter, df_name: target.set.df.as_bytes().to_vec() }
}
