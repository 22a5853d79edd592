//! Adoption: registering a key that the HSM vendor's own ceremony made, after its attributes and its check value.

use crate::check_value::CheckValue;
use crate::duty::check_value;
use crate::error::Error;
use crate::kek_probe;
use crate::length::KeyLength;
use crate::login::{LoggedIn, TokenConfig, log_in};
use crate::name::{KeyKind, KeyVersion};
use crate::registry::{Intent, Origin, Record, Registry};
use crate::route::Routes;
use crate::scheme::Scheme;
use crate::state::{State, Trust};
use crate::token::keys::find_labelled;
use crate::token::module::Access;
use crate::token::reported::{Reported, Strictness};
use crate::token::template::Home;
use cryptoki::object::Attribute;

/// Which object becomes which version.
#[derive(Debug, Clone)]
pub struct Adoption {
    /// The version that it becomes.
    pub version: KeyVersion,
    /// CKA_LABEL of the object.
    pub label: String,
    /// CKA_ID of the object, when the label alone does not tell.
    pub id: Option<Vec<u8>>,
    /// How the keys of a card come from it; it must be one that derives.
    pub scheme: Scheme,
    /// How long they are.
    pub length: KeyLength,
    /// The check value of the ceremony's record, to be compared before anything is registered.
    pub check: Option<CheckValue>,
}

/// Registers a key that is in the token already.
///
/// # Errors
/// [`Error::KeyAbsent`], [`Error::KeyTwice`]; [`Error::SchemeForbids`] for a length that the scheme does not have; [`Error::KeyAttribute`] unless it is sensitive, not extractable and has the one right of its
/// kind; [`Error::KcvMismatch`]; [`crate::exchange::ExchangeError::KekLeaks`] for a KEK that lets keys in readable; [`Error::VersionExists`]; everything that the way to the token can give.
pub fn run(config: &TokenConfig, registry: &Registry, adoption: &Adoption) -> Result<(State, CheckValue), Error> {
    if adoption.length == KeyLength::Aes256 && adoption.scheme != Scheme::Kdf3 {
        return Err(Error::SchemeForbids {
            version: adoption.version.clone(),
            scheme: adoption.scheme,
            wanted: "derive AES-256 card keys",
        });
    }
    let _alone = config.files().lock_init()?;
    let LoggedIn { token, door } = log_in(config, Access::ReadOnly)?;
    let routes = Routes::find(&token, &door, &config.provider)?;
    let version = &adoption.version;
    let sought = Home { label: adoption.label.clone(), id: adoption.id.clone().unwrap_or_default() };
    let handle = find_labelled(&door, &adoption.label, adoption.id.as_deref(), version)?.required(version, &sought)?;
    let reported = Reported::read(&door, handle)?;
    reported.check(version, adoption.scheme, Strictness::Adopted)?;
    let home = Home { label: adoption.label.clone(), id: reported.id().unwrap_or_default().to_vec() };
    let record = Record {
        version: version.clone(),
        token: config.label.clone(),
        label: home.label.clone(),
        object_id: home.id.clone(),
        origin: Origin::Adopted,
        state: State::PreActive,
        trust: Trust::Sound,
        check_value: None,
        scheme: adoption.scheme,
        length: adoption.length,
        keks: Vec::new(),
        peer: None,
        created_at: String::new(),
    };
    let value = check_value(&door, routes, &record, handle)?;
    if matches!(version.name.kind(), KeyKind::Kek | KeyKind::VaultKek) && reported.says(&Attribute::Unwrap(true)) {
        kek_probe::refuse_leak(&door, handle, version)?;
    }
    if let Some(expected) = adoption.check.as_ref().filter(|expected| **expected != value) {
        return Err(Error::KcvMismatch { version: version.clone(), expected: expected.clone(), found: value });
    }
    let token = config.label.clone();
    registry.intend(&Intent {
        version: version.clone(),
        token,
        home,
        origin: Origin::Adopted,
        scheme: adoption.scheme,
        length: adoption.length,
        keks: Vec::new(),
        peer: None,
    })?;
    let state = registry.complete(version, &value)?;
    Ok((state, value))
}
