//! What the line asks of the HSM for one new `membership-4ap` card: eight sessions and six key sets in one request.
//!
//! The order is that of the line: first every channel of the plan, then every key set. The first channel's challenge comes from the card;
//! all others are predicted, because the set is one that this very script loads.

use crate::doing::Doing;
use crate::product;
use fuda_card::personalisation::{Action, ChannelId, Plan};
use fuda_cli::Failure;
use fuda_kms::{CardChallenge, CardRequest, CardStep, KeyName, KeyVersion, Registry};
use std::collections::BTreeMap;

/// The versions that issue now, by key name.
#[derive(Debug)]
pub struct Pins(BTreeMap<KeyName, KeyVersion>);

impl Pins {
    /// Of every key that the plan uses.
    ///
    /// # Errors
    /// When a key has no ACTIVE version.
    pub fn read(registry: &Registry, plan: &Plan) -> Result<Self, Failure> {
        let mut pins = BTreeMap::new();
        for name in plan.key_names() {
            let name: KeyName = name.parse().doing("read a key name of the plan")?;
            pins.insert(name.clone(), registry.active(&name)?.version);
        }
        Ok(Self(pins))
    }

    /// The first version of every key that the plan uses, whether a token has it or not.
    ///
    /// # Errors
    /// When the plan names a key that cannot exist.
    pub fn first(plan: &Plan) -> Result<Self, Failure> {
        let first = |name: &str| {
            Ok((name.parse().doing("read a key name")?, format!("{name}@1").parse().doing("read a version")?))
        };
        plan.key_names().map(first).collect::<Result<_, _>>().map(Self)
    }

    /// The pins as a job keeps them.
    #[must_use]
    pub fn to_map(&self) -> BTreeMap<KeyName, KeyVersion> {
        self.0.clone()
    }

    /// The version behind a key set.
    ///
    /// # Errors
    /// When its key is not pinned.
    pub fn version(&self, set: &ChannelId) -> Result<KeyVersion, Failure> {
        let name: KeyName = set.key.parse().doing("read a key name of the plan")?;
        self.0.get(&name).cloned().ok_or("it is not pinned").doing("find a key of the plan")
    }
}

/// The request of a card; its identity and first challenge are filled in for each chip.
///
/// # Errors
/// When a key is missing or there is no randomness.
pub fn whole_card(registry: &Registry, pins: &Pins) -> Result<CardRequest, Failure> {
    let plan = product::plan()?;
    let mut openings: Vec<&ChannelId> = Vec::new();
    let (mut sessions, mut sets) = (Vec::new(), Vec::new());
    for step in plan.steps() {
        if openings.last().is_none_or(|last| **last != step.channel) {
            let mut host_challenge = [0; 8];
            getrandom::fill(&mut host_challenge).doing("get random numbers")?;
            let before = openings.iter().filter(|opening| ***opening == step.channel).count();
            let counter = u32::try_from(before + 1).doing("count a channel's openings")?;
            let challenge = if openings.is_empty() {
                CardChallenge::Answered([0; 8])
            } else {
                CardChallenge::Predicted { counter, df_name: step.channel.df.as_bytes().to_vec() }
            };
            sessions.push(CardStep::OpenSession { key: pins.version(&step.channel)?, host_challenge, challenge });
            openings.push(&step.channel);
        }
        if let Action::PutKey(load) = &step.action {
            let set = &load.set;
            sets.push(CardStep::WrapKeySet { new: pins.version(set)?, under: pins.version(&step.channel)? });
        }
    }
    sessions.append(&mut sets);
    Ok(CardRequest { epoch: registry.epoch()?, kdd: [0; 10], steps: sessions })
}

/// The same request for a chip that answered a challenge.
#[must_use]
pub fn for_chip(request: &CardRequest, kdd: [u8; 10], answered: [u8; 8]) -> CardRequest {
    let mut request = CardRequest { kdd, ..request.clone() };
    if let Some(CardStep::OpenSession { challenge, .. }) = request.steps.first_mut() {
        *challenge = CardChallenge::Answered(answered);
    }
    request
}
