//! One PKCS#11 session with the few calls that this house makes, counted.
//!
//! The counts are of C_ functions as the binding calls them: it asks for an output's length before it takes the output.

use super::template::Template;
use crate::error::{Doing, Error};
use crate::length::KeyLength;
use crate::message::Ciphertext;
use cryptoki::mechanism::ekdf::AesCbcDeriveParams;
use cryptoki::mechanism::kbkdf::{Endianness, KbkdfCounterFormat, KbkdfParams, PrfDataParam, PrfDataParamType};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use std::cell::Cell;
use std::num::NonZeroUsize;
use zeroize::{Zeroize, Zeroizing};

/// CBC with IV 0 over one block is ECB; over a 16-byte key it is what PUT KEY carries.
const ZERO_IV: [u8; 16] = [0; 16];

/// Width of SP 800-108's counter: kdf3 and AN10922 have one byte.
const COUNTER_BITS: NonZeroUsize = match NonZeroUsize::new(8) {
    Some(bits) => bits,
    None => NonZeroUsize::MIN,
};

/// A session. Closing it (by drop) destroys every session object made through it, with one call.
#[derive(Debug)]
pub(crate) struct Door {
    session: Session,
    calls: Cell<u32>,
}

impl Door {
    pub(super) const fn new(session: Session) -> Self {
        Self { session, calls: Cell::new(1) }
    }

    /// C_ functions called so far, C_OpenSession included.
    pub(crate) fn calls(&self) -> u32 {
        self.calls.get()
    }

    fn count(&self, calls: u32) {
        self.calls.set(self.calls.get().saturating_add(calls));
    }

    /// Closes the session and says how many calls were made, this one included.
    pub(crate) fn close(self) -> Result<u32, Error> {
        let calls = self.calls() + 1;
        self.session.close().doing("close the session")?;
        Ok(calls)
    }

    /// C_Login as user. The caller holds the token's start-up lock and has looked at the latch.
    pub(crate) fn login(&self, pin: &AuthPin) -> Result<(), Error> {
        self.count(1);
        self.session.login(UserType::User, Some(pin)).doing("log in to the token")
    }

    /// C_Login as security officer and C_InitPIN.
    pub(crate) fn set_user_pin(&self, so_pin: &AuthPin, pin: &AuthPin) -> Result<(), Error> {
        self.count(3);
        self.session.login(UserType::So, Some(so_pin)).doing("log in as the token's security officer")?;
        self.session.init_pin(pin).doing("set the user PIN")?;
        self.session.logout().doing("log the security officer out")
    }

    /// C_DeriveKey(CKM_AES_CBC_ENCRYPT_DATA, IV 0): the child is AES(base, block).
    pub(crate) fn derive_encrypt_data(
        &self,
        base: ObjectHandle,
        block: &[u8; 16],
        child: &Template,
    ) -> Result<ObjectHandle, Error> {
        self.count(1);
        let mechanism = Mechanism::AesCbcEncryptData(AesCbcDeriveParams::new(ZERO_IV, block));
        self.session.derive_key(&mechanism, base, child.attributes()).doing("derive a key")
    }

    /// C_DeriveKey(CKM_SP800_108_COUNTER_KDF): the child is CMAC(base, counter ‖ label) for the counters 01, 02 …, cut to its length.
    ///
    /// The counter has 8 bits and stands in front; the label is literal. A length field (DKM_LENGTH) is never asked for: tokens disagree
    /// about its unit.
    pub(crate) fn derive_sp800_108(
        &self,
        base: ObjectHandle,
        label: &[u8],
        child: &Template,
    ) -> Result<ObjectHandle, Error> {
        self.count(1);
        let counter = KbkdfCounterFormat::new(Endianness::Big, COUNTER_BITS);
        let input = [
            PrfDataParam::new(PrfDataParamType::IterationVariable(Some(&counter))),
            PrfDataParam::new(PrfDataParamType::ByteArray(label)),
        ];
        let mechanism = Mechanism::KbkdfCounter(KbkdfParams::new(MechanismType::AES_CMAC, &input, None));
        self.session.derive_key(&mechanism, base, child.attributes()).doing("derive a key")
    }

    /// C_CopyObject of a token object into a session object that is as guarded.
    pub(crate) fn copy_to_session(&self, key: ObjectHandle) -> Result<ObjectHandle, Error> {
        self.count(1);
        self.session.copy_object(key, &[Attribute::Token(false)]).doing("copy a key into the session")
    }

    /// C_SignInit and C_Sign (CKM_AES_CMAC).
    pub(crate) fn cmac(&self, key: ObjectHandle, data: &[u8]) -> Result<Zeroizing<[u8; 16]>, Error> {
        self.count(3);
        let mut mac = self.session.sign(&Mechanism::AesCMac, key, data).doing("make an AES-CMAC")?;
        let fixed = exactly(&mac, "C_Sign");
        mac.zeroize();
        fixed.map(Zeroizing::new)
    }

    /// C_SignInit and C_Sign (CKM_ECDSA) over a digest: r ‖ s.
    pub(crate) fn ecdsa(&self, key: ObjectHandle, digest: &[u8; 32]) -> Result<[u8; 64], Error> {
        self.count(3);
        exactly(&self.session.sign(&Mechanism::Ecdsa, key, digest).doing("sign a digest")?, "C_Sign")
    }

    /// C_EncryptInit and C_Encrypt (CKM_AES_ECB) of one block.
    pub(crate) fn ecb(&self, key: ObjectHandle, block: &[u8; 16]) -> Result<[u8; 16], Error> {
        self.count(3);
        exactly(&self.session.encrypt(&Mechanism::AesEcb, key, block).doing("encrypt a block")?, "C_Encrypt")
    }

    /// C_WrapKey(CKM_AES_CBC, IV 0) of a key of whole blocks.
    pub(crate) fn wrap_cbc(
        &self,
        under: ObjectHandle,
        key: ObjectHandle,
        length: KeyLength,
    ) -> Result<Ciphertext, Error> {
        self.count(2);
        let wrapped = self.session.wrap_key(&Mechanism::AesCbc(ZERO_IV), under, key).doing("wrap a card key")?;
        Ciphertext::new(&wrapped).filter(|ciphertext| ciphertext.length() == length).ok_or(Error::OutputLength {
            function: "C_WrapKey",
            expected: length.bytes(),
            found: wrapped.len(),
        })
    }

    /// C_WrapKey(CKM_AES_KEY_WRAP), RFC 3394.
    pub(crate) fn wrap_kw(&self, under: ObjectHandle, key: ObjectHandle) -> Result<Vec<u8>, Error> {
        self.count(2);
        self.session.wrap_key(&Mechanism::AesKeyWrap, under, key).doing("wrap a key for its birth")
    }

    /// C_UnwrapKey(CKM_AES_KEY_WRAP), RFC 3394.
    pub(crate) fn unwrap_kw(&self, under: ObjectHandle, blob: &[u8], key: &Template) -> Result<ObjectHandle, Error> {
        self.count(1);
        self.session.unwrap_key(&Mechanism::AesKeyWrap, under, blob, key.attributes()).doing("let a key into the token")
    }

    /// C_GenerateKey(CKM_AES_KEY_GEN).
    pub(crate) fn generate_aes(&self, key: &Template) -> Result<ObjectHandle, Error> {
        self.count(1);
        self.session.generate_key(&Mechanism::AesKeyGen, key.attributes()).doing("generate an AES key")
    }

    /// C_GenerateKeyPair(CKM_EC_KEY_PAIR_GEN): public, private.
    pub(crate) fn generate_pair(
        &self,
        public: &Template,
        private: &Template,
    ) -> Result<(ObjectHandle, ObjectHandle), Error> {
        self.count(1);
        self.session
            .generate_key_pair(&Mechanism::EccKeyPairGen, public.attributes(), private.attributes())
            .doing("generate a key pair")
    }

    /// C_CreateObject: only for keys whose value is public.
    pub(crate) fn create(&self, key: &Template) -> Result<ObjectHandle, Error> {
        self.count(1);
        self.session.create_object(key.attributes()).doing("import a public test key")
    }

    /// C_DestroyObject.
    pub(crate) fn destroy(&self, key: ObjectHandle) -> Result<(), Error> {
        self.count(1);
        self.session.destroy_object(key).doing("destroy an object")
    }

    /// C_FindObjects by template.
    pub(crate) fn find(&self, wanted: &[Attribute]) -> Result<Vec<ObjectHandle>, Error> {
        self.count(3);
        self.session.find_objects(wanted).doing("look for a key")
    }

    /// C_GetAttributeValue.
    pub(crate) fn attributes(&self, key: ObjectHandle, wanted: &[AttributeType]) -> Result<Vec<Attribute>, Error> {
        self.count(2);
        self.session.get_attributes(key, wanted).doing("read a key's attributes")
    }
}

/// Output of a fixed length, or a report that the token gave another one.
fn exactly<const N: usize>(output: &[u8], function: &'static str) -> Result<[u8; N], Error> {
    output.try_into().map_err(|_| Error::OutputLength { function, expected: N, found: output.len() })
}
