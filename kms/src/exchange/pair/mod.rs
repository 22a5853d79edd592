//! A KEK that two tokens have, and nobody else: made in the token where keys are born, sealed for the token where they come to.
//!
//! ```text
//! where keys come to                         where keys are born
//! offer    an RSA pair in the token    ──►
//!                                      ◄──   accept    a KEK in the token, sealed for the pair (RSA-OAEP)
//! finish   the KEK, by a template      ···   confirm   the check value of the other side
//! ```
//!
//! Both files are public. What makes them the peer's is their fingerprint, which two people compare by another way than the files go. The
//! KEK is used on neither side before its check value agreed. Its version has one number on both sides, so that a file serves once.

pub mod accept;
pub mod confirm;
mod error;
pub mod file;
pub mod finish;
pub mod offer;

use crate::check_value::CheckValue;
use crate::derive::cmac_kcv;
use crate::error::Error;
use crate::label::TokenLabel;
use crate::length::KeyLength;
use crate::name::{KeyName, KeyVersion};
use crate::registry::{Intent, Origin, Record, Registry};
use crate::scheme::Scheme;
use crate::state::State;
use crate::token::Door;
use crate::token::reported::{Reported, Strictness};
use crate::token::template::Home;
use cryptoki::object::{Attribute, ObjectHandle};
pub use error::PairError;
use std::path::Path;

/// A KEK after its pairing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paired {
    /// Its state.
    pub state: State,
    /// CMAC check value: what the other side must say too.
    pub check_value: CheckValue,
}

/// The version of a pairing: a new one, or one whose pairing was begun and not finished.
fn begin(registry: &Registry, token: &TokenLabel, version: &KeyVersion) -> Result<Record, Error> {
    match registry.version(version) {
        Ok(record) if is_open(&record) && record.token == *token => return Ok(record),
        Ok(_) => return Err(Error::VersionExists { version: version.clone() }),
        Err(Error::VersionUnknown { .. }) => {}
        Err(other) => return Err(other),
    }
    let peer = peer(version)?.clone();
    registry.intend(&Intent {
        version: version.clone(),
        token: token.clone(),
        home: Home::of(version),
        origin: Origin::Paired,
        scheme: Scheme::default(),
        length: KeyLength::default(),
        keks: Vec::new(),
        peer: Some(peer),
    })?;
    registry.version(version)
}

/// Whether a pairing was begun and not finished.
fn is_open(record: &Record) -> bool {
    record.origin == Origin::Paired && record.check_value.is_none()
}

/// Whom a KEK is shared with.
fn peer(version: &KeyVersion) -> Result<&crate::name::Part, Error> {
    version.name.peer().ok_or_else(|| Error::Policy {
        what: format!("`{}` is no key that two tokens share by a pairing", version.name),
        remedy: "name a kek/PEER, vault-kek/PEER or card-kek/PEER",
    })
}

/// Every object with the label and identifier of a version, of any class.
fn leftovers(door: &Door, home: &Home) -> Result<(), Error> {
    door.find(&home.search())?.into_iter().try_for_each(|object| door.destroy(object))
}

/// The CMAC check value of a KEK that is as a pairing makes it.
fn proved(door: &Door, version: &KeyVersion, handle: ObjectHandle) -> Result<CheckValue, Error> {
    Reported::read(door, handle)?.check(version, Scheme::default(), Strictness::Paired)?;
    cmac_kcv(door, handle)
}

/// Refuses a check value that is not what the other side says.
fn agree(version: &KeyVersion, expected: &CheckValue, found: &CheckValue) -> Result<(), Error> {
    if expected == found {
        return Ok(());
    }
    Err(Error::KcvMismatch { version: version.clone(), expected: expected.clone(), found: found.clone() })
}

/// Refuses to write over a file.
fn refuse_overwriting(out: &Path) -> Result<(), Error> {
    if out.exists() {
        return Err(Error::Policy {
            what: format!("{} is there already; it may be on its way to a peer", out.display()),
            remedy: "name another file, or take that one away",
        });
    }
    Ok(())
}

/// The half of a pairing's RSA pair with this class, when it is there.
fn half(door: &Door, home: &Home, class: Attribute) -> Result<Option<ObjectHandle>, Error> {
    let mut search = home.search();
    search.push(class);
    Ok(door.find(&search)?.first().copied())
}

/// The name that the other side must give the version: the same number, the same kind.
fn refuse_other(theirs: &KeyVersion, ours: &KeyVersion) -> Result<(), Error> {
    let same = theirs.name.kind() == ours.name.kind() && theirs.number == ours.number;
    let card_keks = matches!(ours.name, KeyName::CardKek(_));
    if same && (!card_keks || theirs.name == ours.name) {
        return Ok(());
    }
    Err(PairError::Other { theirs: theirs.clone(), ours: ours.clone() }.into())
}
