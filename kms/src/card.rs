//! One card's request, executed: every static key is derived at most once, with exactly the rights the request needs, and all of
//! them are destroyed by closing the session they live in.

use crate::check_value::{CheckValue, Method};
use crate::derive::{Master, Purpose, gp_kcv};
use crate::error::Error;
use crate::length::KeyLength;
use crate::message::{CardAnswer, CardChallenge, CardRequest, CardStep, StepAnswer, WrappedKey};
use crate::name::KeyVersion;
use crate::scp03::{self, ChannelKeys};
use crate::sealed::{SealedKey, SealedSet};
use crate::token::Door;
use crate::token::template::{Leaves, Right, Template};
use cryptoki::object::ObjectHandle;
use std::collections::BTreeMap;

/// The purposes of a set, in the order of PUT KEY (KID 01, 02, 03).
pub(crate) const SET: [Purpose; 3] = [Purpose::Enc, Purpose::Mac, Purpose::Dek];

/// What a request does with one static card key. Rights follow from this and from nothing else.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Uses {
    /// Session keys and challenges are made from it.
    opens: Used,
    /// Other keys are wrapped by it.
    wraps: Used,
    /// It goes onto the card, wrapped, with its KCV.
    goes: Used,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Used {
    #[default]
    No,
    Yes,
}

impl Uses {
    fn template(self, length: KeyLength) -> Template {
        let mut rights = Vec::with_capacity(3);
        if self.opens == Used::Yes {
            rights.push(Right::Sign);
        }
        if self.wraps == Used::Yes {
            rights.push(Right::Wrap);
        }
        if self.goes == Used::Yes {
            rights.push(Right::Encrypt);
        }
        let leaves = if self.goes == Used::Yes { Leaves::Wrapped } else { Leaves::Never };
        Template::session_key(length.value_len(), &rights, leaves)
    }
}

/// Every static key that a request needs, and what for.
#[derive(Debug, Default)]
struct Plan<'a>(BTreeMap<(&'a KeyVersion, Purpose), Uses>);

impl<'a> Plan<'a> {
    fn of(steps: &'a [CardStep]) -> Self {
        let mut plan = Self::default();
        for step in steps {
            match step {
                CardStep::OpenSession { key, .. } => {
                    plan.uses(key, Purpose::Enc).opens = Used::Yes;
                    plan.uses(key, Purpose::Mac).opens = Used::Yes;
                }
                CardStep::WrapKeySet { new, under } => {
                    plan.uses(under, Purpose::Dek).wraps = Used::Yes;
                    for purpose in SET {
                        plan.uses(new, purpose).goes = Used::Yes;
                    }
                }
                CardStep::WrapSealedSet { under, .. } => plan.uses(under, Purpose::Dek).wraps = Used::Yes,
            }
        }
        plan
    }

    fn uses(&mut self, key: &'a KeyVersion, purpose: Purpose) -> &mut Uses {
        self.0.entry((key, purpose)).or_default()
    }
}

/// The static keys of one card, in the token, for the life of one session.
struct StaticKeys<'a> {
    door: &'a Door,
    handles: BTreeMap<(&'a KeyVersion, Purpose), (ObjectHandle, KeyLength)>,
}

impl<'a> StaticKeys<'a> {
    fn derive(
        door: &'a Door,
        request: &'a CardRequest,
        masters: &impl Fn(&KeyVersion) -> Result<&'a Master, Error>,
    ) -> Result<Self, Error> {
        let mut handles = BTreeMap::new();
        for ((version, purpose), uses) in Plan::of(&request.steps).0 {
            let master = masters(version)?;
            let handle = master.card_key(door, &request.kdd, purpose, &uses.template(master.length()))?;
            handles.insert((version, purpose), (handle, master.length()));
        }
        Ok(Self { door, handles })
    }

    fn handle(&self, version: &KeyVersion, purpose: Purpose) -> Result<(ObjectHandle, KeyLength), Error> {
        self.handles
            .get(&(version, purpose))
            .copied()
            .ok_or(Error::BadRequest { what: "a step needs a key that the plan does not have" })
    }

    fn open(&self, key: &KeyVersion, host: &[u8; 8], challenge: &CardChallenge) -> Result<StepAnswer, Error> {
        let ((enc, length), (mac, _)) = (self.handle(key, Purpose::Enc)?, self.handle(key, Purpose::Mac)?);
        let keys = ChannelKeys { enc, mac, length };
        let card_challenge = match challenge {
            CardChallenge::Answered(challenge) => *challenge,
            CardChallenge::Predicted { counter, df_name } => {
                scp03::card_challenge(self.door, keys.enc, *counter, df_name)?
            }
        };
        let keys = scp03::session_keys(self.door, keys, host, &card_challenge)?;
        Ok(StepAnswer::Session { card_challenge, keys })
    }

    /// PUT KEY's three keys (GlobalPlatform Card Specification 2.3.1 §11.8.2.3, Amendment D §7.2: AES-CBC, IV 0, under Key-DEK).
    fn wrap(&self, new: &KeyVersion, under: &KeyVersion) -> Result<StepAnswer, Error> {
        let (dek, _) = self.handle(under, Purpose::Dek)?;
        let wrapped = |purpose| {
            let (key, length) = self.handle(new, purpose)?;
            Ok::<_, Error>(WrappedKey {
                ciphertext: self.door.wrap_cbc(dek, key, length)?,
                kcv: gp_kcv(self.door, key)?,
            })
        };
        Ok(StepAnswer::KeySet([wrapped(Purpose::Enc)?, wrapped(Purpose::Mac)?, wrapped(Purpose::Dek)?]))
    }

    /// The same of keys that come sealed.
    fn wrap_sealed(&self, set: &SealedSet, kek: ObjectHandle, under: &KeyVersion) -> Result<StepAnswer, Error> {
        let (dek, _) = self.handle(under, Purpose::Dek)?;
        let wrapped = |key: &SealedKey| {
            let handle = unseal(self.door, kek, key, &set.of)?;
            let ciphertext = self.door.wrap_cbc(dek, handle, key.blob.length())?;
            Ok::<_, Error>(WrappedKey { ciphertext, kcv: key.kcv })
        };
        let [enc, mac, dek] = &set.keys;
        Ok(StepAnswer::KeySet([wrapped(enc)?, wrapped(mac)?, wrapped(dek)?]))
    }
}

/// Lets a sealed key into the session and proves by its check value that it is the one that was sealed.
fn unseal(door: &Door, kek: ObjectHandle, key: &SealedKey, of: &KeyVersion) -> Result<ObjectHandle, Error> {
    let handle = door.unwrap_kw(kek, key.blob.as_bytes(), &Template::card_key_unwrapped())?;
    let found = gp_kcv(door, handle)?;
    if found == key.kcv {
        return Ok(handle);
    }
    let value = |kcv: &[u8; 3]| CheckValue::new(Method::Gp, kcv);
    Err(Error::KcvMismatch { version: of.clone(), expected: value(&key.kcv), found: value(&found) })
}

/// Computes a request in a session of its own; whatever happens, the session is closed and its keys are gone.
pub(crate) fn answer<'a>(
    door: Door,
    request: &CardRequest,
    masters: impl Fn(&KeyVersion) -> Result<&'a Master, Error>,
    keks: impl Fn(&KeyVersion) -> Result<ObjectHandle, Error>,
) -> Result<CardAnswer, Error> {
    request.check()?;
    let keys = StaticKeys::derive(&door, request, &|version: &KeyVersion| masters(version))?;
    let steps = request.steps.iter().map(|step| match step {
        CardStep::OpenSession { key, host_challenge, challenge } => keys.open(key, host_challenge, challenge),
        CardStep::WrapKeySet { new, under } => keys.wrap(new, under),
        CardStep::WrapSealedSet { set, under } => keys.wrap_sealed(set, keks(&set.kek)?, under),
    });
    let steps = steps.collect::<Result<Vec<_>, _>>()?;
    drop(keys);
    Ok(CardAnswer { steps, calls: door.close()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gets_the_rights_of_all_its_uses_and_no_other() {
        let key = |text: &str| text.parse::<KeyVersion>().unwrap();
        let open = |text| CardStep::OpenSession {
            key: key(text),
            host_challenge: [0; 8],
            challenge: CardChallenge::Answered([0; 8]),
        };
        let steps = [
            open("initial@1"),
            CardStep::WrapKeySet { new: key("issuer@1"), under: key("initial@1") },
            open("issuer@1"),
        ];
        let plan = Plan::of(&steps);
        let seen = |name: &str, purpose| {
            let uses = plan.0.get(&(&key(name), purpose)).copied();
            uses.map(|uses| [uses.opens, uses.wraps, uses.goes].map(|used| used == Used::Yes))
        };
        assert_eq!(plan.0.len(), 6);
        assert_eq!(seen("initial@1", Purpose::Enc), Some([true, false, false]));
        assert_eq!(seen("initial@1", Purpose::Mac), Some([true, false, false]));
        assert_eq!(seen("initial@1", Purpose::Dek), Some([false, true, false]));
        assert_eq!(seen("issuer@1", Purpose::Enc), Some([true, false, true]));
        assert_eq!(seen("issuer@1", Purpose::Mac), Some([true, false, true]));
        assert_eq!(seen("issuer@1", Purpose::Dek), Some([false, false, true]));
    }
}
