//! The calls of a card, counted: as the workers make them, or as the binding does, which asks for an output's length before it takes the output.

use crate::doing::Doing;
use cryptoki::mechanism::ekdf::AesCbcDeriveParams;
use cryptoki::mechanism::kbkdf::{Endianness, KbkdfCounterFormat, KbkdfParams, PrfDataParam, PrfDataParamType};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use fuda_cli::Failure;
use fuda_pkcs11_ext::Library;
use std::cell::Cell;
use std::num::NonZeroUsize;

const ZERO_IV: [u8; 16] = [0; 16];

/// Width of kdf3's counter.
const COUNTER_BITS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(7);

/// Whether the length of an output is known, or asked for first, as the binding does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lengths {
    /// The output goes into a buffer of its length: one call, as the workers make it.
    Known,
    /// Two calls.
    Asked,
}

/// A session and the number of functions called on it.
#[derive(Debug)]
pub(super) struct Calls<'s> {
    session: &'s Session,
    library: Library,
    lengths: Lengths,
    made: Cell<u32>,
}

impl<'s> Calls<'s> {
    pub(super) const fn on(session: &'s Session, library: Library, lengths: Lengths) -> Self {
        Self { session, library, lengths, made: Cell::new(0) }
    }

    pub(super) const fn made(&self) -> u32 {
        self.made.get()
    }

    fn count(&self, calls: u32) {
        self.made.set(self.made.get() + calls);
    }

    /// Calls, and one more where a length is asked for.
    fn count_output(&self, calls: u32) {
        self.count(calls + u32::from(self.lengths == Lengths::Asked));
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

    /// C_DeriveKey(CKM_SP800_108_COUNTER_KDF) with CMAC: counter 01, then a literal label.
    pub(super) fn derive_sp800_108(
        &self,
        base: ObjectHandle,
        label: &[u8],
        child: &[Attribute],
    ) -> Result<ObjectHandle, Failure> {
        self.count(1);
        let counter = KbkdfCounterFormat::new(Endianness::Big, COUNTER_BITS);
        let input = [
            PrfDataParam::new(PrfDataParamType::IterationVariable(Some(&counter))),
            PrfDataParam::new(PrfDataParamType::ByteArray(label)),
        ];
        let mechanism = Mechanism::KbkdfCounter(KbkdfParams::new(MechanismType::AES_CMAC, &input, None));
        self.session.derive_key(&mechanism, base, child).doing("derive a key")
    }

    /// C_SignInit, C_Sign (CKM_AES_CMAC).
    pub(super) fn cmac(&self, key: ObjectHandle, data: &[u8]) -> Result<[u8; 16], Failure> {
        self.count_output(2);
        let mut mac = [0; 16];
        match self.lengths {
            Lengths::Asked => {
                let asked = self.session.sign(&Mechanism::AesCMac, key, data).doing("make a CMAC")?;
                mac = asked.as_slice().try_into().doing("make a CMAC")?;
            }
            Lengths::Known => {
                self.session.sign_init(&Mechanism::AesCMac, key).doing("make a CMAC")?;
                let _ = self.library.sign(self.session, data, &mut mac).doing("make a CMAC")?;
            }
        }
        Ok(mac)
    }

    /// C_WrapKey (CKM_AES_CBC, IV 0).
    pub(super) fn wrap(&self, under: ObjectHandle, key: ObjectHandle) -> Result<[u8; 16], Failure> {
        self.count_output(1);
        let (mechanism, mut wrapped) = (Mechanism::AesCbc(ZERO_IV), [0; 16]);
        match self.lengths {
            Lengths::Asked => {
                let asked = self.session.wrap_key(&mechanism, under, key).doing("wrap a key")?;
                wrapped = asked.as_slice().try_into().doing("wrap a key")?;
            }
            Lengths::Known => {
                let _ =
                    self.library.wrap_key(self.session, &mechanism, under, key, &mut wrapped).doing("wrap a key")?;
            }
        }
        Ok(wrapped)
    }

    /// C_EncryptInit, C_Encrypt (CKM_AES_ECB): the GP key check value.
    pub(super) fn kcv(&self, key: ObjectHandle) -> Result<[u8; 3], Failure> {
        self.count_output(2);
        let mut block = [0; 16];
        match self.lengths {
            Lengths::Asked => {
                let asked = self.session.encrypt(&Mechanism::AesEcb, key, &[0x01; 16]).doing("encrypt a block")?;
                block = asked.as_slice().try_into().doing("encrypt a block")?;
            }
            Lengths::Known => {
                self.session.encrypt_init(&Mechanism::AesEcb, key).doing("encrypt a block")?;
                let _ = self.library.encrypt(self.session, &[0x01; 16], &mut block).doing("encrypt a block")?;
            }
        }
        let [a, b, c, ..] = block;
        Ok([a, b, c])
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
