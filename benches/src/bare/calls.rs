//! The five calls of a card, counted as the binding makes them: it asks for an output's length before it takes the output.

use crate::doing::Doing;
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::ekdf::AesCbcDeriveParams;
use cryptoki::object::{Attribute, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use fuda_cli::Failure;
use std::cell::Cell;

const ZERO_IV: [u8; 16] = [0; 16];

/// A session and the number of functions called on it.
#[derive(Debug)]
pub(super) struct Calls<'s> {
    session: &'s Session,
    made: Cell<u32>,
}

impl<'s> Calls<'s> {
    pub(super) const fn on(session: &'s Session) -> Self {
        Self { session, made: Cell::new(0) }
    }

    pub(super) const fn made(&self) -> u32 {
        self.made.get()
    }

    fn count(&self, calls: u32) {
        self.made.set(self.made.get() + calls);
    }

    /// C_DeriveKey(CKM_AES_CBC_ENCRYPT_DATA, IV 0).
    pub(super) fn derive(
        &self,
        base: ObjectHandle,
        block: &[u8; 16],
        child: &[Attribute],
    ) -> Result<ObjectHandle, Failure> {
        self.count(1);
        let mechanism = Mechanism::AesCbcEncryptData(AesCbcDeriveParams::new(ZERO_IV, block));
        self.session.derive_key(&mechanism, base, child).doing("derive a key")
    }

    /// C_SignInit, C_Sign twice (CKM_AES_CMAC).
    pub(super) fn cmac(&self, key: ObjectHandle, data: &[u8]) -> Result<[u8; 16], Failure> {
        self.count(3);
        let mac = self.session.sign(&Mechanism::AesCMac, key, data).doing("make a CMAC")?;
        mac.as_slice().try_into().doing("make a CMAC")
    }

    /// C_WrapKey twice (CKM_AES_CBC, IV 0).
    pub(super) fn wrap(&self, under: ObjectHandle, key: ObjectHandle) -> Result<[u8; 16], Failure> {
        self.count(2);
        let wrapped = self.session.wrap_key(&Mechanism::AesCbc(ZERO_IV), under, key).doing("wrap a key")?;
        wrapped.as_slice().try_into().doing("wrap a key")
    }

    /// C_EncryptInit, C_Encrypt twice (CKM_AES_ECB): the GP key check value.
    pub(super) fn kcv(&self, key: ObjectHandle) -> Result<[u8; 3], Failure> {
        self.count(3);
        let block = self.session.encrypt(&Mechanism::AesEcb, key, &[0x01; 16]).doing("encrypt a block")?;
        block.get(..3).unwrap_or_default().try_into().doing("encrypt a block")
    }
}

/// What a card key may do.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rights {
    sign: Right,
    wrap: Right,
    leave: Right,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Right {
    #[default]
    Refused,
    Granted,
}

impl Rights {
    /// Session keys are made from it.
    pub(super) const fn signs(&mut self) {
        self.sign = Right::Granted;
    }

    /// Other keys are wrapped by it.
    pub(super) const fn wraps(&mut self) {
        self.wrap = Right::Granted;
    }

    /// It goes onto the card, with its check value.
    pub(super) const fn goes(&mut self) {
        self.leave = Right::Granted;
    }
}

/// A card key that lives as long as its session.
pub(super) fn card_key_template(rights: Rights) -> Vec<Attribute> {
    let granted = |right| right == Right::Granted;
    let mut list = head();
    list.extend([
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(granted(rights.leave)),
        Attribute::Derive(false),
        Attribute::Sign(granted(rights.sign)),
        Attribute::Verify(false),
        Attribute::Encrypt(granted(rights.leave)),
        Attribute::Decrypt(false),
        Attribute::Wrap(granted(rights.wrap)),
        Attribute::Unwrap(false),
    ]);
    list
}

/// The zero block, which is no key.
pub(super) fn readable_template() -> Vec<Attribute> {
    let mut list = head();
    list.extend([Attribute::Private(true), Attribute::Sensitive(false), Attribute::Extractable(true)]);
    list
}

fn head() -> Vec<Attribute> {
    vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::ValueLen(16.into()),
        Attribute::Token(false),
    ]
}
