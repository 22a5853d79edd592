//! Packing a key for a peer: the blob of its birth, with everything by which the other side recognises it, signed in the token.

use super::ExchangeError;
use super::file::{self, Parcel};
use crate::blob;
use crate::check_value::CheckValue;
use crate::duty::{check_value, compare, public_half};
use crate::error::Error;
use crate::init::strictness;
use crate::login::{LoggedIn, TokenConfig, log_in};
use crate::name::{KeyName, KeyVersion, Part};
use crate::registry::{Record, Registry};
use crate::route::Routes;
use crate::state::State;
use crate::token::module::Access;
use crate::token::reported::Reported;
use crate::token::{Door, keys};
use cryptoki::object::ObjectHandle;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What is to be packed.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The key.
    pub key: &'a KeyVersion,
    /// Whom for: it was wrapped under `kek/PEER`.
    pub peer: &'a Part,
    /// Folder of the blobs, as --blobs named it at the key's birth.
    pub blobs: &'a Path,
    /// Name of this site, for people.
    pub from: &'a str,
    /// The file to be made.
    pub out: &'a Path,
}

/// What was packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Check value of the key.
    pub check_value: CheckValue,
    /// The KEK.
    pub kek: KeyVersion,
    /// Check value of the KEK.
    pub kek_check_value: CheckValue,
    /// Check value of the identity key that signed.
    pub signer: CheckValue,
}

/// Makes the file.
///
/// # Errors
/// [`ExchangeError::NotWrapped`], [`ExchangeError::BlobAbsent`]; [`Error::StateForbids`] for a key that is suspended or destroyed;
/// [`Error::NoActiveVersion`] without an identity key; [`Error::Policy`] when the file is there already; [`Error::KcvMismatch`],
/// [`Error::KeyAttribute`] when a key in the token is not the registered one; everything that the way to the token can give.
pub fn run(config: &TokenConfig, registry: &Registry, order: Order<'_>) -> Result<Report, Error> {
    let record = registry.version(order.key)?;
    if matches!(record.state, State::SuspendedActive | State::SuspendedGrace | State::Destroyed) {
        return Err(Error::StateForbids { version: record.version, state: record.state, wanted: "leave" });
    }
    let (kek, blob) = wrapped(registry, &record, &order)?;
    let identity = registry.active(&KeyName::Identity)?;
    if order.out.exists() {
        return Err(Error::Policy {
            what: format!("{} is there already; keys are never overwritten", order.out.display()),
            remedy: "name another file, or take that one away",
        });
    }
    let LoggedIn { token, door } = log_in(config, Access::ReadOnly)?;
    let routes = Routes::find(&token, &door, &config.provider)?;
    let (_, check_value) = proved(&door, routes, &record)?;
    let (_, kek_check_value) = proved(&door, routes, &kek)?;
    let (private, signer) = proved(&door, routes, &identity)?;
    let parcel = Parcel::of(&record, check_value.clone(), order.from, (&kek.version, kek_check_value.clone()), blob);
    let first = parcel.line()?;
    let signature = door.ecdsa(private, &file::digest(&first))?;
    let second = file::seal(signature, &public_half(&door, &identity)?)?;
    write(order.out, &[first, second].concat()).map_err(|source| Error::File { path: order.out.to_owned(), source })?;
    Ok(Report { check_value, kek: kek.version, kek_check_value, signer })
}

/// The newest version of the peer's KEK under which the key was wrapped, and the blob.
fn wrapped(registry: &Registry, record: &Record, order: &Order<'_>) -> Result<(Record, Vec<u8>), Error> {
    let (version, name) = (record.version.clone(), KeyName::kek_of(record.version.name.kind(), order.peer.clone()));
    if !record.keks.contains(&name) {
        return Err(ExchangeError::NotWrapped { version, kek: name }.into());
    }
    for kek in registry.list()?.into_iter().rev().filter(|kek| kek.version.name == name) {
        if let Some(blob) = blob::read(order.blobs, &version, &kek.version)? {
            return Ok((kek, blob));
        }
    }
    Err(ExchangeError::BlobAbsent { version, kek: name, folder: order.blobs.to_owned() }.into())
}

/// The object of a version, held against what it must be.
pub(super) fn proved(door: &Door, routes: Routes, record: &Record) -> Result<(ObjectHandle, CheckValue), Error> {
    let home = record.home();
    let handle = keys::find(door, &home, &record.version)?.required(&record.version, &home)?;
    Reported::read(door, handle)?.check(&record.version, record.scheme, strictness(record.origin))?;
    let value = check_value(door, routes, record, handle)?;
    compare(record, value.clone())?;
    Ok((handle, value))
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
