//! Making a throw-away token at a test site: C_InitToken, user PIN, and the two PIN files.

use crate::error::Error;
use crate::init::TokenDeed;
use crate::login::{TokenConfig, refuse_soft_in_production};
use crate::pin::{self, PinSource};
use crate::token::Module;
use crate::token::module::Access;
use cryptoki::types::AuthPin;
use fuda_cli::config::Mode;
use std::path::PathBuf;

/// Refuses to make a token in production.
pub(crate) fn refuse_making(token: &TokenConfig) -> Result<(), Error> {
    if token.mode == Mode::Test {
        return Ok(());
    }
    Err(Error::Policy {
        what: format!("no token is labelled `{}`, and the site's mode is production", token.label),
        remedy: "initialise the token with the HSM vendor's tool; `init` makes tokens at test sites only",
    })
}

/// The token, made when its label is absent.
pub(crate) fn ensure_token(config: &TokenConfig) -> Result<TokenDeed, Error> {
    let _lock = config.files().lock()?;
    let module = Module::load(&config.module)?;
    match module.token(&config.label) {
        Ok(token) => {
            let info = token.info()?;
            refuse_soft_in_production(config.mode, &info)?;
            if info.user_pin_initialized() || !so_pin_path(config).exists() {
                return Ok(TokenDeed::Kept);
            }
            // An earlier `init` was cut between C_InitToken and C_InitPIN.
            let (so_pin, pin) = pins(config)?;
            token.open(Access::ReadWrite)?.set_user_pin(&so_pin, &pin)?;
        }
        Err(Error::TokenAbsent { .. }) => {
            refuse_making(config)?;
            let (so_pin, pin) = pins(config)?;
            module.create_token(&config.label, &so_pin, &pin)?;
        }
        Err(other) => return Err(other),
    }
    Ok(TokenDeed::Made(so_pin_path(config)))
}

/// The security officer's PIN of a throw-away token is random and lies beside the user's.
fn so_pin_path(config: &TokenConfig) -> PathBuf {
    config.files().so_pin_path().to_owned()
}

/// The PINs of a token that is made now, from their files; a file that is not there is made with a random PIN.
fn pins(config: &TokenConfig) -> Result<(AuthPin, AuthPin), Error> {
    let read_or_make = |source: &PinSource| match source {
        PinSource::File(path) if !path.exists() => pin::make_file(path),
        source => source.read(),
    };
    let auth = |source: &PinSource| read_or_make(source).map(|pin| AuthPin::from(pin.expose().to_owned()));
    Ok((auth(&PinSource::File(so_pin_path(config)))?, auth(&config.pin)?))
}
