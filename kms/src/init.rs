//! `init`: a token that holds exactly the keys of keys.toml, registered; run again, it finishes what was cut and changes nothing else.

use crate::birth::{self, Export, Kek};
use crate::check_value::CheckValue;
use crate::duty::{check_value, compare};
use crate::error::Error;
use crate::keys_file::{KeyEntry, KeySource, KeysFile};
use crate::login::{LoggedIn, TokenConfig, log_in};
use crate::make_token::{ensure_token, refuse_making};
use crate::name::{KeyKind, KeyName, KeyVersion};
use crate::provider::KeyWrap;
use crate::registry::{Intent, Origin, Record, Registry};
use crate::route::Routes;
use crate::state::{State, Use};
use crate::token::keys::{self, Found, Reported, Strictness};
use crate::token::module::Access;
use crate::token::template::Home;
use crate::token::{Door, Module};
use fuda_cli::config::Mode;
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
    refuse_by_policy(&order)?;
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
    let keys = order.keys.keys.iter().map(|key| match stand(&door, routes, &order, registry, key)? {
        Stand::Absent => Ok(would_bear(KeyVersion::first(key.name.clone()))),
        Stand::Unfinished(record, _) => Ok(Settled {
            version: record.version,
            deed: Deed::WouldFinish,
            state: Some(record.state),
            check_value: None,
        }),
        Stand::Complete(record) => Ok(kept(record)),
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
    refuse_by_policy(&order)?;
    let _alone = order.token.files().lock_init()?;
    let made = ensure_token(order.token)?;
    let LoggedIn { token, door } = log_in(order.token, Access::ReadWrite)?;
    let routes = Routes::find(&token, &door, &order.token.provider)?;
    let keys = order.keys.keys.iter().map(|key| settle(&door, routes, &order, registry, key));
    Ok(Report { token: made, keys: keys.collect::<Result<_, _>>()? })
}

fn would_bear(version: KeyVersion) -> Settled {
    Settled { version, deed: Deed::WouldBear, state: None, check_value: None }
}

fn kept(record: Record) -> Settled {
    Settled { version: record.version, deed: Deed::Kept, state: Some(record.state), check_value: record.check_value }
}

fn refuse_by_policy(order: &Order<'_>) -> Result<(), Error> {
    for key in &order.keys.keys {
        if order.token.mode == Mode::Production && key.source == KeySource::GpDefault {
            return Err(Error::Policy {
                what: format!(
                    "`{}` would be the public test key (scheme {}), and the site's mode is production",
                    key.name, key.scheme
                ),
                remedy: "import the chip maker's key and adopt it, or set site.mode = \"test\"",
            });
        }
        if let (Some(kek), None) = (key.keks.first(), order.blobs) {
            return Err(Error::Policy {
                what: format!(
                    "`{}` is wrapped under {kek} at its birth, and there is nowhere to put the blob",
                    key.name
                ),
                remedy: "name a folder with --blobs DIR; carry it away from this host afterwards",
            });
        }
    }
    Ok(())
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

fn stand(door: &Door, routes: Routes, order: &Order<'_>, registry: &Registry, key: &KeyEntry) -> Result<Stand, Error> {
    let version = KeyVersion::first(key.name.clone());
    let record = match registry.version(&version) {
        Ok(record) => record,
        Err(Error::VersionUnknown { .. }) => {
            return match keys::find(door, &Home::of(&version), &version)? {
                Found::None => Ok(Stand::Absent),
                Found::One(_) => Err(Error::KeyUnregistered { version }),
            };
        }
        Err(other) => return Err(other),
    };
    same_wish(order, key, &record)?;
    let home = record.home();
    if record.check_value.is_none() {
        let found = keys::find(door, &home, &version)?;
        return Ok(Stand::Unfinished(record, found));
    }
    if record.state == State::Destroyed {
        return Ok(Stand::Complete(record));
    }
    let handle = keys::find(door, &home, &version)?.required(&version, &home)?;
    Reported::read(door, handle)?.check(&version, record.scheme, strictness(record.origin))?;
    if record.state.allows(Use::Open) {
        compare(&record, check_value(door, routes, &record, handle)?)?;
    }
    required_check(key, &record)?;
    Ok(Stand::Complete(record))
}

/// How exactly a key of an origin must be as this house makes them.
pub(crate) const fn strictness(origin: Origin) -> Strictness {
    match origin {
        Origin::Born | Origin::Public => Strictness::Born,
        Origin::Adopted => Strictness::Adopted,
    }
}

/// Refuses a file that wants another key than the one that is registered.
fn same_wish(order: &Order<'_>, key: &KeyEntry, record: &Record) -> Result<(), Error> {
    let differs = |what, wanted: String, registered: String| Error::Differs {
        version: record.version.clone(),
        what,
        wanted,
        registered,
    };
    if record.token != order.keys.token {
        return Err(differs("the token", order.keys.token.to_string(), record.token.to_string()));
    }
    let public = key.source == KeySource::GpDefault;
    if public != (record.origin == Origin::Public) {
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

fn required_check(key: &KeyEntry, record: &Record) -> Result<(), Error> {
    match (&key.check, &record.check_value) {
        (Some(expected), Some(found)) if expected != found => Err(Error::KcvMismatch {
            version: record.version.clone(),
            expected: expected.clone(),
            found: found.clone(),
        }),
        _ => Ok(()),
    }
}

fn settle(
    door: &Door,
    routes: Routes,
    order: &Order<'_>,
    registry: &Registry,
    key: &KeyEntry,
) -> Result<Settled, Error> {
    let deed = match stand(door, routes, order, registry, key)? {
        Stand::Complete(record) => return Ok(kept(record)),
        Stand::Absent => {
            refuse_birth(order, key)?;
            if key.name.kind() == KeyKind::Derivation {
                // A key that nothing can be derived from here is not born here.
                routes.of(key.length)?;
                refuse_unwrapped_birth(order, key)?;
            }
            registry.intend(&intent(order, key))?;
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
    let version = KeyVersion::first(key.name.clone());
    let record = registry.version(&version)?;
    let home = record.home();
    match key.source {
        KeySource::GpDefault => birth::create_gp_default(door, &home, record.scheme)?,
        KeySource::Birth => birth::bear(door, &version, record.length, &home, &export(door, order, registry, key)?)?,
    }
    let handle = keys::find(door, &home, &version)?.required(&version, &home)?;
    Reported::read(door, handle)?.check(&version, record.scheme, Strictness::Born)?;
    let value = check_value(door, routes, &record, handle)?;
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

/// What may not be born here: a key whose value is already known elsewhere, and a KEK in production.
fn refuse_birth(order: &Order<'_>, key: &KeyEntry) -> Result<(), Error> {
    if key.check.is_some() && key.source == KeySource::Birth {
        return Err(Error::Policy {
            what: format!(
                "`{}` has a check value in keys.toml, so it exists elsewhere and cannot be born here",
                key.name
            ),
            remedy: "bring it into the token and register it with `fuda-kms key adopt`",
        });
    }
    if key.name.kind() == KeyKind::Kek && order.token.mode == Mode::Production {
        return Err(Error::Policy {
            what: format!("`{}` would be born in this token, so nobody could ever open what it wraps", key.name),
            remedy: "bring the KEK that both sides share into the token (WRAP only) and register it with `fuda-kms key adopt`",
        });
    }
    Ok(())
}

/// A key-derivation key enters the token wrapped; where no wrapping is known, it is another's to make.
fn refuse_unwrapped_birth(order: &Order<'_>, key: &KeyEntry) -> Result<(), Error> {
    let provider = &order.token.provider;
    if key.source == KeySource::Birth && provider.profile.key_wrap == KeyWrap::None {
        return Err(Error::Policy {
            what: format!("`{}` cannot be born: of {}, no key wrapping is known", key.name, provider.profile.title),
            remedy: "make it by the vendor's ceremony (DERIVE only, never extractable) and register it with `fuda-kms key adopt`",
        });
    }
    Ok(())
}

fn intent(order: &Order<'_>, key: &KeyEntry) -> Intent {
    let version = KeyVersion::first(key.name.clone());
    Intent {
        home: Home::of(&version),
        version,
        token: order.keys.token.clone(),
        origin: if key.source == KeySource::GpDefault { Origin::Public } else { Origin::Born },
        scheme: key.scheme,
        length: key.length,
        keks: key.keks.clone(),
    }
}

/// The ACTIVE version of each KEK of a policy, found in the token.
fn export<'a>(door: &Door, order: &Order<'a>, registry: &Registry, key: &KeyEntry) -> Result<Export<'a>, Error> {
    let keks = key.keks.iter().map(|name| {
        let record = registry.active(name)?;
        let home = record.home();
        let handle = keys::find(door, &home, &record.version)?.required(&record.version, &home)?;
        Ok(Kek { version: record.version, handle })
    });
    Ok(Export { keks: keks.collect::<Result<_, Error>>()?, folder: order.blobs })
}
