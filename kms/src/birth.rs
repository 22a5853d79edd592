//! How a key comes into the token (DESIGN §3.1).
//!
//! A key-derivation key is born as an extractable *session* key, wrapped there under every KEK of its policy, and enters the token only
//! by C_UnwrapKey with CKA_DERIVE alone, never extractable again. The road is the same when no KEK is named: then the wrapping key is
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
        KeyKind::Derivation => bear_derivation_key(door, version, length, home, export),
        KeyKind::Kek | KeyKind::Cipher | KeyKind::Mac => {
            door.generate_aes(&Template::token_key_generated(home, AES_256, rights(kind))).map(drop)
        }
        KeyKind::Signature => door.generate_pair(&Template::public_half(home), &Template::private_half(home)).map(drop),
    }
}

/// Creates the public GlobalPlatform test key at its home, with the rights that its scheme needs.
pub(crate) fn create_gp_default(door: &Door, home: &Home, scheme: Scheme) -> Result<(), Error> {
    door.create(&Template::token_key_public(home, &GP_DEFAULT, rights_of(KeyKind::Derivation, scheme))).map(drop)
}

fn bear_derivation_key(
    door: &Door,
    version: &KeyVersion,
    length: KeyLength,
    home: &Home,
    export: &Export<'_>,
) -> Result<(), Error> {
    let newborn = door.generate_aes(&Template::session_key(length.value_len(), &[], Leaves::Wrapped))?;
    for kek in &export.keks {
        let blob = door.wrap_kw(kek.handle, newborn)?;
        let folder = export.folder.ok_or_else(|| Error::Policy {
            what: format!("{version} is wrapped under {}, and there is nowhere to put the blob", kek.version),
            remedy: "name a folder with --blobs DIR; carry it away from this host afterwards",
        })?;
        blob::write(folder, version, &kek.version, &blob)?;
    }
    let passage = door.generate_aes(&Template::session_key(AES_256, &[Right::Wrap, Right::Unwrap], Leaves::Never))?;
    let blob = Zeroizing::new(door.wrap_kw(passage, newborn)?);
    door.unwrap_kw(passage, &blob, &Template::token_key_unwrapped(home, rights(KeyKind::Derivation)))?;
    door.destroy(newborn)?;
    door.destroy(passage)
}
