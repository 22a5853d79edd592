//! The vendor's library and the tokens in it.
//!
//! PKCS #11 3.1 §5.4: C_Initialize belongs to the process, so a library is loaded and initialised once and stays until the end.

use super::Door;
use crate::error::{Doing, Error};
use crate::label::TokenLabel;
use crate::rv::{Class, ReturnValue};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::MechanismType;
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::AuthPin;
use fuda_pkcs11_ext::Library;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// C_GetTokenInfo says CKR_GENERAL_ERROR on SoftHSM while a sibling logs in; so many asks outlive a login.
const TOKEN_INFO_TRIES: u32 = 3;

/// Pause between those asks.
const TOKEN_INFO_PAUSE_MS: u64 = 50;

static LOADED: Mutex<BTreeMap<PathBuf, (Pkcs11, Library)>> = Mutex::new(BTreeMap::new());

/// An initialised PKCS#11 library.
#[derive(Debug, Clone)]
pub(crate) struct Module {
    library: Pkcs11,
    /// The same library, for the calls that the binding cannot make.
    functions: Library,
    path: PathBuf,
}

impl Module {
    /// Loads and initialises a library, or gives the one that this process has already.
    pub(crate) fn load(path: &Path) -> Result<Self, Error> {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((library, functions)) = loaded.get(path) {
            return Ok(Self { library: library.clone(), functions: *functions, path: path.to_owned() });
        }
        let broken = |text| Error::Module { path: path.to_owned(), text };
        let library = Pkcs11::new(path).map_err(|error| broken(error.to_string()))?;
        let functions = Library::load(path).map_err(|error| broken(error.to_string()))?;
        match library
            .initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))
            .doing("start the PKCS#11 library")
        {
            Err(Error::Token { value, .. }) if value.class() == Class::Fine => {}
            other => other?,
        }
        loaded.insert(path.to_owned(), (library.clone(), functions));
        Ok(Self { library, functions, path: path.to_owned() })
    }

    /// Every initialised token, and what it says of itself.
    pub(crate) fn tokens(&self) -> Result<Vec<(Token, TokenInfo)>, Error> {
        let mut tokens = self.slots()?;
        tokens.retain(|(_, info)| info.token_initialized());
        Ok(tokens)
    }

    /// Every token, those too that nobody has initialised.
    pub(crate) fn slots(&self) -> Result<Vec<(Token, TokenInfo)>, Error> {
        let slots = self.library.get_slots_with_token().doing("list the tokens")?;
        let token = |slot| {
            let info = self.info(slot)?;
            Ok((Token { module: self.clone(), slot, label: TokenLabel::reported(info.label()) }, info))
        };
        slots.into_iter().map(token).collect()
    }

    /// The token with this label.
    pub(crate) fn token(&self, label: &TokenLabel) -> Result<Token, Error> {
        let mut named = self.tokens()?.into_iter().map(|(token, _)| token).filter(|token| token.label == *label);
        match (named.next(), named.next()) {
            (Some(token), None) => Ok(token),
            (None, _) => Err(Error::TokenAbsent { label: label.clone(), module: self.path.clone() }),
            (Some(_), Some(_)) => Err(Error::TokenTwice { label: label.clone() }),
        }
    }

    /// Makes a token in the first free slot: C_InitToken, then the user PIN through the security officer's session.
    pub(crate) fn create_token(&self, label: &TokenLabel, so_pin: &AuthPin, pin: &AuthPin) -> Result<Token, Error> {
        let mut free = None;
        for slot in self.library.get_slots_with_token().doing("list the slots")? {
            if !self.info(slot)?.token_initialized() {
                free = Some(slot);
                break;
            }
        }
        let slot = free.ok_or_else(|| Error::NoFreeSlot { module: self.path.clone() })?;
        self.library.init_token(slot, so_pin, label.as_str()).doing("make the token")?;
        let token = Token { module: self.clone(), slot, label: label.clone() };
        token.open(Access::ReadWrite)?.set_user_pin(so_pin, pin)?;
        Ok(token)
    }

    fn info(&self, slot: Slot) -> Result<TokenInfo, Error> {
        let mut tries = 1;
        loop {
            match self.library.get_token_info(slot).doing("ask for the token's state") {
                Err(Error::Token { value, .. }) if is_general_error(value) && tries < TOKEN_INFO_TRIES => {
                    tries += 1;
                    std::thread::sleep(std::time::Duration::from_millis(TOKEN_INFO_PAUSE_MS));
                }
                other => return other,
            }
        }
    }
}

fn is_general_error(value: ReturnValue) -> bool {
    value == ReturnValue::new(cryptoki::error::RvError::GeneralError)
}

/// Whether a session may change token objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Session objects only.
    ReadOnly,
    /// Token objects too.
    ReadWrite,
}

/// One token in its slot.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    module: Module,
    slot: Slot,
    label: TokenLabel,
}

impl Token {
    /// Its label.
    pub(crate) const fn label(&self) -> &TokenLabel {
        &self.label
    }

    /// Number of its slot.
    pub(crate) fn slot_number(&self) -> u64 {
        self.slot.id()
    }

    /// What it says of itself now.
    pub(crate) fn info(&self) -> Result<TokenInfo, Error> {
        self.module.info(self.slot)
    }

    /// What it can do.
    pub(crate) fn mechanisms(&self) -> Result<Vec<MechanismType>, Error> {
        self.module.library.get_mechanism_list(self.slot).doing("list what the token can do")
    }

    /// Opens a session.
    pub(crate) fn open(&self, access: Access) -> Result<Door, Error> {
        let session = match access {
            Access::ReadOnly => self.module.library.open_ro_session(self.slot),
            Access::ReadWrite => self.module.library.open_rw_session(self.slot),
        };
        Ok(Door::new(session.doing("open a session")?, self.module.functions, &self.module.path))
    }
}
