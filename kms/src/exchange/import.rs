//! Letting a peer's key in: the signature, the KEK, the KEK's template, the key's check value, and only then an object of the token.
//!
//! Written ahead as a birth is (`registry.rs`): a killed import is finished by the same command.

use super::ExchangeError;
use super::export::proved;
use super::file::{Parcel, Signed};
use crate::birth;
use crate::check_value::CheckValue;
use crate::duty::{check_value, compare, point_check_value};
use crate::error::Error;
use crate::kek_probe;
use crate::login::{LoggedIn, TokenConfig, log_in};
use crate::master;
use crate::name::{KeyKind, KeyName, KeyVersion, Part};
use crate::registry::{Intent, Origin, Record, Registry};
use crate::route::Routes;
use crate::state::{State, Use};
use crate::token::Door;
use crate::token::keys::{self, Found};
use crate::token::module::Access;
use crate::token::reported::{Reported, Strictness};
use crate::token::template::{Home, Template};
use cryptoki::object::{Attribute, ObjectHandle};

/// What is to be let in.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The file, its signature checked.
    pub signed: &'a Signed,
    /// Whose it is said to be.
    pub peer: &'a Part,
    /// The version that the key becomes.
    pub version: &'a KeyVersion,
    /// Check value of the peer's identity key, when a person says it.
    pub trust: Option<&'a CheckValue>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// It was let in.
    Imported,
    /// It was here, by an earlier run.
    Kept,
}

impl Deed {
    /// The word in tables and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::Kept => "kept",
        }
    }
}

/// A key after its import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What became of it.
    pub deed: Deed,
    /// Its state.
    pub state: State,
    /// The KEK that let it in.
    pub kek: KeyVersion,
    /// Check value of the identity key that signed.
    pub signer: CheckValue,
}

/// Lets the key in and registers it.
///
/// # Errors
/// [`ExchangeError`] for whatever is wrong with file, signer or KEK; [`Error::KcvMismatch`] when the key inside is another than the file says,
/// or another has its name; [`Error::VersionExists`]; [`Error::NoRoute`]; everything that the way to the token can give.
pub fn run(config: &TokenConfig, registry: &Registry, order: Order<'_>) -> Result<Report, Error> {
    let parcel = &order.signed.parcel;
    let signer = trusted(registry, &order)?;
    if parcel.key.name.kind() != order.version.name.kind() {
        let (theirs, ours) = (parcel.key.clone(), order.version.clone());
        return Err(ExchangeError::OtherKind { theirs, ours, kind: parcel.key.name.kind() }.into());
    }
    let all = registry.list()?;
    refuse_second_name(&all, &order)?;
    let kek = kek(&all, order.peer, parcel)?;
    let known = all.into_iter().find(|record| record.version == *order.version);
    let report = |deed, state| Report { deed, state, kek: kek.version.clone(), signer: signer.clone() };
    match &known {
        Some(record) if record.check_value.is_some() => {
            compare(record, parcel.check_value.clone())?;
            return Ok(report(Deed::Kept, record.state));
        }
        Some(record) if record.origin != Origin::Imported => {
            return Err(Error::VersionExists { version: order.version.clone() });
        }
        _ => {}
    }
    let _alone = config.files().lock_init()?;
    let LoggedIn { token, door } = log_in(config, Access::ReadWrite)?;
    let routes = Routes::find(&token, &door, &config.provider)?;
    let entrance = Entrance { door: &door, routes, kek: &kek, order: &order, handle: entrance(&door, routes, &kek)? };
    entrance.look_at_visitor(config)?;
    if known.is_none() {
        registry.intend(&entrance.intent(config))?;
    }
    let value = entrance.let_in(&registry.version(order.version)?)?;
    // A registered key must not be lost with the machine's power.
    master::sync(config, Access::ReadWrite)?;
    registry.complete(order.version, &value).map(|state| report(Deed::Imported, state))
}

/// The check value of the signer, when it is the peer's identity key by what a person says now or said before.
fn trusted(registry: &Registry, order: &Order<'_>) -> Result<CheckValue, Error> {
    let (peer, found) = (order.peer.clone(), point_check_value(&order.signed.signer));
    let known = registry.peer(order.peer)?;
    let other =
        |known: CheckValue| Err(ExchangeError::PeerOther { peer: peer.clone(), known, found: found.clone() }.into());
    match (known, order.trust) {
        (_, Some(said)) if *said != found => other(said.clone()),
        (Some(known), _) if known != order.signed.signer => other(point_check_value(&known)),
        (Some(_), _) => Ok(found),
        (None, Some(_)) => registry.pin_peer(order.peer, &order.signed.signer).map(|()| found),
        (None, None) => Err(ExchangeError::PeerUnknown { peer, point: found }.into()),
    }
}

/// One key has one name: under two, cards of one version would open with the other.
fn refuse_second_name(all: &[Record], order: &Order<'_>) -> Result<(), Error> {
    let value = &order.signed.parcel.check_value;
    let kind = order.version.name.kind();
    let twin = all.iter().find(|record| {
        record.version != *order.version
            && record.version.name.kind() == kind
            && record.state != State::Destroyed
            && record.check_value.as_ref() == Some(value)
    });
    twin.map_or(Ok(()), |record| {
        Err(ExchangeError::HereAlready { version: record.version.clone(), value: value.clone() }.into())
    })
}

/// The KEK of the peer that the parcel was wrapped under.
fn kek(all: &[Record], peer: &Part, parcel: &Parcel) -> Result<Record, Error> {
    let name = KeyName::kek_of(parcel.key.name.kind(), peer.clone());
    let fits = |record: &&Record| {
        record.version.name == name
            && record.state.allows(Use::Open)
            && record.check_value.as_ref() == Some(&parcel.kek_check_value)
    };
    let wanted = parcel.kek_check_value.clone();
    all.iter().find(fits).cloned().ok_or_else(|| ExchangeError::NoKek { kek: name.clone(), wanted }.into())
}

/// The KEK's object: the registered key, one that unwraps, and one under which nothing comes in that could leave again.
fn entrance(door: &Door, routes: Routes, kek: &Record) -> Result<ObjectHandle, Error> {
    let (handle, _) = proved(door, routes, kek)?;
    if !Reported::read(door, handle)?.says(&Attribute::Unwrap(true)) {
        return Err(ExchangeError::KekWraps { version: kek.version.clone() }.into());
    }
    kek_probe::refuse_leak(door, handle, &kek.version)?;
    Ok(handle)
}

/// The way into the token for one key.
struct Entrance<'a> {
    door: &'a Door,
    routes: Routes,
    kek: &'a Record,
    handle: ObjectHandle,
    order: &'a Order<'a>,
}

impl Entrance<'_> {
    fn parcel(&self) -> &Parcel {
        &self.order.signed.parcel
    }

    /// Lets the key in for the session only, and proves that it is the one that the file says.
    fn look_at_visitor(&self, config: &TokenConfig) -> Result<(), Error> {
        let kind = self.order.version.name.kind();
        if kind == KeyKind::Derivation {
            self.routes.of(self.parcel().length)?;
        }
        let visitor = self.door.unwrap_kw(self.handle, &self.parcel().blob, &Template::visitor_unwrapped(kind));
        let visitor = visitor.map_err(|error| self.refused(error))?;
        let mut expected = self.record(config);
        expected.check_value = Some(self.parcel().check_value.clone());
        let outcome =
            check_value(self.door, self.routes, &expected, visitor).and_then(|value| compare(&expected, value));
        self.door.destroy(visitor)?;
        outcome
    }

    /// Makes it an object of the token, or finds the one that a cut import has left.
    fn let_in(&self, record: &Record) -> Result<CheckValue, Error> {
        let (version, home) = (&record.version, record.home());
        let expected = Record { check_value: Some(self.parcel().check_value.clone()), ..record.clone() };
        let whole = |handle| {
            Reported::read(self.door, handle)?.check(version, record.scheme, Strictness::Born)?;
            let value = check_value(self.door, self.routes, record, handle)?;
            compare(&expected, value.clone())?;
            Ok::<_, Error>(value)
        };
        if let Found::One(left) = keys::find(self.door, &home, version)? {
            if let Ok(value) = whole(left) {
                return Ok(value);
            }
            // A kill inside the library may leave an object without a value.
            self.door.destroy(left)?;
        }
        let handle = birth::let_in(self.door, self.handle, &self.parcel().blob, &home, version.name.kind());
        whole(handle.map_err(|error| self.refused(error))?)
    }

    fn refused(&self, error: Error) -> Error {
        match error {
            Error::Token { value, .. } => {
                let (version, kek) = (self.order.version.clone(), self.kek.version.clone());
                ExchangeError::NotLetIn { version, kek, value }.into()
            }
            other => other,
        }
    }

    fn intent(&self, config: &TokenConfig) -> Intent {
        Intent {
            home: Home::of(self.order.version),
            version: self.order.version.clone(),
            token: config.label.clone(),
            origin: Origin::Imported,
            scheme: self.parcel().scheme,
            length: self.parcel().length,
            keks: Vec::new(),
            peer: Some(self.order.peer.clone()),
        }
    }

    /// The record that it will have.
    fn record(&self, config: &TokenConfig) -> Record {
        let intent = self.intent(config);
        Record {
            version: intent.version,
            token: intent.token,
            label: intent.home.label,
            object_id: intent.home.id,
            origin: intent.origin,
            state: State::PreActive,
            trust: crate::state::Trust::Sound,
            check_value: None,
            scheme: intent.scheme,
            length: intent.length,
            keks: intent.keks,
            peer: intent.peer,
            created_at: String::new(),
        }
    }
}
