//! `init`: a token that holds exactly the keys of keys.toml, registered; run again, it finishes what was cut and changes nothing else.

use crate::birth::{self, Export, Kek};
use crate::birth_policy::{Work, refuse_birth, refuse_by_policy, refuse_unwrapped_birth};
use crate::check_value::CheckValue;
use crate::duty::{check_value, compare};
use crate::error::Error;
use crate::keys_file::{KeyEntry, KeySource, KeysFile};
use crate::label::TokenLabel;
use crate::login::{LoggedIn, TokenConfig, log_in};
use crate::make_token::{ensure_token, refuse_making};
use crate::master;
use crate::name::{KeyKind, KeyName, KeyVersion};
use crate::registry::{Intent, Origin, Record, Registry};
use crate::route::Routes;
use crate::state::{State, Use};
use crate::token::keys::{self, Found};
use crate::token::module::Access;
use crate::token::reported::{Reported, Strictness};
use crate::token::template::Home;
use crate::token::{Door, Module};
use std::path::{Path, PathBuf};

/// What is asked of `init`.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The token.
    pub token: &'a TokenConfig,
    /// The keys.
    pub keys: &'a KeysFile,
    /// Folder for blobs wrapped under KEKs.
    pub blobs: Option<&'a Path>,
}

impl<'a> Order<'a> {
    const fn work(&self) -> Work<'a> {
        Work { token: self.token, blobs: self.blobs }
    }
}

/// What became of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// It was there, and as it must be.
    Kept,
    /// It was born now.
    Born,
    /// An earlier `init` was cut during its birth; it is finished now.
    Finished,
    /// A dry run would bear it.
    WouldBear,
    /// A dry run would finish its birth.
    WouldFinish,
}

impl Deed {
    /// The word in tables and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Born => "born",
            Self::Finished => "birth finished",
            Self::WouldBear => "would be born",
            Self::WouldFinish => "birth would be finished",
        }
    }
}

/// A key after `init`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The version.
    pub version: KeyVersion,
    /// What became of it.
    pub deed: Deed,
    /// Its state, once it is registered.
    pub state: Option<State>,
    /// Its check value, once it has one.
    pub check_value: Option<CheckValue>,
}

/// What `init` did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Whether the token was made now (or would be).
    pub token: TokenDeed,
    /// Every key of the file.
    pub keys: Vec<Settled>,
}

/// What became of the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenDeed {
    /// It was there.
    Kept,
    /// It was made; its security officer's PIN is in this file.
    Made(PathBuf),
    /// A dry run would make it.
    WouldMake,
}

/// Says what [`run`] would do, and changes nothing.
///
/// # Errors
/// As [`run`].
pub fn dry_run(order: Order<'_>, registry: &Registry) -> Result<Report, Error> {
    order.keys.keys.iter().try_for_each(|key| refuse_by_policy(order.work(), key))?;
    match Module::load(&order.token.module)?.token(&order.token.label) {
        Ok(_) => {}
        Err(Error::TokenAbsent { .. }) => {
            refuse_making(order.token)?;
            let would = |key: &KeyEntry| would_bear(KeyVersion::first(key.name.clone()));
            return Ok(Report { token: TokenDeed::WouldMake, keys: order.keys.keys.iter().map(would).collect() });
        }
        Err(other) => return Err(other),
    }
    let LoggedIn { token, door } = log_in(order.token, Access::ReadOnly)?;
    let routes = Routes::find(&token, &door, &order.token.provider)?;
    let keys = order.keys.keys.iter().map(|key| {
        match stand(&door, routes, order.work(), registry, (key, &KeyVersion::first(key.name.clone())))? {
            Stand::Absent => Ok(would_bear(KeyVersion::first(key.name.clone()))),
            Stand::Unfinished(record, _) => Ok(Settled {
                version: record.version,
                deed: Deed::WouldFinish,
                state: Some(record.state),
                check_value: None,
            }),
            Stand::Complete(record) => Ok(kept(record)),
        }
    });
    Ok(Report { token: TokenDeed::Kept, keys: keys.collect::<Result<_, Error>>()? })
}

/// Makes the token when its label is absent (test sites only), and every key of the file that is not there.
///
/// # Errors
/// [`Error::Policy`] for public keys, soft tokens and KEKs born in production, and for KEKs without a folder for blobs;
/// [`Error::KeyUnregistered`], [`Error::Differs`], [`Error::KcvMismatch`], [`Error::KeyAttribute`] for what is there and is not as it must be;
/// everything that the way to the token can give.
pub fn run(order: Order<'_>, registry: &Registry) -> Result<Report, Error> {
    order.keys.keys.iter().try_for_each(|key| refuse_by_policy(order.work(), key))?;
    let _alone = order.token.files().lock_init()?;
    let made = ensure_token(order.token)?;
    let LoggedIn { token, door } = log_in(order.token, Access::ReadWrite)?;
    let routes = Routes::find(&token, &door, &order.token.provider)?;
    let keys = order
        .keys
        .keys
        .iter()
        .map(|key| settle(&door, routes, order.work(), registry, (key, &KeyVersion::first(key.name.clone()))));
    Ok(Report { token: made, keys: keys.collect::<Result<_, _>>()? })
}

fn would_bear(version: KeyVersion) -> Settled {
    Settled { version, deed: Deed::WouldBear, state: None, check_value: None }
}

fn kept(record: Record) -> Settled {
    Settled { version: record.version, deed: Deed::Kept, state: Some(record.state), check_value: record.check_value }
}

/// How things stand with a key before anything is done.
enum Stand {
    /// Neither registry nor token knows it.
    Absent,
    /// Its birth was intended and not finished; the object may be there.
    Unfinished(Record, Found),
    /// Registered, in the token, and proved.
    Complete(Record),
}

fn stand(
    door: &Door,
    routes: Routes,
    work: Work<'_>,
    registry: &Registry,
    (key, version): (&KeyEntry, &KeyVersion),
) -> Result<Stand, Error> {
    let record = match registry.version(version) {
        Ok(record) => record,
        Err(Error::VersionUnknown { .. }) => {
            return match keys::find(door, &Home::of(version), version)? {
                Found::None => Ok(Stand::Absent),
                Found::One(_) => Err(Error::KeyUnregistered { version: version.clone() }),
            };
        }
        Err(other) => return Err(other),
    };
    same_wish(&work.token.label, key, &record)?;
    let home = record.home();
    if record.check_value.is_none() {
        let found = keys::find(door, &home, version)?;
        return Ok(Stand::Unfinished(record, found));
    }
    if record.state == State::Destroyed {
        return Ok(Stand::Complete(record));
    }
    let handle = keys::find(door, &home, version)?.required(version, &home)?;
    Reported::read(door, handle)?.check(version, record.scheme, strictness(record.origin))?;
    if record.state.allows(Use::Open) {
        compare(&record, check_value(door, routes, &record, handle)?)?;
    }
    required_check(key, &record)?;
    Ok(Stand::Complete(record))
}

/// How exactly a key of an origin must be as this house makes them.
pub(crate) const fn strictness(origin: Origin) -> Strictness {
    match origin {
        Origin::Born | Origin::Public | Origin::Imported => Strictness::Born,
        Origin::Paired => Strictness::Paired,
        Origin::Adopted => Strictness::Adopted,
    }
}

/// Refuses a file that wants another key than the one that is registered.
pub(crate) fn same_wish(token: &TokenLabel, key: &KeyEntry, record: &Record) -> Result<(), Error> {
    let differs = |what, wanted: String, registered: String| Error::Differs {
        version: record.version.clone(),
        what,
        wanted,
        registered,
    };
    if record.token != *token {
        return Err(differs("the token", token.to_string(), record.token.to_string()));
    }
    let public = key.source == KeySource::GpDefault;
    if public != (record.origin == Origin::Public) || (record.origin == Origin::Paired && record.check_value.is_none())
    {
        let wanted = if public { "public" } else { "born" };
        return Err(differs("the origin", wanted.to_owned(), record.origin.as_str().to_owned()));
    }
    if record.scheme != key.scheme {
        return Err(differs("the scheme", key.scheme.to_string(), record.scheme.to_string()));
    }
    if record.length != key.length {
        return Err(differs("the length", key.length.to_string(), record.length.to_string()));
    }
    if record.origin == Origin::Born && key.keks != record.keks {
        return Err(differs("the list of KEKs", names(&key.keks), names(&record.keks)));
    }
    Ok(())
}

fn names(keks: &[KeyName]) -> String {
    format!("[{}]", keks.iter().map(KeyName::to_string).collect::<Vec<_>>().join(", "))
}

/// Refuses a registered key whose check value is not the one that the file asks for.
pub(crate) fn required_check(key: &KeyEntry, record: &Record) -> Result<(), Error> {
    match (&key.check, &record.check_value) {
        (Some(expected), Some(found)) if expected != found => Err(Error::KcvMismatch {
            version: record.version.clone(),
            expected: expected.clone(),
            found: found.clone(),
        }),
        _ => Ok(()),
    }
}

/// Makes a version as a list or a command wishes it, or finishes it, or finds it as it must be.
pub(crate) fn settle(
    door: &Door,
    routes: Routes,
    work: Work<'_>,
    registry: &Registry,
    (key, version): (&KeyEntry, &KeyVersion),
) -> Result<Settled, Error> {
    let deed = match stand(door, routes, work, registry, (key, version))? {
        Stand::Complete(record) => return Ok(kept(record)),
        Stand::Absent => {
            refuse_birth(work, key)?;
            if key.name.kind() == KeyKind::Derivation {
                // A key that nothing can be derived from here is not born here.
                routes.of(key.length)?;
            }
            refuse_unwrapped_birth(work, key)?;
            registry.intend(&intent(work, key, version))?;
            Deed::Born
        }
        Stand::Unfinished(record, Found::One(handle)) => {
            // A kill inside the library may leave an object without a value. No card has met it: make it anew.
            let whole = Reported::read(door, handle)?.check(&record.version, record.scheme, strictness(record.origin));
            if let Ok(value) = whole.and_then(|()| check_value(door, routes, &record, handle)) {
                return finish(registry, key, record, value, Deed::Finished);
            }
            door.destroy(handle)?;
            Deed::Finished
        }
        Stand::Unfinished(_, Found::None) => Deed::Finished,
    };
    let record = registry.version(version)?;
    let home = record.home();
    match key.source {
        KeySource::GpDefault => birth::create_gp_default(door, &home, record.scheme)?,
        KeySource::Birth => birth::bear(door, version, record.length, &home, &export(door, work, registry, key)?)?,
    }
    let handle = keys::find(door, &home, version)?.required(version, &home)?;
    Reported::read(door, handle)?.check(version, record.scheme, Strictness::Born)?;
    let value = check_value(door, routes, &record, handle)?;
    // A registered key must not be lost with the machine's power.
    master::sync(work.token, Access::ReadWrite)?;
    finish(registry, key, record, value, deed)
}

fn finish(
    registry: &Registry,
    key: &KeyEntry,
    mut record: Record,
    value: CheckValue,
    deed: Deed,
) -> Result<Settled, Error> {
    record.check_value = Some(value.clone());
    required_check(key, &record)?;
    let state = registry.complete(&record.version, &value)?;
    Ok(Settled { version: record.version, deed, state: Some(state), check_value: Some(value) })
}

fn intent(work: Work<'_>, key: &KeyEntry, version: &KeyVersion) -> Intent {
    Intent {
        home: Home::of(version),
        version: version.clone(),
        token: work.token.label.clone(),
        origin: if key.source == KeySource::GpDefault { Origin::Public } else { Origin::Born },
        scheme: key.scheme,
        length: key.length,
        keks: key.keks.clone(),
        peer: None,
    }
}

/// The ACTIVE version of each KEK of a policy, found in the token.
fn export<'a>(door: &Door, work: Work<'a>, registry: &Registry, key: &KeyEntry) -> Result<Export<'a>, Error> {
    let keks = key.keks.iter().map(|name| {
        let record = registry.active(name)?;
        let home = record.home();
        let handle = keys::find(door, &home, &record.version)?.required(&record.version, &home)?;
        Ok(Kek { version: record.version, handle })
    });
    Ok(Export { keks: keks.collect::<Result<_, Error>>()?, folder: work.blobs })
}
