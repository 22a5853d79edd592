//! The first step, where keys come to: an RSA pair in the token, whose private half can let in nothing but a KEK.

use super::file::{self, Fingerprint, Offer};
use super::{begin, leftovers, peer, refuse_overwriting};
use crate::error::Error;
use crate::login::{LoggedIn, TokenConfig, log_in};
use crate::master;
use crate::name::KeyVersion;
use crate::registry::Registry;
use crate::token::Door;
use crate::token::module::Access;
use crate::token::template::{RSA_BYTES, RSA_EXPONENT, Template};
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use std::path::Path;

/// What is to be offered.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The KEK that the pairing makes.
    pub version: &'a KeyVersion,
    /// Name of this site, for people.
    pub from: &'a str,
    /// The file to be made.
    pub out: &'a Path,
}

/// Makes the pair and the file. An earlier offer of the version that nobody has answered is void then.
///
/// # Errors
/// [`Error::Policy`] for a key that is no KEK, and when the file is there already; [`Error::VersionExists`]; everything that the way to the
/// token can give.
pub fn run(config: &TokenConfig, registry: &Registry, order: Order<'_>) -> Result<Fingerprint, Error> {
    let _ = peer(order.version)?;
    refuse_overwriting(order.out)?;
    let _alone = config.files().lock_init()?;
    let LoggedIn { door, .. } = log_in(config, Access::ReadWrite)?;
    let home = begin(registry, &config.label, order.version)?.home();
    leftovers(&door, &home)?;
    let templates = (&Template::pairing_public(&home), &Template::pairing_private(&home));
    let (public, _) = door.generate_pairing(templates, &Template::let_in_by_pair())?;
    let line = made(config, order.version, order.from, modulus(&door, public, order.version)?).line()?;
    master::sync(config, Access::ReadWrite)?;
    file::write(order.out, &line)?;
    Ok(file::fingerprint(&line))
}

/// The offer of a pair in the token, the same whenever it is written.
pub(super) fn made(config: &TokenConfig, version: &KeyVersion, from: &str, modulus: Vec<u8>) -> Offer {
    Offer { kek: version.clone(), from: from.to_owned(), oaep: config.provider.profile.oaep.clone(), modulus }
}

/// CKA_MODULUS of a public key that is as it was ordered.
pub(super) fn modulus(door: &Door, public: ObjectHandle, version: &KeyVersion) -> Result<Vec<u8>, Error> {
    let told = door.attributes(public, &[AttributeType::Modulus, AttributeType::PublicExponent])?;
    let exponent = told.contains(&Attribute::PublicExponent(RSA_EXPONENT.to_vec()));
    let modulus = told.into_iter().find_map(|attribute| match attribute {
        Attribute::Modulus(modulus) if modulus.len() == RSA_BYTES => Some(modulus),
        _ => None,
    });
    modulus.filter(|_| exponent).ok_or_else(|| Error::KeyAttribute {
        version: version.clone(),
        expected: "CKA_MODULUS of 3072 bits and CKA_PUBLIC_EXPONENT 65537".to_owned(),
        found: "another RSA key".to_owned(),
    })
}
