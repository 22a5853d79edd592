//! The last step, where keys are born: the other side has the same KEK, so keys may be wrapped under it.

use super::{PairError, Paired, agree, is_open, peer, proved};
use crate::check_value::CheckValue;
use crate::duty;
use crate::error::Error;
use crate::login::{LoggedIn, TokenConfig, log_in};
use crate::name::KeyVersion;
use crate::registry::Registry;
use crate::route::Routes;
use crate::token::keys;
use crate::token::module::Access;
use crate::token::reported::Reported;
use cryptoki::object::Attribute;

/// Compares with the check value that the peer's officer says, and registers the KEK.
///
/// # Errors
/// [`PairError::NotOpen`]; [`Error::KcvMismatch`] when the other side has another KEK; everything that the way to the token can give.
pub fn run(
    config: &TokenConfig,
    registry: &Registry,
    version: &KeyVersion,
    said: &CheckValue,
) -> Result<Paired, Error> {
    let _ = peer(version)?;
    let record = match registry.version(version) {
        Err(Error::VersionUnknown { .. }) => return Err(PairError::NotOpen { version: version.clone() }.into()),
        other => other?,
    };
    let home = record.home();
    let _alone = config.files().lock_init()?;
    let LoggedIn { token, door } = log_in(config, Access::ReadOnly)?;
    let handle = keys::find(&door, &home, version)?.required(version, &home)?;
    // Where it unwraps it is let in by `finish`, and tried there.
    if is_open(&record) && !Reported::read(&door, handle)?.says(&Attribute::Wrap(true)) {
        return Err(PairError::NotOpen { version: version.clone() }.into());
    }
    let check_value = proved(&door, version, handle)?;
    agree(version, said, &check_value)?;
    if !is_open(&record) {
        return Ok(Paired { state: record.state, check_value });
    }
    let routes = Routes::find(&token, &door, &config.provider)?;
    let state = registry.complete(version, &duty::check_value(&door, routes, &record, handle)?)?;
    Ok(Paired { state, check_value })
}
