//! Looking at one key: its attributes as the token reports them, and its check value by every method.

use crate::check_value::{CheckValue, Method};
use crate::derive::{Master, cmac_kcv};
use crate::duty::check_value;
use crate::error::Error;
use crate::login::{LoggedIn, TokenConfig, log_in};
use crate::name::{KeyKind, KeyVersion};
use crate::registry::{Record, Registry};
use crate::route::Routes;
use crate::state::Use;
use crate::token::Door;
use crate::token::keys;
use crate::token::module::Access;
use crate::token::reported::Reported;
use cryptoki::object::ObjectHandle;

fn read(door: &Door, record: &Record) -> Result<(ObjectHandle, Reported), Error> {
    let home = record.home();
    let handle = keys::find(door, &home, &record.version)?.required(&record.version, &home)?;
    Ok((handle, Reported::read(door, handle)?))
}

/// Name and value of each attribute of a version's object, as the token reports them.
///
/// # Errors
/// [`Error::VersionUnknown`], [`Error::KeyAbsent`], and everything that the way to the token can give.
pub fn attributes(
    config: &TokenConfig,
    registry: &Registry,
    version: &KeyVersion,
) -> Result<Vec<(String, String)>, Error> {
    let record = registry.version(version)?;
    let LoggedIn { door, .. } = log_in(config, Access::ReadOnly)?;
    Ok(read(&door, &record)?.1.rows())
}

/// The check value of a version, made now from the key in the token: by a method, or by the one that fits its kind.
///
/// # Errors
/// [`Error::MethodUnfit`] when the key's rights do not allow the method; [`Error::StateForbids`] for a version that derives nothing;
/// as [`attributes`].
pub fn kcv(
    config: &TokenConfig,
    registry: &Registry,
    version: &KeyVersion,
    method: Option<Method>,
) -> Result<CheckValue, Error> {
    let record = registry.version(version)?;
    let unfit = |why| Error::MethodUnfit { version: version.clone(), why };
    let LoggedIn { token, door } = log_in(config, Access::ReadOnly)?;
    let (handle, reported) = read(&door, &record)?;
    if method == Some(Method::P11) {
        let value = reported.check_value().map(|value| CheckValue::new(Method::P11, value));
        return value.ok_or_else(|| unfit("the token reports no CKA_CHECK_VALUE for it"));
    }
    if !record.state.allows(Use::Open) {
        return Err(Error::StateForbids { version: version.clone(), state: record.state, wanted: "derive" });
    }
    let routes = Routes::find(&token, &door, &config.provider)?;
    if let (KeyKind::Derivation, Some(method)) = (record.version.name.kind(), method) {
        return Master::new(&door, handle, (record.scheme, record.length), routes)?.check_value(&door, method);
    }
    let kind = record.version.name.kind();
    if method == Some(Method::Cmac) && (kind.is_kek() || kind == KeyKind::Vault) {
        return cmac_kcv(&door, handle);
    }
    let value = check_value(&door, routes, &record, handle)?;
    match method {
        Some(method) if method != value.method() => Err(unfit("its rights do not allow a check value by this method")),
        _ => Ok(value),
    }
}
