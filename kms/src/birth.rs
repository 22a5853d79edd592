//! How a key comes into the token (DESIGN §3.1).
//!
//! A key-derivation key, and a MAC or vault key that has a KEK, is born as an extractable *session* key, wrapped there under every KEK of its policy, and enters the token only
//! by C_UnwrapKey with its one right, never extractable again. The road is the same when no KEK is named: then the wrapping key is
//! one that lives for the birth only.

use crate::blob;
use crate::error::Error;
use crate::known_answer::GP_DEFAULT;
use crate::length::KeyLength;
use crate::name::{KeyKind, KeyVersion};
use crate::scheme::Scheme;
use crate::token::Door;
use crate::token::keys::{rights, rights_of};
use crate::token::template::{AES_256, Home, Leaves, Right, Template};
use cryptoki::object::ObjectHandle;
use std::path::Path;
use zeroize::Zeroizing;

/// A KEK of a policy, in the token.
#[derive(Debug)]
pub(crate) struct Kek {
    pub(crate) version: KeyVersion,
    pub(crate) handle: ObjectHandle,
}

/// Where a born key is wrapped to.
#[derive(Debug)]
pub(crate) struct Export<'a> {
    pub(crate) keks: Vec<Kek>,
    pub(crate) folder: Option<&'a Path>,
}

/// Makes the key of a version at its home.
pub(crate) fn bear(
    door: &Door,
    version: &KeyVersion,
    length: KeyLength,
    home: &Home,
    export: &Export<'_>,
) -> Result<(), Error> {
    let kind = version.name.kind();
    match kind {
        KeyKind::Derivation => bear_wrapped(door, version, length.value_len(), home, export),
        KeyKind::Mac if !export.keks.is_empty() => bear_wrapped(door, version, AES_256, home, export),
        KeyKind::Kek | KeyKind::CardKek | KeyKind::VaultKek | KeyKind::Vault => {
            bear_wrapped(door, version, AES_256, home, export)
        }
        KeyKind::Mac => door.generate_aes(&Template::token_key_generated(home, AES_256, rights(kind))).map(drop),
        KeyKind::Signature => door.generate_pair(&Template::public_half(home), &Template::private_half(home)).map(drop),
    }
}

/// Creates the public GlobalPlatform test key at its home, with the rights that its scheme needs.
pub(crate) fn create_gp_default(door: &Door, home: &Home, scheme: Scheme) -> Result<(), Error> {
    door.create(&Template::token_key_public(home, &GP_DEFAULT, rights_of(KeyKind::Derivation, scheme))).map(drop)
}

/// Lets a wrapped key into the token at its home. One that lets keys in itself gets its unwrap template now, though a KEK may only wrap: what
/// it could let in is settled whatever a token does with rights.
pub(crate) fn let_in(
    door: &Door,
    under: ObjectHandle,
    blob: &[u8],
    home: &Home,
    kind: KeyKind,
) -> Result<ObjectHandle, Error> {
    match Template::let_in_by(kind) {
        Some(lets_in) => door.unwrap_kek(under, blob, &Template::kek_unwrapped(home, rights(kind)), &lets_in),
        None => door.unwrap_kw(under, blob, &Template::token_key_unwrapped(home, rights(kind))),
    }
}

/// Makes a newborn key an object of the token at its home.
pub(crate) fn settle(door: &Door, newborn: ObjectHandle, home: &Home, kind: KeyKind) -> Result<ObjectHandle, Error> {
    let passage = passage(door)?;
    let blob = Zeroizing::new(door.wrap_kw(passage, newborn)?);
    let settled = let_in(door, passage, &blob, home, kind)?;
    door.destroy(newborn)?;
    door.destroy(passage)?;
    Ok(settled)
}

/// A KEK that lives for one birth and never leaves its session.
fn passage(door: &Door) -> Result<ObjectHandle, Error> {
    door.generate_aes(&Template::session_key(AES_256, &[Right::Wrap, Right::Unwrap], Leaves::Never))
}

fn bear_wrapped(door: &Door, version: &KeyVersion, bytes: u64, home: &Home, export: &Export<'_>) -> Result<(), Error> {
    let newborn = door.generate_aes(&Template::session_key(bytes, &[], Leaves::Wrapped))?;
    for kek in &export.keks {
        let blob = door.wrap_kw(kek.handle, newborn)?;
        let folder = export.folder.ok_or_else(|| Error::Policy {
            what: format!("{version} is wrapped under {}, and there is nowhere to put the blob", kek.version),
            remedy: "name a folder with --blobs DIR; carry it away from this host afterwards",
        })?;
        blob::write(folder, version, &kek.version, &blob)?;
    }
    settle(door, newborn, home, version.name.kind()).map(drop)
}
