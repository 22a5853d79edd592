//! Templates, built from what a key is for. Every right that is not granted is refused in so many words, because tokens
//! disagree about defaults (SoftHSM grants all of them).

use super::keys::{LETS_IN, rights};
use crate::name::{KeyKind, KeyVersion};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass};
use sha2::{Digest, Sha256};

/// DER of the named curve P-256, OID 1.2.840.10045.3.1.7 (RFC 5480 §2.1.1.1).
const P256_OID: [u8; 10] = [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];

/// Bits of an RSA key for which a KEK is sealed: 128 bits of strength (NIST SP 800-57 Part 1 table 2), as P-256 has.
const RSA_BITS: u64 = 3072;

/// Bytes of its modulus.
pub(crate) const RSA_BYTES: usize = 384;

/// Its public exponent, F4.
pub(crate) const RSA_EXPONENT: [u8; 3] = [0x01, 0x00, 0x01];

/// Bytes of an AES-128 key.
pub(crate) const AES_128: u64 = 16;

/// Bytes of an AES-256 key.
pub(crate) const AES_256: u64 = 32;

/// What a data key does in the token.
const DATA_KEY: [Right; 2] = [Right::Encrypt, Right::Decrypt];

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

    /// A KEK in the token. It cannot be copied, because a copy may have rights that the KEK has not (Kryoptic allows it whatever MODIFIABLE says).
    pub(crate) fn kek_unwrapped(home: &Home, rights: &[Right]) -> Self {
        let mut list = vec![Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(KeyType::AES)];
        list.push(Attribute::Copyable(false));
        list.extend(token_key(home, rights));
        Self(list)
    }

    /// The unwrap template of a key that lets keys in; none of one that does not.
    pub(crate) fn let_in_by(kind: KeyKind) -> Option<Self> {
        match kind {
            KeyKind::Kek => Some(Self::let_in_by_kek()),
            KeyKind::CardKek => Some(Self::let_in_by_card_kek()),
            KeyKind::VaultKek => Some(Self::let_in_by_vault_kek()),
            KeyKind::Vault => Some(Self::let_in_by_vault()),
            KeyKind::Derivation | KeyKind::Mac | KeyKind::Signature => None,
        }
    }

    /// The unwrap template of a KEK for keys of cards and of MACs: what it lets in derives or makes MACs, and does nothing else for ever. Every right but these two is
    /// named, because a token takes what the template does not name from the caller.
    fn let_in_by_kek() -> Self {
        let mut list = vec![Attribute::Sensitive(true), Attribute::Extractable(false)];
        let own = [AttributeType::Derive, AttributeType::Sign];
        list.extend(secret_rights(&[]).into_iter().filter(|right| !own.contains(&right.attribute_type())));
        list.push(Attribute::Modifiable(false));
        Self(list)
    }

    /// A key of a kind that a KEK lets in for as long as the session, to be looked at before it becomes an object of the token.
    pub(crate) fn visitor_unwrapped(kind: KeyKind) -> Self {
        Self::guest(kind, Leaves::Never)
    }

    /// What no KEK may let in: the same key, but one that can leave.
    pub(crate) fn leaver_unwrapped(kind: KeyKind, leaves: Leaves) -> Self {
        Self::guest(kind, leaves)
    }

    /// What no KEK may let in either: a key that can leave, and nothing said of its rights.
    pub(crate) fn bare_leaver_unwrapped(leaves: Leaves) -> Self {
        let mut list = vec![Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(KeyType::AES)];
        list.push(Attribute::Token(false));
        list.extend(guarded(leaves));
        Self(list)
    }

    /// Names everything that an unwrap template may name, because SoftHSM refuses a template that leaves something of it out.
    fn guest(kind: KeyKind, leaves: Leaves) -> Self {
        let copyable = (kind == KeyKind::Vault).then_some(Attribute::Copyable(false));
        Self::let_in_for_session(rights(kind), leaves, copyable)
    }

    fn let_in_for_session(rights: &[Right], leaves: Leaves, more: Option<Attribute>) -> Self {
        let mut list = vec![Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(KeyType::AES)];
        list.push(Attribute::Token(false));
        list.extend(guarded(leaves));
        list.extend(secret_rights(rights));
        list.extend(more);
        list.push(Attribute::Modifiable(false));
        Self(list)
    }

    /// The unwrap template of a KEK for the sets of single cards: what it lets in is put onto a card wrapped under another card key, shows
    /// its check value, and is never readable.
    fn let_in_by_card_kek() -> Self {
        let mut list = vec![Attribute::Sensitive(true), Attribute::Extractable(true)];
        list.extend(secret_rights(&[Right::Encrypt]));
        Self(list)
    }

    /// The unwrap template of a KEK for vault keys: what it lets in wraps and unwraps, and is neither copied nor changed.
    fn let_in_by_vault_kek() -> Self {
        Self::keeper(&[Right::Wrap, Right::Unwrap])
    }

    /// The unwrap template of a pair that a KEK is sealed for: what it lets in is a KEK that unwraps.
    pub(crate) fn let_in_by_pair() -> Self {
        Self::keeper(LETS_IN)
    }

    fn keeper(rights: &[Right]) -> Self {
        let mut list = vec![Attribute::Sensitive(true), Attribute::Extractable(false)];
        list.extend(secret_rights(rights));
        list.extend([Attribute::Copyable(false), Attribute::Modifiable(false)]);
        Self(list)
    }

    /// The unwrap template of a vault key: what it lets in encrypts and decrypts, and never leaves again.
    fn let_in_by_vault() -> Self {
        let mut list = vec![Attribute::Sensitive(true), Attribute::Extractable(false)];
        list.extend(secret_rights(&DATA_KEY));
        list.push(Attribute::Modifiable(false));
        Self(list)
    }

    /// A data key, let in by a vault key for as long as its session.
    pub(crate) fn data_key_unwrapped() -> Self {
        Self::let_in_for_session(&DATA_KEY, Leaves::Never, None)
    }

    /// A card key that was wrapped elsewhere, as a session object: C_UnwrapKey takes no length.
    pub(crate) fn card_key_unwrapped() -> Self {
        let mut list = vec![Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(KeyType::AES)];
        list.push(Attribute::Token(false));
        list.extend(guarded(Leaves::Wrapped));
        list.extend(secret_rights(&[Right::Encrypt]));
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

    /// The public half of an RSA pair in the token, for which one KEK is sealed.
    pub(crate) fn pairing_public(home: &Home) -> Self {
        let mut list = vec![Attribute::Token(true), Attribute::Private(false)];
        list.extend([Attribute::ModulusBits(RSA_BITS.into()), Attribute::PublicExponent(RSA_EXPONENT.to_vec())]);
        list.extend(named(home));
        list.extend([Attribute::Encrypt(false), Attribute::Verify(false), Attribute::Wrap(true)]);
        list.push(Attribute::Modifiable(false));
        Self(list)
    }

    /// The private half: UNWRAP and nothing else.
    pub(crate) fn pairing_private(home: &Home) -> Self {
        let mut list = vec![Attribute::Token(true)];
        list.extend(named(home));
        list.extend(guarded(Leaves::Never));
        list.extend([
            Attribute::Sign(false),
            Attribute::SignRecover(false),
            Attribute::Decrypt(false),
            Attribute::Derive(false),
            Attribute::Unwrap(true),
            Attribute::Copyable(false),
        ]);
        list.push(Attribute::Modifiable(false));
        Self(list)
    }

    /// A peer's RSA key, to seal one KEK for it.
    pub(crate) fn peers_public(modulus: &[u8]) -> Self {
        let mut list = vec![Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::KeyType(KeyType::RSA)];
        list.extend([Attribute::Token(false), Attribute::Private(false)]);
        list.extend([Attribute::Encrypt(false), Attribute::Verify(false), Attribute::Wrap(true)]);
        list.extend([Attribute::Modulus(modulus.to_vec()), Attribute::PublicExponent(RSA_EXPONENT.to_vec())]);
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
