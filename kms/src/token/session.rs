//! One PKCS#11 session with the few calls that this house makes, counted.
//!
//! Where an output has a known length the token writes it into a buffer of ours; the binding would ask for the length first. The counts are of
//! C_ functions as they are called, with the binding's questions where it asks them.

use super::template::{RSA_BYTES, Template};
use crate::error::{Doing, Error};
use crate::length::KeyLength;
use crate::message::Ciphertext;
use crate::provider::OaepHash;
use crate::secret::Plain;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::mechanism::ekdf::AesCbcDeriveParams;
use cryptoki::mechanism::kbkdf::{Endianness, KbkdfCounterFormat, KbkdfParams, PrfDataParam, PrfDataParamType};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use fuda_pkcs11_ext::{ExtError, Library};
use std::cell::Cell;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// CBC with IV 0 over one block is ECB; over a 16-byte key it is what PUT KEY carries.
const ZERO_IV: [u8; 16] = [0; 16];

/// The longest tag of GCM (NIST SP 800-38D §5.2.1.2).
const GCM_TAG_BITS: u64 = 128;

/// The longest wrapped key in bytes: that of RSA-3072. A key under AES has 40 at most.
const WRAPPED_BYTES_MAX: usize = RSA_BYTES;

/// Width of SP 800-108's counter: kdf3 and AN10922 have one byte.
const COUNTER_BITS: NonZeroUsize = match NonZeroUsize::new(8) {
    Some(bits) => bits,
    None => NonZeroUsize::MIN,
};

/// A session. Closing it (by drop) destroys every session object made through it, with one call.
#[derive(Debug)]
pub(crate) struct Door {
    session: Session,
    /// The library, for the calls that the binding cannot make.
    library: Library,
    path: PathBuf,
    calls: Cell<u32>,
}

impl Door {
    pub(super) fn new(session: Session, library: Library, path: &Path) -> Self {
        Self { session, library, path: path.to_owned(), calls: Cell::new(1) }
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
        self.signed(&Mechanism::AesCMac, key, data, "make an AES-CMAC")
    }

    /// C_SignInit and C_Sign (CKM_ECDSA) over a digest: r ‖ s.
    pub(crate) fn ecdsa(&self, key: ObjectHandle, digest: &[u8; 32]) -> Result<[u8; 64], Error> {
        self.signed(&Mechanism::Ecdsa, key, digest, "sign a digest").map(|signature| *signature)
    }

    fn signed<const N: usize>(
        &self,
        mechanism: &Mechanism<'_>,
        key: ObjectHandle,
        data: &[u8],
        what: &'static str,
    ) -> Result<Zeroizing<[u8; N]>, Error> {
        self.count(2);
        self.session.sign_init(mechanism, key).doing(what)?;
        let mut output = Zeroizing::new([0; N]);
        let written = self.library.sign(&self.session, data, output.as_mut_slice());
        exactly(N, self.told(written, what)?, "C_Sign").map(|()| output)
    }

    /// C_EncryptInit and C_Encrypt (CKM_AES_ECB) of one block.
    pub(crate) fn ecb(&self, key: ObjectHandle, block: &[u8; 16]) -> Result<[u8; 16], Error> {
        self.count(2);
        let what = "encrypt a block";
        self.session.encrypt_init(&Mechanism::AesEcb, key).doing(what)?;
        let mut output = [0; 16];
        let written = self.library.encrypt(&self.session, block, &mut output);
        exactly(output.len(), self.told(written, what)?, "C_Encrypt").map(|()| output)
    }

    /// C_EncryptInit and C_Encrypt (CKM_AES_GCM, a tag of 128 bits): ciphertext ‖ tag.
    pub(crate) fn gcm_encrypt(
        &self,
        key: ObjectHandle,
        nonce: &[u8; 12],
        aad: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, Error> {
        self.count(3);
        let mut nonce = *nonce;
        let mechanism = gcm(&mut nonce, aad).doing("seal data")?;
        self.session.encrypt(&mechanism, key, plain).doing("seal data")
    }

    /// C_DecryptInit and C_Decrypt (CKM_AES_GCM).
    pub(crate) fn gcm_decrypt(
        &self,
        key: ObjectHandle,
        nonce: &[u8; 12],
        aad: &[u8],
        ciphertext: &[u8],
    ) -> Result<Plain, Error> {
        self.count(3);
        let mut nonce = *nonce;
        let mechanism = gcm(&mut nonce, aad).doing("open sealed data")?;
        self.session.decrypt(&mechanism, key, ciphertext).doing("open sealed data").map(Plain::new)
    }

    /// C_WrapKey(CKM_AES_CBC, IV 0) of a key of whole blocks.
    pub(crate) fn wrap_cbc(
        &self,
        under: ObjectHandle,
        key: ObjectHandle,
        length: KeyLength,
    ) -> Result<Ciphertext, Error> {
        let wrapped = self.wrapped(&Mechanism::AesCbc(ZERO_IV), under, key, "wrap a card key")?;
        Ciphertext::new(&wrapped).filter(|ciphertext| ciphertext.length() == length).ok_or(Error::OutputLength {
            function: "C_WrapKey",
            expected: length.bytes(),
            found: wrapped.len(),
        })
    }

    /// C_WrapKey(CKM_AES_KEY_WRAP), RFC 3394.
    pub(crate) fn wrap_kw(&self, under: ObjectHandle, key: ObjectHandle) -> Result<Vec<u8>, Error> {
        self.wrapped(&Mechanism::AesKeyWrap, under, key, "wrap a key for its birth")
    }

    fn wrapped(
        &self,
        mechanism: &Mechanism<'_>,
        under: ObjectHandle,
        key: ObjectHandle,
        what: &'static str,
    ) -> Result<Vec<u8>, Error> {
        self.count(1);
        let mut output = vec![0; WRAPPED_BYTES_MAX];
        let written = self.library.wrap_key(&self.session, mechanism, under, key, &mut output);
        output.truncate(self.told(written, what)?);
        Ok(output)
    }

    /// C_UnwrapKey(CKM_AES_KEY_WRAP), RFC 3394.
    pub(crate) fn unwrap_kw(&self, under: ObjectHandle, blob: &[u8], key: &Template) -> Result<ObjectHandle, Error> {
        self.count(1);
        self.session.unwrap_key(&Mechanism::AesKeyWrap, under, blob, key.attributes()).doing("let a key into the token")
    }

    /// C_UnwrapKey(CKM_AES_KEY_WRAP) of a KEK, with CKA_UNWRAP_TEMPLATE: `lets_in` is what every key must fit that it unwraps later.
    pub(crate) fn unwrap_kek(
        &self,
        under: ObjectHandle,
        blob: &[u8],
        kek: &Template,
        lets_in: &Template,
    ) -> Result<ObjectHandle, Error> {
        self.count(1);
        let (kek, lets_in) = (kek.attributes(), lets_in.attributes());
        let let_in = self.library.unwrap_key(&self.session, &Mechanism::AesKeyWrap, under, blob, kek, lets_in);
        self.told(let_in, "let a KEK into the token")
    }

    /// C_GenerateKeyPair(CKM_RSA_PKCS_KEY_PAIR_GEN): public, private; the private half lets in what `lets_in` says.
    pub(crate) fn generate_pairing(
        &self,
        (public, private): (&Template, &Template),
        lets_in: &Template,
    ) -> Result<(ObjectHandle, ObjectHandle), Error> {
        self.count(1);
        let (public, private, lets_in) = (public.attributes(), private.attributes(), lets_in.attributes());
        let made = self.library.generate_pair(&self.session, &Mechanism::RsaPkcsKeyPairGen, public, private, lets_in);
        self.told(made, "generate a key pair")
    }

    /// C_WrapKey(CKM_RSA_PKCS_OAEP), RFC 8017 §7.1, under a public key.
    pub(crate) fn wrap_oaep(&self, under: ObjectHandle, key: ObjectHandle, hash: OaepHash) -> Result<Vec<u8>, Error> {
        self.wrapped(&oaep(hash), under, key, "seal a KEK for a peer")
    }

    /// C_UnwrapKey(CKM_RSA_PKCS_OAEP) of a KEK, with CKA_UNWRAP_TEMPLATE as in [`Door::unwrap_kek`].
    pub(crate) fn unwrap_oaep(
        &self,
        under: ObjectHandle,
        (sealed, hash): (&[u8], OaepHash),
        kek: &Template,
        lets_in: &Template,
    ) -> Result<ObjectHandle, Error> {
        self.count(1);
        let (kek, lets_in) = (kek.attributes(), lets_in.attributes());
        let let_in = self.library.unwrap_key(&self.session, &oaep(hash), under, sealed, kek, lets_in);
        self.told(let_in, "let a KEK into the token")
    }

    fn told<T>(&self, outcome: Result<T, ExtError>, what: &'static str) -> Result<T, Error> {
        match outcome {
            Ok(value) => Ok(value),
            Err(ExtError::Token(error)) => Err(error).doing(what),
            Err(ExtError::Library(text)) => Err(Error::Module { path: self.path.clone(), text }),
        }
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

    /// C_CreateObject: only for keys that are public, or whose value is.
    pub(crate) fn create(&self, key: &Template) -> Result<ObjectHandle, Error> {
        self.count(1);
        self.session.create_object(key.attributes()).doing("import a public key")
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

fn oaep(hash: OaepHash) -> Mechanism<'static> {
    let (hash, mask) = match hash {
        OaepHash::Sha256 => (MechanismType::SHA256, PkcsMgfType::MGF1_SHA256),
        OaepHash::Sha1 => (MechanismType::SHA1, PkcsMgfType::MGF1_SHA1),
    };
    Mechanism::RsaPkcsOaep(PkcsOaepParams::new(hash, mask, PkcsOaepSource::empty()))
}

fn gcm<'a>(nonce: &'a mut [u8; 12], aad: &'a [u8]) -> Result<Mechanism<'a>, cryptoki::error::Error> {
    GcmParams::new(nonce, aad, GCM_TAG_BITS.into()).map(Mechanism::AesGcm)
}

/// Refuses an output that has another length than it must have.
const fn exactly(expected: usize, found: usize, function: &'static str) -> Result<(), Error> {
    if found == expected { Ok(()) } else { Err(Error::OutputLength { function, expected, found }) }
}
