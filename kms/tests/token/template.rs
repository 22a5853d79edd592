//! Templates of the objects that tests put into a token, as a maker's ceremony would.

use crate::site::Site;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use fuda_pkcs11_ext::Library;

/// An AES key, and what else is said of it.
pub(crate) fn secret(more: &[Attribute]) -> Vec<Attribute> {
    [&[Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(KeyType::AES)], more].concat()
}

/// A token object of this name, which is its identifier too.
pub(crate) fn named(label: &str) -> [Attribute; 4] {
    let name = label.as_bytes().to_vec();
    [Attribute::Token(true), Attribute::Private(true), Attribute::Label(name.clone()), Attribute::Id(name)]
}

/// A key that never leaves, with these rights and no others.
pub(crate) fn stays_with(rights: &[Attribute]) -> Vec<Attribute> {
    let none = vec![
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Derive(false),
        Attribute::Sign(false),
        Attribute::Verify(false),
        Attribute::Encrypt(false),
        Attribute::Decrypt(false),
        Attribute::Wrap(false),
        Attribute::Unwrap(false),
    ];
    rights.iter().fold(none, |template, right| but(&template, right))
}

/// The same, for ever: neither a copy nor a change gives it another right.
pub(crate) fn stays_for_ever_with(rights: &[Attribute]) -> Vec<Attribute> {
    [stays_with(rights), vec![Attribute::Copyable(false), Attribute::Modifiable(false)]].concat()
}

/// Sensitive, never extractable, DERIVE and nothing else, for ever.
pub(crate) fn derives_only() -> Vec<Attribute> {
    [stays_with(&[Attribute::Derive(true)]), vec![Attribute::Modifiable(false)]].concat()
}

/// A template but for one attribute that it has.
pub(crate) fn but(template: &[Attribute], change: &Attribute) -> Vec<Attribute> {
    let mut changed = template.to_vec();
    let place = changed.iter_mut().find(|known| known.attribute_type() == change.attribute_type()).unwrap();
    *place = change.clone();
    changed
}

/// A new key of the session, 32 bytes.
pub(crate) fn generate(session: &Session, more: &[Attribute]) -> ObjectHandle {
    let template = secret(&[&[Attribute::Token(false), Attribute::ValueLen(32.into())], more].concat());
    session.generate_key(&Mechanism::AesKeyGen, &template).unwrap()
}

/// Brings a key of the session into the token as a KEK with these rights and an unwrap template; it enters by the call of `pkcs11-ext`.
pub(crate) fn bring_kek(
    site: &Site,
    session: &Session,
    label: &str,
    newborn: ObjectHandle,
    rights: &[Attribute],
    lets_in: &[Attribute],
) -> ObjectHandle {
    let passage = generate(session, &[Attribute::Wrap(true), Attribute::Unwrap(true)]);
    let wrapped = session.wrap_key(&Mechanism::AesKeyWrap, passage, newborn).unwrap();
    let template = secret(&[named(label).as_slice(), &stays_for_ever_with(rights)].concat());
    let library = Library::load(&site.token().module).unwrap();
    library.unwrap_key(session, &Mechanism::AesKeyWrap, passage, &wrapped, &template, lets_in).unwrap()
}
