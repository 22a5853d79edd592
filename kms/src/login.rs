//! The way to a logged-in token: one process at a time, one C_Login, and a latch when it was the wrong PIN.

use crate::error::Error;
use crate::label::TokenLabel;
use crate::latch::TokenFiles;
use crate::master;
use crate::pin::PinSource;
use crate::provider::{Provider, ProviderError};
use crate::rv::Class;
use crate::secret::Pin;
use crate::token::module::Access;
use crate::token::{Door, Module, Token};
use cryptoki::slot::TokenInfo;
use cryptoki::types::AuthPin;
use fuda_cli::config::{self, Config, Mode};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// What tokens in software say of themselves (CK_TOKEN_INFO, model or manufacturer), in lower case.
const SOFT_TOKENS: [&str; 4] = ["softhsm", "kryoptic", "nss", "simulator"];

/// How to reach the token of one duty.
#[derive(Debug, Clone)]
pub struct TokenConfig {
    /// The vendor's PKCS#11 library.
    pub module: PathBuf,
    /// The token.
    pub label: TokenLabel,
    /// Where its user PIN comes from.
    pub pin: PinSource,
    /// Folder of the start-up lock and the PIN latch.
    pub state_dir: PathBuf,
    /// Test or production.
    pub mode: Mode,
    /// What is known of the library and its tokens.
    pub provider: Provider,
}

impl TokenConfig {
    /// As `fuda.toml` says.
    ///
    /// # Errors
    /// [`Error::TokenLabel`]; [`Error::Provider`] with its place in the file; [`Error::Policy`] for an untested one in production.
    pub fn from_file(config: &Config) -> Result<Self, Error> {
        let pin = match &config.hsm.pin {
            config::Pin::File(path) => PinSource::File(path.clone()),
            config::Pin::Credential(name) => PinSource::Credential(name.clone()),
        };
        Ok(Self {
            module: config.hsm.module.clone(),
            label: TokenLabel::new(&config.hsm.token.label)?,
            pin,
            state_dir: config.hsm.state.clone().unwrap_or_else(|| config.folder.clone()),
            mode: config.site.mode,
            provider: provider(config)?,
        })
    }

    /// The lock and the latch.
    #[must_use]
    pub fn files(&self) -> TokenFiles {
        TokenFiles::new(&self.state_dir, &self.label)
    }
}

/// The profile that fuda.toml names. Production refuses one that nobody has tested, until the site says by name that it has.
fn provider(config: &Config) -> Result<Provider, Error> {
    let named = &config.hsm.provider;
    let provider = Provider::named(named.get_ref()).map_err(|error| match error {
        ProviderError::Unknown { name, .. } => {
            ProviderError::Unknown { name, place: config.source.place(named.span().start) }
        }
        other => other,
    })?;
    let accepted = config.hsm.untested_provider.as_deref() == Some(provider.name);
    if config.site.mode == Mode::Production && !provider.is_tested() && !accepted {
        return Err(Error::Policy {
            what: format!(
                "the provider profile `{}` was written from documentation and never tested, and the site's mode is production",
                provider.name
            ),
            remedy: "prove it at a test site first; then repeat its name in hsm.untested_provider",
        });
    }
    Ok(provider)
}

/// A token that this process is logged in to, for as long as the session inside is open.
#[derive(Debug)]
pub(crate) struct LoggedIn {
    pub(crate) token: Token,
    pub(crate) door: Door,
}

/// The login that all workers of a process share: PKCS#11 knows the application as logged in or not, never the session.
#[derive(Debug)]
pub(crate) struct Login {
    /// Where the PIN for another login would come from; a worker process has none and is replaced instead.
    again: Option<TokenConfig>,
    provider: Provider,
    held: Mutex<LoggedIn>,
}

impl Login {
    /// Logs in, with a PIN that can be had again.
    pub(crate) fn new(config: &TokenConfig) -> Result<Self, Error> {
        let held = Mutex::new(log_in(config, Access::ReadOnly)?);
        Ok(Self { again: Some(config.clone()), provider: config.provider.clone(), held })
    }

    /// Logs in with a PIN that is gone afterwards.
    pub(crate) fn once(config: &TokenConfig, pin: impl FnOnce() -> Result<Pin, Error>) -> Result<Self, Error> {
        let held = log_in_with(config, Access::ReadOnly, LoginTo::WorkersOwn, pin)?;
        Ok(Self { again: None, provider: config.provider.clone(), held: Mutex::new(held) })
    }

    /// What is known of the library and its tokens.
    pub(crate) const fn provider(&self) -> &Provider {
        &self.provider
    }

    /// The token.
    pub(crate) fn token(&self) -> Token {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).token.clone()
    }

    /// Logs in again after a token was away. A worker that comes second finds the process logged in, which is fine.
    /// Without a PIN the token is as it was: when the login is gone too, its keys are not found, and the worker is replaced.
    pub(crate) fn renew(&self) -> Result<Token, Error> {
        let Some(config) = &self.again else { return Ok(self.token()) };
        let fresh = log_in(config, Access::ReadOnly)?;
        let token = fresh.token.clone();
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(token)
    }
}

/// C_Initialize to C_Login under the start-up lock, with the PIN from its source.
pub(crate) fn log_in(config: &TokenConfig, access: Access) -> Result<LoggedIn, Error> {
    log_in_with(config, access, LoginTo::Master, || config.pin.read())
}

/// What a login writes to, when the token is files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LoginTo {
    /// What `fuda-kms` keeps: copied aside before.
    Master,
    /// What nobody needs when it is broken.
    WorkersOwn,
}

fn log_in_with(
    config: &TokenConfig,
    access: Access,
    on: LoginTo,
    pin: impl FnOnce() -> Result<Pin, Error>,
) -> Result<LoggedIn, Error> {
    let files = config.files();
    let _lock = files.lock()?;
    files.refuse_if_latched()?;
    let token = Module::load(&config.module)?.token(&config.label)?;
    let info = token.info()?;
    refuse_soft_in_production(config.mode, &info)?;
    config.provider.require_token(&info)?;
    refuse_at_limit(&config.label, &info)?;
    refuse_after_a_cut(&files, &info)?;
    let pin = AuthPin::from(pin()?.expose().to_owned());
    if on == LoginTo::Master {
        master::copy_aside(config, access)?;
    }
    let door = token.open(access)?;
    let attempt = files.attempt()?;
    let outcome = door.login(&pin);
    if let Err(Error::Token { value, .. }) = &outcome
        && value.class() == Class::NeverRetry
    {
        attempt.refused(*value)?;
        return Err(Error::PinRefused { label: config.label.clone(), value: *value });
    }
    attempt.over();
    match outcome {
        Ok(()) if on == LoginTo::Master => master::sync(config, access).map(|()| LoggedIn { token, door }),
        Ok(()) => Ok(LoggedIn { token, door }),
        Err(Error::Token { value, .. }) if value.class() == Class::Fine => Ok(LoggedIn { token, door }),
        Err(other) => Err(other),
    }
}

/// Production refuses tokens that are files of this machine, whatever fuda.toml calls them.
pub(crate) fn refuse_soft_in_production(mode: Mode, info: &TokenInfo) -> Result<(), Error> {
    let says = format!("{} {}", info.model(), info.manufacturer_id()).to_lowercase();
    if mode == Mode::Production && SOFT_TOKENS.iter().any(|soft| says.contains(soft)) {
        return Err(Error::Policy {
            what: format!(
                "token `{}` is a soft token ({}), and the site's mode is production",
                info.label(),
                info.model()
            ),
            remedy: "use an HSM, or set site.mode = \"test\"",
        });
    }
    Ok(())
}

fn refuse_at_limit(label: &TokenLabel, info: &TokenInfo) -> Result<(), Error> {
    let says = if info.user_pin_locked() {
        "has its user PIN locked"
    } else if info.user_pin_final_try() {
        "would be locked by the next wrong PIN"
    } else {
        return Ok(());
    };
    Err(Error::PinAtLimit { label: label.clone(), says })
}

/// A login that was cut may have been one with a wrong PIN. Where the token says so, nobody tries again; where it says nothing, the cut
/// was most likely somebody's kill, and the pool goes on.
fn refuse_after_a_cut(files: &TokenFiles, info: &TokenInfo) -> Result<(), Error> {
    if files.was_cut() && info.user_pin_count_low() {
        files.latch_the_cut()?;
    }
    files.refuse_if_latched()
}
