//! The steps for a card without files: a key set loaded, the one before it gone, the new one proved.
//!
//! A set is proved by a session of its own in which the card lists that set and no other. PUT KEY is done whole or not at all,
//! so a cut leaves the old set or the new one, and the key information tells which: no step can run twice.

use super::{Action, Builder, ChannelId, FoundSet, KeyLoad, Stage};
use crate::command::Placement;
use crate::id::Kvn;
use crate::key_name::KeyName;
use crate::profile::{Delivered, Domain, LoadedSet, OldSet};

/// What a stage does.
pub(super) fn issue(domain: &Domain, stage: Stage) -> Builder {
    match (stage, domain.delivered) {
        (Stage::Zeroth, Delivered::Initial { kvn, transport }) => {
            let mut plan = Builder::new(stage, domain.set(kvn, &KeyName::Initial));
            plan.exchange(domain, transport, &KeyName::Transport);
            plan
        }
        // The card maker has done what this stage is for.
        (Stage::Zeroth, Delivered::Transport { kvn }) => Builder::new(stage, domain.set(kvn, &KeyName::Transport)),
        (Stage::First, delivered) => {
            let mut plan = Builder::new(stage, domain.set(transport(delivered), &KeyName::Transport));
            plan.exchange(domain, domain.issuer, &KeyName::Issuer);
            plan
        }
    }
}

/// What a card must be after the stage `last`.
pub(super) fn audit(domain: &Domain, last: Stage) -> Builder {
    let set = match last {
        Stage::Zeroth => domain.set(transport(domain.delivered), &KeyName::Transport),
        Stage::First => domain.set(domain.issuer.kvn, &KeyName::Issuer),
    };
    let kvn = set.kvn;
    let mut plan = Builder::new(last, set);
    plan.step("key sets", Action::ExpectKeySets(vec![kvn]));
    plan
}

/// The number of the transport set, whoever loads it.
const fn transport(delivered: Delivered) -> Kvn {
    match delivered {
        Delivered::Initial { transport, .. } => transport.kvn,
        Delivered::Transport { kvn } => kvn,
    }
}

impl Domain {
    fn set(&self, kvn: Kvn, key: &KeyName) -> ChannelId {
        ChannelId { df: self.aid.clone(), kvn, key: key.to_string() }
    }
}

impl Builder {
    /// From the set of the present channel to another one.
    fn exchange(&mut self, domain: &Domain, LoadedSet { kvn, old_set }: LoadedSet, key: &KeyName) {
        let old = self.channel.clone();
        let placement = match old_set {
            OldSet::Replaced => Placement::Replace(old.kvn),
            OldSet::Vanishes | OldSet::Deleted => Placement::Add,
        };
        let set = domain.set(kvn, key);
        let load = KeyLoad { set: set.clone(), placement, form: domain.key_field, found: FoundSet::Stays };
        self.step(format!("load the {key} set"), Action::PutKey(load));
        self.channel(set);
        if old_set == OldSet::Deleted {
            self.step(format!("delete the {} set", old.key), Action::DeleteKey(old.kvn));
        }
        self.step(format!("prove the {key} set"), Action::ExpectKeySets(vec![kvn]));
    }
}
