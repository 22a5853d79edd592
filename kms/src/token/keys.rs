//! Token objects as the token itself reports them, and whether that is what the key must be.

use super::session::Door;
use super::template::{Home, Right};
use crate::error::Error;
use crate::name::{KeyKind, KeyVersion};
use crate::scheme::Scheme;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};

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
const fn secret_class(kind: KeyKind) -> ObjectClass {
    match kind {
        KeyKind::Signature => ObjectClass::PRIVATE_KEY,
        _ => ObjectClass::SECRET_KEY,
    }
}

/// What a kind of key may be used for in the token, and for nothing else.
pub(crate) const fn rights(kind: KeyKind) -> &'static [Right] {
    match kind {
        KeyKind::Derivation => &[Right::Derive],
        // Never Unwrap: without CKA_UNWRAP_TEMPLATE (which the binding cannot express) a blob, its KEK and the PIN give the key in clear.
        KeyKind::Kek => &[Right::Wrap],
        KeyKind::Cipher => &[Right::Encrypt, Right::Decrypt],
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

/// Every secret and private key that is a token object.
pub(crate) fn all_secrets(door: &Door) -> Result<Vec<ObjectHandle>, Error> {
    let mut handles = door.find(&[Attribute::Token(true), Attribute::Class(ObjectClass::SECRET_KEY)])?;
    handles.extend(door.find(&[Attribute::Token(true), Attribute::Class(ObjectClass::PRIVATE_KEY)])?);
    Ok(handles)
}

fn one(door: &Door, search: &[Attribute], version: &KeyVersion) -> Result<Found, Error> {
    match door.find(search)?.as_slice() {
        [] => Ok(Found::None),
        [handle] => Ok(Found::One(*handle)),
        several => Err(Error::KeyTwice { version: version.clone(), count: several.len() }),
    }
}

/// What the token says about a key, with the value of every attribute that decides what can be done with it.
#[derive(Debug, Clone)]
pub(crate) struct Reported(Vec<Attribute>);

impl Reported {
    /// Reads it.
    pub(crate) fn read(door: &Door, handle: ObjectHandle) -> Result<Self, Error> {
        door.attributes(handle, ASKED).map(Self)
    }

    /// CKA_ID.
    pub(crate) fn id(&self) -> Option<&[u8]> {
        self.0.iter().find_map(|attribute| match attribute {
            Attribute::Id(id) => Some(id.as_slice()),
            _ => None,
        })
    }

    /// CKA_LABEL.
    pub(crate) fn label(&self) -> String {
        let label = self.0.iter().find_map(|attribute| match attribute {
            Attribute::Label(label) => Some(String::from_utf8_lossy(label).into_owned()),
            _ => None,
        });
        label.unwrap_or_default()
    }

    /// CKA_CHECK_VALUE, when the token makes one.
    pub(crate) fn check_value(&self) -> Option<&[u8]> {
        self.0.iter().find_map(|attribute| match attribute {
            Attribute::CheckValue(value) if !value.is_empty() => Some(value.as_slice()),
            _ => None,
        })
    }

    /// Name and value of each attribute, for tables.
    pub(crate) fn rows(&self) -> Vec<(String, String)> {
        self.0.iter().filter_map(row).collect()
    }

    /// Compares with what a version of this kind must be. `origin` decides about MODIFIABLE and rights beyond need:
    /// a key that a vendor's ceremony made is held to the same rules but for MODIFIABLE.
    pub(crate) fn check(&self, version: &KeyVersion, scheme: Scheme, strictness: Strictness) -> Result<(), Error> {
        for expected in expected(version.name.kind(), scheme, strictness) {
            let found = self.0.iter().find(|found| found.attribute_type() == expected.attribute_type());
            if found != Some(&expected) {
                return Err(Error::KeyAttribute {
                    version: version.clone(),
                    expected: row(&expected).map_or_else(String::new, |(name, value)| format!("{name}={value}")),
                    found: found.and_then(row).map_or_else(|| "nothing".to_owned(), |(_, value)| value),
                });
            }
        }
        Ok(())
    }
}

/// How exactly a key must be as this house makes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// Born here: MODIFIABLE=false too.
    Born,
    /// Adopted: the vendor's ceremony may have left it modifiable.
    Adopted,
}

const ASKED: &[AttributeType] = &[
    AttributeType::Class,
    AttributeType::KeyType,
    AttributeType::Label,
    AttributeType::Id,
    AttributeType::Token,
    AttributeType::Private,
    AttributeType::Sensitive,
    AttributeType::Extractable,
    AttributeType::Modifiable,
    AttributeType::Derive,
    AttributeType::Sign,
    AttributeType::Encrypt,
    AttributeType::Decrypt,
    AttributeType::Wrap,
    AttributeType::Unwrap,
    AttributeType::CheckValue,
];

fn expected(kind: KeyKind, scheme: Scheme, strictness: Strictness) -> Vec<Attribute> {
    let granted = |right| rights_of(kind, scheme).contains(&right);
    let mut list = vec![
        Attribute::Class(secret_class(kind)),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Derive(granted(Right::Derive)),
        Attribute::Sign(granted(Right::Sign)),
        Attribute::Decrypt(granted(Right::Decrypt)),
        Attribute::Unwrap(granted(Right::Unwrap)),
    ];
    if kind == KeyKind::Signature {
        list.push(Attribute::KeyType(KeyType::EC));
    } else {
        list.push(Attribute::KeyType(KeyType::AES));
        list.push(Attribute::Encrypt(granted(Right::Encrypt)));
        list.push(Attribute::Wrap(granted(Right::Wrap)));
    }
    if strictness == Strictness::Born {
        list.push(Attribute::Modifiable(false));
    }
    list
}

fn row(attribute: &Attribute) -> Option<(String, String)> {
    let (name, value) = match attribute {
        Attribute::Class(class) => ("CLASS", class.to_string()),
        Attribute::KeyType(kind) => ("KEY_TYPE", kind.to_string()),
        Attribute::Label(label) => ("LABEL", String::from_utf8_lossy(label).into_owned()),
        Attribute::Id(id) => ("ID", hex::encode(id)),
        Attribute::Token(value) => ("TOKEN", value.to_string()),
        Attribute::Private(value) => ("PRIVATE", value.to_string()),
        Attribute::Sensitive(value) => ("SENSITIVE", value.to_string()),
        Attribute::Extractable(value) => ("EXTRACTABLE", value.to_string()),
        Attribute::Modifiable(value) => ("MODIFIABLE", value.to_string()),
        Attribute::Derive(value) => ("DERIVE", value.to_string()),
        Attribute::Sign(value) => ("SIGN", value.to_string()),
        Attribute::Encrypt(value) => ("ENCRYPT", value.to_string()),
        Attribute::Decrypt(value) => ("DECRYPT", value.to_string()),
        Attribute::Wrap(value) => ("WRAP", value.to_string()),
        Attribute::Unwrap(value) => ("UNWRAP", value.to_string()),
        Attribute::CheckValue(value) => ("CHECK_VALUE", hex::encode(value)),
        _ => return None,
    };
    Some((name.to_owned(), value))
}
