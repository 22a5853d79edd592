//! The tokens of a library as they describe themselves. No PIN is needed.

use crate::error::Error;
use crate::label::TokenLabel;
use crate::token::Module;
use cryptoki::slot::TokenInfo;
use std::path::Path;

/// A token as it describes itself (CK_TOKEN_INFO).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSummary {
    /// Number of its slot.
    pub slot: u64,
    /// Its label; empty for a slot whose token nobody has initialised.
    pub label: TokenLabel,
    /// Its maker.
    pub manufacturer: String,
    /// Its model.
    pub model: String,
    /// Its serial number.
    pub serial: String,
    /// Whether somebody has initialised it.
    pub readiness: Readiness,
    /// What its flags say of the user PIN.
    pub user_pin: PinFlags,
    /// What its flags say of the security officer's PIN.
    pub so_pin: PinFlags,
    /// Other flags that an operator wants to know.
    pub remarks: Vec<&'static str>,
    /// Free memory for private objects in bytes; none when the token does not tell.
    pub free_bytes: Option<u64>,
}

/// Whether a token can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Readiness {
    /// It was initialised.
    Initialised,
    /// C_InitToken was never called for it.
    Blank,
}

/// What a token's flags say of a PIN, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinFlags {
    /// There is none yet.
    NotSet,
    /// No PIN opens it any more.
    Locked,
    /// One more wrong PIN locks it.
    FinalTry,
    /// A wrong PIN was tried since the last right one.
    CountLow,
    /// It must be changed before anything else.
    ToBeChanged,
    /// Nothing is known against it.
    Fine,
}

impl PinFlags {
    /// The words in tables and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotSet => "not set",
            Self::Locked => "locked",
            Self::FinalTry => "one try left",
            Self::CountLow => "a wrong PIN was tried",
            Self::ToBeChanged => "must be changed",
            Self::Fine => "ok",
        }
    }

    fn of_user(info: &TokenInfo) -> Self {
        match () {
            () if !info.user_pin_initialized() => Self::NotSet,
            () if info.user_pin_locked() => Self::Locked,
            () if info.user_pin_final_try() => Self::FinalTry,
            () if info.user_pin_count_low() => Self::CountLow,
            () if info.user_pin_to_be_changed() => Self::ToBeChanged,
            () => Self::Fine,
        }
    }

    fn of_security_officer(info: &TokenInfo) -> Self {
        match () {
            () if !info.token_initialized() => Self::NotSet,
            () if info.so_pin_locked() => Self::Locked,
            () if info.so_pin_final_try() => Self::FinalTry,
            () if info.so_pin_count_low() => Self::CountLow,
            () if info.so_pin_to_be_changed() => Self::ToBeChanged,
            () => Self::Fine,
        }
    }
}

/// Every token of a library, initialised ones first.
///
/// # Errors
/// [`Error::Module`], [`Error::Token`].
pub fn list(module: &Path) -> Result<Vec<TokenSummary>, Error> {
    let module = Module::load(module)?;
    let mut tokens: Vec<TokenSummary> =
        module.slots()?.into_iter().map(|(token, info)| summary(token.slot_number(), token.label(), &info)).collect();
    tokens.sort_by_key(|token| token.readiness);
    Ok(tokens)
}

fn summary(slot: u64, label: &TokenLabel, info: &TokenInfo) -> TokenSummary {
    let flags = [
        (info.write_protected(), "write-protected"),
        (info.protected_authentication_path(), "PIN at the device"),
        (info.error_state(), "in error state"),
    ];
    TokenSummary {
        slot,
        label: label.clone(),
        manufacturer: info.manufacturer_id().to_owned(),
        model: info.model().to_owned(),
        serial: info.serial_number().to_owned(),
        readiness: if info.token_initialized() { Readiness::Initialised } else { Readiness::Blank },
        user_pin: PinFlags::of_user(info),
        so_pin: PinFlags::of_security_officer(info),
        remarks: flags.into_iter().filter_map(|(set, remark)| set.then_some(remark)).collect(),
        free_bytes: info.free_private_memory().map(|bytes| bytes as u64),
    }
}
