//! `key create`: the next version of a key, born in the token as `init` bears those of keys.toml.

use crate::birth_policy::{Work, refuse_by_policy};
use crate::error::Error;
use crate::init::{self, Settled};
use crate::keys_file::{KeyEntry, KeySource};
use crate::length::KeyLength;
use crate::login::{LoggedIn, TokenConfig, log_in};
use crate::name::{KeyName, KeyVersion};
use crate::registry::Registry;
use crate::route::Routes;
use crate::scheme::Scheme;
use crate::token::module::Access;
use std::num::NonZeroU32;
use std::path::Path;

/// What is to be made.
#[derive(Debug, Clone)]
pub struct Order<'a> {
    /// The key.
    pub name: &'a KeyName,
    /// How the keys of a card come from it.
    pub scheme: Scheme,
    /// How long they are.
    pub length: KeyLength,
    /// KEKs that it is wrapped under at its birth, each ACTIVE in the token.
    pub keks: &'a [KeyName],
    /// Folder for the blobs.
    pub blobs: Option<&'a Path>,
}

/// Makes the next version, or finishes the last one when its birth was cut.
///
/// # Errors
/// [`Error::Policy`] for KEKs without a folder, for a kind that is not wrapped at its birth, and for KEKs born in production;
/// [`Error::NoActiveVersion`] for a KEK that is not there; [`Error::Differs`] when a cut birth was to become something else; everything
/// that the way to the token can give.
pub fn run(config: &TokenConfig, registry: &Registry, order: &Order<'_>) -> Result<Settled, Error> {
    let kind = order.name.kind();
    if !order.keks.is_empty() && !kind.travels() {
        return Err(Error::Policy {
            what: format!("`{}` is a {} key, and those are not wrapped at their birth", order.name, kind.as_str()),
            remedy: "leave --kek out; keys that cards come from, index, activation and vault can be wrapped",
        });
    }
    let key = KeyEntry {
        name: order.name.clone(),
        source: KeySource::Birth,
        scheme: order.scheme,
        length: order.length,
        keks: order.keks.to_vec(),
        check: None,
    };
    let work = Work { token: config, blobs: order.blobs };
    refuse_by_policy(work, &key)?;
    let _alone = config.files().lock_init()?;
    let LoggedIn { token, door } = log_in(config, Access::ReadWrite)?;
    let routes = Routes::find(&token, &door, &config.provider)?;
    init::settle(&door, routes, work, registry, (&key, &next(registry, order.name)?))
}

/// The version after the last, or the last when its birth is not finished.
fn next(registry: &Registry, name: &KeyName) -> Result<KeyVersion, Error> {
    let last = registry.list()?.into_iter().rfind(|record| record.version.name == *name);
    let Some(last) = last else { return Ok(KeyVersion::first(name.clone())) };
    if last.check_value.is_none() {
        return Ok(last.version);
    }
    let number = last.version.number.get().checked_add(1).and_then(NonZeroU32::new);
    let number = number.ok_or_else(|| Error::Registry { text: format!("{} has no next version", last.version) })?;
    Ok(name.clone().version(number))
}
