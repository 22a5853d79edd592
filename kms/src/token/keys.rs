//! Token objects: which belongs to a version, and what a kind of key may be used for.

use super::session::Door;
use super::template::{Home, Right};
use crate::error::Error;
use crate::name::{KeyKind, KeyVersion};
use crate::scheme::Scheme;
use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};

/// What a search for a version's object came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// No object.
    None,
    /// One object: the secret key, or the private half of a pair.
    One(ObjectHandle),
}

impl Found {
    /// The object, or the report that it is not there.
    pub(crate) fn required(self, version: &KeyVersion, home: &Home) -> Result<ObjectHandle, Error> {
        match self {
            Self::One(handle) => Ok(handle),
            Self::None => Err(Error::KeyAbsent { version: version.clone(), label: home.label.clone() }),
        }
    }
}

/// The class that holds a kind's secret.
pub(super) const fn secret_class(kind: KeyKind) -> ObjectClass {
    match kind {
        KeyKind::Signature => ObjectClass::PRIVATE_KEY,
        _ => ObjectClass::SECRET_KEY,
    }
}

/// What a kind of key may be used for in the token, and for nothing else.
pub(crate) const fn rights(kind: KeyKind) -> &'static [Right] {
    match kind {
        KeyKind::Derivation => &[Right::Derive],
        // Where it wraps it never unwraps: blobs lie beside it.
        KeyKind::Kek | KeyKind::CardKek | KeyKind::VaultKek => &[Right::Wrap],
        // It does both: its unwrap template keeps what it lets in from coming out.
        KeyKind::Vault => &[Right::Wrap, Right::Unwrap],
        KeyKind::Mac | KeyKind::Signature => &[Right::Sign],
    }
}

/// What a version's key may be used for: a key that *is* the keys of cards makes session keys and wraps other keys, and derives nothing.
pub(crate) const fn rights_of(kind: KeyKind, scheme: Scheme) -> &'static [Right] {
    match (kind, scheme) {
        (KeyKind::Derivation, Scheme::Fixed) => &[Right::Sign, Right::Wrap],
        _ => rights(kind),
    }
}

/// What a KEK may do where it lets keys in: ENCRYPT is for its check value and opens nothing.
pub(crate) const LETS_IN: &[Right] = &[Right::Unwrap, Right::Encrypt];

/// Finds the object of a version.
pub(crate) fn find(door: &Door, home: &Home, version: &KeyVersion) -> Result<Found, Error> {
    let mut search = home.search();
    search.push(Attribute::Class(secret_class(version.name.kind())));
    one(door, &search, version)
}

/// Finds the public half of a signature key.
pub(crate) fn find_public(door: &Door, home: &Home, version: &KeyVersion) -> Result<Found, Error> {
    let mut search = home.search();
    search.push(Attribute::Class(ObjectClass::PUBLIC_KEY));
    one(door, &search, version)
}

/// Finds the object with a label, and an identifier when one is given: for adoption.
pub(crate) fn find_labelled(door: &Door, label: &str, id: Option<&[u8]>, version: &KeyVersion) -> Result<Found, Error> {
    let mut search = vec![Attribute::Token(true), Attribute::Label(label.as_bytes().to_vec())];
    search.extend(id.map(|id| Attribute::Id(id.to_vec())));
    search.push(Attribute::Class(secret_class(version.name.kind())));
    one(door, &search, version)
}

/// Classes of objects that somebody put into the token; others (profiles, mechanisms) are the token's own furniture.
const PUT_THERE: [ObjectClass; 5] = [
    ObjectClass::SECRET_KEY,
    ObjectClass::PRIVATE_KEY,
    ObjectClass::PUBLIC_KEY,
    ObjectClass::CERTIFICATE,
    ObjectClass::DATA,
];

/// Every token object that somebody put there: secret keys first, then private, public, and what is no key.
pub(crate) fn all(door: &Door) -> Result<Vec<ObjectHandle>, Error> {
    let mut handles = Vec::new();
    for class in PUT_THERE {
        handles.extend(door.find(&[Attribute::Token(true), Attribute::Class(class)])?);
    }
    Ok(handles)
}

fn one(door: &Door, search: &[Attribute], version: &KeyVersion) -> Result<Found, Error> {
    match door.find(search)?.as_slice() {
        [] => Ok(Found::None),
        [handle] => Ok(Found::One(*handle)),
        several => Err(Error::KeyTwice { version: version.clone(), count: several.len() }),
    }
}
