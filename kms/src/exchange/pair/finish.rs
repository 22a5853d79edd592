//! The third step, where keys come to: the KEK out of the reply, held against the maker's check value and tried as every KEK is.

use super::file::{self, Fingerprint, Reply, Written};
use super::offer::{made, modulus};
use super::{PairError, Paired, agree, half, is_open, proved};
use crate::check_value::CheckValue;
use crate::duty;
use crate::error::Error;
use crate::kek_probe;
use crate::login::{LoggedIn, TokenConfig, log_in};
use crate::master;
use crate::name::{KeyKind, KeyVersion};
use crate::registry::Registry;
use crate::route::Routes;
use crate::token::Door;
use crate::token::keys::{self, Found, LETS_IN};
use crate::token::module::Access;
use crate::token::template::{Home, Template};
use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};

/// What is to be finished.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The peer's reply.
    pub reply: &'a Written<Reply>,
    /// Its fingerprint, as the peer's officer says it.
    pub said: Fingerprint,
    /// Name of this site, as the offer had it.
    pub from: &'a str,
}

/// Lets the KEK in and registers it; the pair goes. A run that was killed is finished by the same command.
///
/// # Errors
/// [`PairError`]; [`Error::KcvMismatch`] when the KEK is not the one that was sealed; [`crate::exchange::ExchangeError::KekLeaks`]; everything that the way to the token can give.
pub fn run(config: &TokenConfig, registry: &Registry, order: Order<'_>) -> Result<Paired, Error> {
    let reply = &order.reply.says;
    order.reply.refuse_foreign(order.said)?;
    let version = &reply.asked;
    let not_open = || PairError::NotOpen { version: version.clone() };
    let record = match registry.version(version) {
        Err(Error::VersionUnknown { .. }) => return Err(not_open().into()),
        other => other?,
    };
    let home = record.home();
    let _alone = config.files().lock_init()?;
    let LoggedIn { token, door } = log_in(config, Access::ReadWrite)?;
    let found = keys::find(&door, &home, version)?;
    if !is_open(&record) {
        // Finished by an earlier run, by this reply or another one.
        let check_value = proved(&door, version, found.required(version, &home)?)?;
        agree(version, &reply.check_value, &check_value)?;
        forget_pair(&door, &home)?;
        return Ok(Paired { state: record.state, check_value });
    }
    let kek = match found {
        Found::One(left) if proved(&door, version, left).is_ok_and(|value| value == reply.check_value) => left,
        left => {
            if let Found::One(left) = left {
                door.destroy(left)?;
            }
            let pair = half(&door, &home, Attribute::Class(ObjectClass::PRIVATE_KEY))?.ok_or_else(not_open)?;
            answers(&door, config, order, &home)?;
            let kek = Template::kek_unwrapped(&home, LETS_IN);
            let lets_in = Template::let_in_by(version.name.kind()).ok_or_else(not_open)?;
            door.unwrap_oaep(pair, (&reply.sealed, reply.oaep), &kek, &lets_in)?
        }
    };
    let check_value = refuse_wrong(&door, version, kek, &reply.check_value)?;
    master::sync(config, Access::ReadWrite)?;
    let routes = Routes::find(&token, &door, &config.provider)?;
    let state = registry.complete(version, &duty::check_value(&door, routes, &record, kek)?)?;
    forget_pair(&door, &home)?;
    master::sync(config, Access::ReadWrite)?;
    Ok(Paired { state, check_value })
}

/// Refuses a reply to another offer than the one whose pair is in the token.
fn answers(door: &Door, config: &TokenConfig, order: Order<'_>, home: &Home) -> Result<(), Error> {
    let version = &order.reply.says.asked;
    let other = || PairError::OtherOffer { version: version.clone() };
    let public = half(door, home, Attribute::Class(ObjectClass::PUBLIC_KEY))?.ok_or_else(other)?;
    let offer = made(config, version, order.from, modulus(door, public, version)?);
    if file::digest(&offer.line()?) == order.reply.says.offer { Ok(()) } else { Err(other().into()) }
}

/// A KEK that is not the sealed one, or under which keys come in readable, does not stay.
fn refuse_wrong(
    door: &Door,
    version: &KeyVersion,
    kek: ObjectHandle,
    expected: &CheckValue,
) -> Result<CheckValue, Error> {
    let right = || {
        let value = proved(door, version, kek)?;
        agree(version, expected, &value)?;
        if version.name.kind() != KeyKind::CardKek {
            kek_probe::refuse_leak(door, kek, version)?;
        }
        Ok(value)
    };
    right().or_else(|error| door.destroy(kek).and(Err(error)))
}

fn forget_pair(door: &Door, home: &Home) -> Result<(), Error> {
    for class in [ObjectClass::PRIVATE_KEY, ObjectClass::PUBLIC_KEY] {
        while let Some(left) = half(door, home, Attribute::Class(class))? {
            door.destroy(left)?;
        }
    }
    Ok(())
}
