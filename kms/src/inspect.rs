//! Looking into a token: what is there, whether it agrees with the registry, and check values by every method.

use crate::check_value::{CheckValue, Method};
use crate::derive::Master;
use crate::duty::{check_value, compare};
use crate::error::Error;
use crate::init::strictness;
use crate::label::TokenLabel;
use crate::login::{LoggedIn, TokenConfig, log_in};
use crate::name::{KeyKind, KeyVersion};
use crate::registry::{Origin, Record, Registry};
use crate::route::Routes;
use crate::state::{State, Use};
use crate::token::keys::{self, Reported};
use crate::token::module::Access;
use crate::token::{Door, Module};
use cryptoki::object::ObjectHandle;
use fuda_cli::config::Mode;
use std::path::Path;

/// A token as it describes itself (CK_TOKEN_INFO).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSummary {
    /// Number of its slot.
    pub slot: u64,
    /// Its label.
    pub label: TokenLabel,
    /// Its maker and model.
    pub model: String,
    /// Its serial number.
    pub serial: String,
    /// What its flags say of the user PIN.
    pub user_pin: &'static str,
}

/// Every initialised token of a library. No PIN is needed.
///
/// # Errors
/// [`Error::Module`], [`Error::Token`].
pub fn tokens(module: &Path) -> Result<Vec<TokenSummary>, Error> {
    let tokens = Module::load(module)?.tokens()?.into_iter().map(|(token, info)| TokenSummary {
        slot: token.slot_number(),
        label: token.label().clone(),
        model: format!("{} {}", info.manufacturer_id(), info.model()),
        serial: info.serial_number().to_owned(),
        user_pin: match () {
            () if !info.user_pin_initialized() => "not set",
            () if info.user_pin_locked() => "locked",
            () if info.user_pin_final_try() => "one try left",
            () if info.user_pin_count_low() => "a wrong PIN was tried",
            () => "ok",
        },
    });
    Ok(tokens.collect())
}

/// What `check` found.
#[derive(Debug)]
pub struct Checkup {
    /// The way to derive card keys, for each length.
    pub routes: Routes,
    /// Every version of this token, then objects that are nobody's.
    pub findings: Vec<Finding>,
}

/// What `check` found about one version, or about an object that is nobody's.
#[derive(Debug)]
pub struct Finding {
    /// The version, or the label of a stray object.
    pub subject: String,
    /// The scheme by which a version's card keys come from it; `-` for all other keys.
    pub scheme: &'static str,
    /// Nothing when all agrees.
    pub fault: Option<Error>,
}

/// Compares registry and token, key by key: object, attributes as the token reports them, check value; then looks for objects that the
/// registry does not know.
///
/// # Errors
/// What keeps the token from being looked at, or [`Error::KnownAnswer`]. Faults of single keys are findings.
pub fn check(config: &TokenConfig, registry: &Registry) -> Result<Checkup, Error> {
    let LoggedIn { token, door } = log_in(config, Access::ReadOnly)?;
    let routes = Routes::find(&token, &door, &config.provider)?;
    let records: Vec<Record> = registry.list()?.into_iter().filter(|record| record.token == config.label).collect();
    let mut findings = Vec::with_capacity(records.len());
    for record in &records {
        let fault = check_key(&door, routes, config.mode, record).err();
        let scheme = record.scheme.shown(record.version.name.kind());
        findings.push(Finding { subject: record.version.to_string(), scheme, fault });
    }
    for handle in keys::all_secrets(&door)? {
        let reported = Reported::read(&door, handle)?;
        let label = reported.label();
        if !records.iter().any(|record| record.label == label && reported.id() == Some(record.object_id.as_slice())) {
            findings.push(Finding { subject: label.clone(), scheme: "-", fault: Some(Error::ObjectStray { label }) });
        }
    }
    Ok(Checkup { routes, findings })
}

fn check_key(door: &Door, routes: Routes, mode: Mode, record: &Record) -> Result<(), Error> {
    if record.state == State::Destroyed {
        return Ok(());
    }
    if mode == Mode::Production && record.origin == Origin::Public {
        return Err(Error::public_key_in_production(&record.version));
    }
    if record.check_value.is_none() {
        return Err(Error::BirthUnfinished { version: record.version.clone() });
    }
    let (handle, reported) = read(door, record)?;
    reported.check(&record.version, record.scheme, strictness(record.origin))?;
    // A suspended or retired version derives nothing, not even its check child.
    if record.state.allows(Use::Open) { compare(record, check_value(door, routes, record, handle)?) } else { Ok(()) }
}

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
    let value = check_value(&door, routes, &record, handle)?;
    match method {
        Some(method) if method != value.method() => Err(unfit("its rights do not allow a check value by this method")),
        _ => Ok(value),
    }
}
