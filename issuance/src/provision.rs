//! What a script needs from the HSM, fetched in one request as soon as the chip is known.
//!
//! The first channel's challenge is the card's; the challenges of the sets that this script loads itself are predicted, because a new
//! set's counter starts at 1. What was not predicted, or was predicted wrongly, is asked for one by one.

use crate::error::Error;
use crate::journal::Refusal;
use crate::key_plan::KeyPlan;
use crate::walk::Route;
use fuda_card::command::KeyComponent;
use fuda_card::crypto::{Kcv, KeyLength};
use fuda_card::id::Kdd;
use fuda_card::personalisation::{Action, ChannelId};
use fuda_card::scp03::{Challenge, InitializeUpdateResponse, SessionKeys};
use fuda_card::script::Standing;
use fuda_kms::message::{CardAnswer, CardChallenge, CardRequest, CardStep, StepAnswer};
use fuda_kms::sets::SetsFile;
use fuda_kms::{Hsm, KeyName};
use std::collections::VecDeque;
use std::sync::Arc;

/// The needs of one script and what the HSM answered to them.
pub(crate) struct Provision<'h> {
    hsm: &'h Hsm,
    openings: VecDeque<Opening>,
    key_sets: VecDeque<KeySet>,
    fetched: bool,
    calls: u32,
    sets: Option<Arc<SetsFile>>,
}

/// A channel that the script will open.
struct Opening {
    channel: ChannelId,
    host_challenge: [u8; 8],
    /// Counter of the set at that opening, for a set that this script loads.
    counter: Option<u32>,
    session: Option<([u8; 8], SessionKeys)>,
}

/// A set that the script may load.
struct KeySet {
    set: ChannelId,
    under: ChannelId,
    keys: Option<[KeyComponent; 3]>,
}

impl<'h> Provision<'h> {
    /// Reads the needs of a plan from a step on.
    pub(crate) fn new(hsm: &'h Hsm, route: &Route) -> Result<Self, Error> {
        let mut openings: VecDeque<Opening> = VecDeque::new();
        let mut key_sets: VecDeque<KeySet> = VecDeque::new();
        for step in route.plan.steps().iter().skip(route.from) {
            if openings.back().is_none_or(|last| last.channel != step.channel) {
                let mut host_challenge = [0; 8];
                getrandom::fill(&mut host_challenge)
                    .map_err(|_| Error::HsmAnswer { what: "the operating system has no random numbers" })?;
                // A set that a cut-off script may have loaded has a counter that only the card knows.
                let loaded_here =
                    route.standing == Standing::New && key_sets.iter().any(|loaded| loaded.set == step.channel);
                let before = openings.iter().filter(|opening| opening.channel == step.channel).count();
                let counter = if loaded_here { u32::try_from(before + 1).ok() } else { None };
                openings.push_back(Opening { channel: step.channel.clone(), host_challenge, counter, session: None });
            }
            if let Action::PutKey(load) = &step.action {
                key_sets.push_back(KeySet { set: load.set.clone(), under: step.channel.clone(), keys: None });
            }
        }
        Ok(Self { hsm, openings, key_sets, fetched: false, calls: 0, sets: route.sets.clone() })
    }

    /// PKCS#11 functions called.
    pub(crate) const fn calls(&self) -> u32 {
        self.calls
    }

    /// Our challenge in the channel that is opened next.
    pub(crate) fn host_challenge(&self, channel: &ChannelId) -> Result<Challenge, Error> {
        let opening = self.openings.front().filter(|opening| opening.channel == *channel).ok_or(UNPLANNED)?;
        Ok(Challenge::S8(opening.host_challenge))
    }

    /// The session keys of the channel that is opened next.
    pub(crate) fn session_keys(
        &mut self,
        keys: &KeyPlan<'_>,
        channel: &ChannelId,
        host_challenge: Challenge,
        answer: &InitializeUpdateResponse,
    ) -> Result<SessionKeys, Error> {
        let (Challenge::S8(host), Challenge::S8(card)) = (host_challenge, answer.card_challenge) else {
            return Err(Error::HsmAnswer { what: "16-byte challenges" });
        };
        if !self.fetched {
            self.fetch(keys, answer.kdd, card)?;
        }
        let opening = self.openings.pop_front().filter(|opening| opening.channel == *channel).ok_or(UNPLANNED)?;
        match opening.session {
            Some((predicted, session)) if predicted == card => Ok(session),
            _ => self.ask_session(keys.version(channel)?, answer.kdd, host, card),
        }
    }

    /// The keys of the set that is loaded next, wrapped.
    pub(crate) fn key_set(&mut self, set: &ChannelId) -> Result<[KeyComponent; 3], Error> {
        let wanted = self.key_sets.iter_mut().find(|key_set| key_set.set == *set).ok_or(UNPLANNED)?;
        wanted.keys.take().ok_or(UNPLANNED)
    }

    /// Everything that can be known now, in one request.
    fn fetch(&mut self, keys: &KeyPlan<'_>, kdd: Kdd, first_challenge: [u8; 8]) -> Result<(), Error> {
        let mut steps = Vec::new();
        let mut wanted: Vec<&mut Opening> = Vec::new();
        for (number, opening) in self.openings.iter_mut().enumerate() {
            let challenge = match (number, opening.counter) {
                (0, _) => CardChallenge::Answered(first_challenge),
                (_, Some(counter)) => {
                    CardChallenge::Predicted { counter, df_name: opening.channel.df.as_bytes().to_vec() }
                }
                (_, None) => continue,
            };
            let key = keys.version(&opening.channel)?;
            steps.push(CardStep::OpenSession { key, host_challenge: opening.host_challenge, challenge });
            wanted.push(opening);
        }
        for key_set in &self.key_sets {
            steps.push(load(keys, key_set, kdd, self.sets.as_deref())?);
        }
        let request = CardRequest { epoch: self.hsm.epoch()?, kdd: *kdd.as_bytes(), steps };
        let CardAnswer { steps, calls } = self.hsm.card(request)?;
        let mut answers = steps.into_iter();
        for opening in wanted {
            opening.session = Some(session(answers.next())?);
        }
        for key_set in &mut self.key_sets {
            key_set.keys = Some(components(answers.next().as_ref())?);
        }
        self.calls += calls;
        self.fetched = true;
        Ok(())
    }

    fn ask_session(
        &mut self,
        key: fuda_kms::KeyVersion,
        kdd: Kdd,
        host_challenge: [u8; 8],
        card: [u8; 8],
    ) -> Result<SessionKeys, Error> {
        let steps = vec![CardStep::OpenSession { key, host_challenge, challenge: CardChallenge::Answered(card) }];
        let request = CardRequest { epoch: self.hsm.epoch()?, kdd: *kdd.as_bytes(), steps };
        let CardAnswer { steps, calls } = self.hsm.card(request)?;
        self.calls += calls;
        Ok(session(steps.into_iter().next())?.1)
    }
}

const UNPLANNED: Error = Error::HsmAnswer { what: "the script asks for what its plan does not contain" };

/// The step for a set that is loaded: derived here, or, for the recovery set, made elsewhere for this very chip.
fn load(keys: &KeyPlan<'_>, load: &KeySet, kdd: Kdd, sets: Option<&SetsFile>) -> Result<CardStep, Error> {
    let (new, under) = (keys.version(&load.set)?, keys.version(&load.under)?);
    if new.name != KeyName::Recovery {
        return Ok(CardStep::WrapKeySet { new, under });
    }
    let sets = sets.ok_or_else(|| Error::KeyNotPinned { key: load.set.key.clone() })?;
    let set = sets.set(kdd.as_bytes())?.ok_or(Error::Refused { refusal: Refusal::NoRecoverySet })?;
    Ok(CardStep::WrapSealedSet { set: Box::new(set), under })
}

fn session(answer: Option<StepAnswer>) -> Result<([u8; 8], SessionKeys), Error> {
    let Some(StepAnswer::Session { card_challenge, keys }) = answer else {
        return Err(Error::HsmAnswer { what: "session keys are missing" });
    };
    let keys = SessionKeys::new(keys.s_enc.expose(), keys.s_mac.expose(), keys.s_rmac.expose())
        .map_err(|_| Error::HsmAnswer { what: "session keys of different lengths" })?;
    Ok((card_challenge, keys))
}

fn components(answer: Option<&StepAnswer>) -> Result<[KeyComponent; 3], Error> {
    let Some(StepAnswer::KeySet(wrapped)) = answer else {
        return Err(Error::HsmAnswer { what: "a wrapped key set is missing" });
    };
    let mut components = Vec::with_capacity(wrapped.len());
    for key in wrapped {
        let length = match key.ciphertext.length() {
            fuda_kms::KeyLength::Aes128 => KeyLength::Aes128,
            fuda_kms::KeyLength::Aes256 => KeyLength::Aes256,
        };
        let component = KeyComponent::new(key.ciphertext.as_bytes(), length, Kcv::new(key.kcv));
        components.push(component.map_err(|_| Error::HsmAnswer { what: "a wrapped key of another length" })?);
    }
    components.try_into().map_err(|_| Error::HsmAnswer { what: "a key set of other than three keys" })
}
