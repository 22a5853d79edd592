//! Templates, built from what a key is for. Every right that is not granted is refused in so many words, because tokens
//! disagree about defaults (SoftHSM grants all of them).

use crate::name::KeyVersion;
use cryptoki::object::{Attribute, KeyType, ObjectClass};
use sha2::{Digest, Sha256};

/// DER of the named curve P-256, OID 1.2.840.10045.3.1.7 (RFC 5480 §2.1.1.1).
const P256_OID: [u8; 10] = [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];

/// Bytes of an AES-128 key.
pub(crate) const AES_128: u64 = 16;

/// Bytes of an AES-256 key.
pub(crate) const AES_256: u64 = 32;

/// What a key may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    /// C_DeriveKey.
    Derive,
    /// C_Sign.
    Sign,
    /// C_Encrypt.
    Encrypt,
    /// C_Decrypt.
    Decrypt,
    /// C_WrapKey.
    Wrap,
    /// C_UnwrapKey.
    Unwrap,
}

/// Whether the value of a key may leave the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaves {
    /// Never.
    Never,
    /// Only wrapped by another key.
    Wrapped,
    /// In clear: for the zero block from which K1 comes, which is no key.
    Readable,
}

/// Where a token object is found again: label and identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Home {
    /// CKA_LABEL.
    pub(crate) label: String,
    /// CKA_ID.
    pub(crate) id: Vec<u8>,
}

impl Home {
    /// Where a key born here lives: its version's name, and the first 8 bytes of that name's SHA-256.
    pub(crate) fn of(version: &KeyVersion) -> Self {
        let label = version.to_string();
        let id = Sha256::digest(label.as_bytes()).iter().take(8).copied().collect();
        Self { label, id }
    }

    /// The search for it.
    pub(crate) fn search(&self) -> Vec<Attribute> {
        vec![Attribute::Token(true), Attribute::Label(self.label.clone().into_bytes()), Attribute::Id(self.id.clone())]
    }
}

/// A finished list of attributes.
#[derive(Debug)]
pub(crate) struct Template(Vec<Attribute>);

impl Template {
    pub(crate) fn attributes(&self) -> &[Attribute] {
        &self.0
    }

    /// An AES key that lives as long as its session.
    pub(crate) fn session_key(bytes: u64, rights: &[Right], leaves: Leaves) -> Self {
        let mut list = vec![Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(KeyType::AES)];
        list.push(Attribute::ValueLen(bytes.into()));
        list.push(Attribute::Token(false));
        list.extend(guarded(leaves));
        list.extend(secret_rights(rights));
        Self(list)
    }

    /// An AES session key of a public value: known-answer tests.
    pub(crate) fn known_session_key(value: &[u8], rights: &[Right], leaves: Leaves) -> Self {
        let mut list = vec![Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(KeyType::AES)];
        list.push(Attribute::Value(value.to_vec()));
        list.push(Attribute::Token(false));
        list.extend(guarded(leaves));
        list.extend(secret_rights(rights));
        Self(list)
    }

    /// An AES key in the token that was wrapped elsewhere: C_UnwrapKey takes no length. MODIFIABLE=false comes last.
    pub(crate) fn token_key_unwrapped(home: &Home, rights: &[Right]) -> Self {
        let mut list = vec![Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(KeyType::AES)];
        list.extend(token_key(home, rights));
        Self(list)
    }

    /// An AES key that the token generates for itself.
    pub(crate) fn token_key_generated(home: &Home, bytes: u64, rights: &[Right]) -> Self {
        let mut list = vec![Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(KeyType::AES)];
        list.push(Attribute::ValueLen(bytes.into()));
        list.extend(token_key(home, rights));
        Self(list)
    }

    /// An AES key in the token whose value everybody knows.
    pub(crate) fn token_key_public(home: &Home, value: &[u8], rights: &[Right]) -> Self {
        let mut list = vec![Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(KeyType::AES)];
        list.push(Attribute::Value(value.to_vec()));
        list.extend(token_key(home, rights));
        Self(list)
    }

    /// The public half of a P-256 pair in the token.
    pub(crate) fn public_half(home: &Home) -> Self {
        let mut list = vec![Attribute::Token(true), Attribute::Private(false)];
        list.push(Attribute::EcParams(P256_OID.to_vec()));
        list.extend(named(home));
        list.push(Attribute::Verify(true));
        list.push(Attribute::Modifiable(false));
        Self(list)
    }

    /// The private half of a P-256 pair in the token: SIGN and nothing else.
    pub(crate) fn private_half(home: &Home) -> Self {
        let mut list = vec![Attribute::Token(true)];
        list.extend(named(home));
        list.extend(guarded(Leaves::Never));
        list.extend([
            Attribute::Sign(true),
            Attribute::Decrypt(false),
            Attribute::Derive(false),
            Attribute::Unwrap(false),
            Attribute::SignRecover(false),
        ]);
        list.push(Attribute::Modifiable(false));
        Self(list)
    }
}

fn token_key(home: &Home, rights: &[Right]) -> Vec<Attribute> {
    let mut list = vec![Attribute::Token(true)];
    list.extend(named(home));
    list.extend(guarded(Leaves::Never));
    list.extend(secret_rights(rights));
    list.push(Attribute::Modifiable(false));
    list
}

fn named(home: &Home) -> [Attribute; 2] {
    [Attribute::Label(home.label.clone().into_bytes()), Attribute::Id(home.id.clone())]
}

fn guarded(leaves: Leaves) -> [Attribute; 3] {
    let (sensitive, extractable) = match leaves {
        Leaves::Never => (true, false),
        Leaves::Wrapped => (true, true),
        Leaves::Readable => (false, true),
    };
    [Attribute::Private(true), Attribute::Sensitive(sensitive), Attribute::Extractable(extractable)]
}

fn secret_rights(rights: &[Right]) -> [Attribute; 7] {
    let granted = |right| rights.contains(&right);
    [
        Attribute::Derive(granted(Right::Derive)),
        Attribute::Sign(granted(Right::Sign)),
        Attribute::Verify(false),
        Attribute::Encrypt(granted(Right::Encrypt)),
        Attribute::Decrypt(granted(Right::Decrypt)),
        Attribute::Wrap(granted(Right::Wrap)),
        Attribute::Unwrap(granted(Right::Unwrap)),
    ]
}
