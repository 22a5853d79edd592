//! A token object as the token itself reports it, and whether that is what the key must be.

use super::keys::{LETS_IN, rights_of, secret_class};
use super::session::Door;
use super::template::Right;
use crate::error::Error;
use crate::name::{KeyKind, KeyVersion};
use crate::scheme::Scheme;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};

/// What the token says about an object, with the value of every attribute that decides what can be done with it.
#[derive(Debug, Clone)]
pub(crate) struct Reported(Vec<Attribute>);

impl Reported {
    /// Reads it. What the token does not tell is not in it.
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

    /// CKA_CLASS.
    pub(crate) fn class(&self) -> Option<ObjectClass> {
        self.0.iter().find_map(|attribute| match attribute {
            Attribute::Class(class) => Some(*class),
            _ => None,
        })
    }

    /// CKA_KEY_TYPE.
    pub(crate) fn key_type(&self) -> Option<KeyType> {
        self.0.iter().find_map(|attribute| match attribute {
            Attribute::KeyType(kind) => Some(*kind),
            _ => None,
        })
    }

    /// CKA_VALUE_LEN, in bytes. SoftHSM says 0 of every key that was unwrapped, which tells nothing.
    pub(crate) fn value_len(&self) -> Option<u64> {
        let told = self.0.iter().find_map(|attribute| match attribute {
            Attribute::ValueLen(bytes) => Some(u64::from(*bytes)),
            _ => None,
        });
        told.filter(|bytes| *bytes > 0)
    }

    /// CKA_CHECK_VALUE, when the token makes one.
    pub(crate) fn check_value(&self) -> Option<&[u8]> {
        self.0.iter().find_map(|attribute| match attribute {
            Attribute::CheckValue(value) if !value.is_empty() => Some(value.as_slice()),
            _ => None,
        })
    }

    /// Whether the token reports exactly this.
    pub(crate) fn says(&self, attribute: &Attribute) -> bool {
        self.0.contains(attribute)
    }

    /// Name and value of each attribute, for tables.
    pub(crate) fn rows(&self) -> Vec<(String, String)> {
        self.0.iter().filter_map(row).collect()
    }

    /// What a version of this kind must be and this object is not: expected and reported, in the order of `expected`.
    pub(crate) fn differences(
        &self,
        kind: KeyKind,
        scheme: Scheme,
        strictness: Strictness,
    ) -> Vec<(Attribute, Option<&Attribute>)> {
        let compared = expected(kind, self.rights(kind, scheme, strictness), strictness).into_iter().map(|expected| {
            let found = self.0.iter().find(|found| found.attribute_type() == expected.attribute_type());
            (expected, found)
        });
        compared.filter(|(expected, found)| *found != Some(expected)).collect()
    }

    /// What it may be used for and nothing else. A KEK wraps where keys are born and unwraps where they come to.
    fn rights(&self, kind: KeyKind, scheme: Scheme, strictness: Strictness) -> &'static [Right] {
        let lets_in = kind.is_kek() && strictness != Strictness::Born && self.says(&Attribute::Unwrap(true));
        if lets_in { LETS_IN } else { rights_of(kind, scheme) }
    }

    /// Compares with what a version of this kind must be. `origin` decides about MODIFIABLE and rights beyond need:
    /// a key that a vendor's ceremony made is held to the same rules but for MODIFIABLE.
    pub(crate) fn check(&self, version: &KeyVersion, scheme: Scheme, strictness: Strictness) -> Result<(), Error> {
        match self.differences(version.name.kind(), scheme, strictness).first() {
            None => Ok(()),
            Some((expected, found)) => Err(differs(version, expected, *found)),
        }
    }
}

/// The report of one difference.
pub(crate) fn differs(version: &KeyVersion, expected: &Attribute, found: Option<&Attribute>) -> Error {
    Error::KeyAttribute {
        version: version.clone(),
        expected: row(expected).map_or_else(String::new, |(name, value)| format!("{name}={value}")),
        found: found.and_then(row).map_or_else(|| "nothing".to_owned(), |(_, value)| value),
    }
}

/// How exactly a key must be as this house makes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// Born here: MODIFIABLE=false too.
    Born,
    /// A KEK that two tokens made together: as one that was born here, but that it unwraps where it does not wrap.
    Paired,
    /// Adopted: the vendor's ceremony may have left it modifiable.
    Adopted,
}

const ASKED: &[AttributeType] = &[
    AttributeType::Class,
    AttributeType::KeyType,
    AttributeType::ValueLen,
    AttributeType::Label,
    AttributeType::Id,
    AttributeType::Token,
    AttributeType::Private,
    AttributeType::Sensitive,
    AttributeType::AlwaysSensitive,
    AttributeType::Extractable,
    AttributeType::NeverExtractable,
    AttributeType::Local,
    AttributeType::Modifiable,
    AttributeType::Copyable,
    AttributeType::Derive,
    AttributeType::Sign,
    AttributeType::Verify,
    AttributeType::Encrypt,
    AttributeType::Decrypt,
    AttributeType::Wrap,
    AttributeType::Unwrap,
    AttributeType::CheckValue,
];

fn expected(kind: KeyKind, rights: &[Right], strictness: Strictness) -> Vec<Attribute> {
    let granted = |right| rights.contains(&right);
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
    if strictness != Strictness::Adopted {
        list.push(Attribute::Modifiable(false));
        list.extend((kind.is_kek() || kind == KeyKind::Vault).then_some(Attribute::Copyable(false)));
    }
    list
}

/// An attribute's name without `CKA_`, and its value.
fn row(attribute: &Attribute) -> Option<(String, String)> {
    let (name, value) = match attribute {
        Attribute::Class(class) => ("CLASS", class.to_string()),
        Attribute::KeyType(kind) => ("KEY_TYPE", kind.to_string()),
        Attribute::ValueLen(bytes) => ("VALUE_LEN", bytes.to_string()),
        Attribute::Label(label) => ("LABEL", String::from_utf8_lossy(label).into_owned()),
        Attribute::Id(id) => ("ID", hex::encode(id)),
        Attribute::Token(value) => ("TOKEN", value.to_string()),
        Attribute::Private(value) => ("PRIVATE", value.to_string()),
        Attribute::Sensitive(value) => ("SENSITIVE", value.to_string()),
        Attribute::AlwaysSensitive(value) => ("ALWAYS_SENSITIVE", value.to_string()),
        Attribute::Extractable(value) => ("EXTRACTABLE", value.to_string()),
        Attribute::NeverExtractable(value) => ("NEVER_EXTRACTABLE", value.to_string()),
        Attribute::Local(value) => ("LOCAL", value.to_string()),
        Attribute::Modifiable(value) => ("MODIFIABLE", value.to_string()),
        Attribute::Copyable(value) => ("COPYABLE", value.to_string()),
        Attribute::Derive(value) => ("DERIVE", value.to_string()),
        Attribute::Sign(value) => ("SIGN", value.to_string()),
        Attribute::Verify(value) => ("VERIFY", value.to_string()),
        Attribute::Encrypt(value) => ("ENCRYPT", value.to_string()),
        Attribute::Decrypt(value) => ("DECRYPT", value.to_string()),
        Attribute::Wrap(value) => ("WRAP", value.to_string()),
        Attribute::Unwrap(value) => ("UNWRAP", value.to_string()),
        Attribute::CheckValue(value) => ("CHECK_VALUE", hex::encode(value)),
        _ => return None,
    };
    Some((name.to_owned(), value))
}
