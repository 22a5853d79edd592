//! The bound of the HSM: the calls that a worker makes for a card, made bare. One session logged in, one session per card, the same
//! functions with the same templates in the same order; no queue, no threads, no registry, nothing kept between cards but the handles of
//! the key-derivation keys.
//!
//! It is written against PKCS#11 alone, without `kms`, so that it is also a second opinion about what a card's keys are: the report
//! compares both answers byte for byte before it believes either rate.

pub mod calls;
pub mod processes;

use crate::doing::{Doing, failed};
use crate::maker::Maker;
use crate::site::Site;
use calls::{Calls, Lengths, card_key_template, readable_template};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use fuda_cli::Failure;
use fuda_kms::{CardAnswer, CardChallenge, CardRequest, CardStep, KeyVersion, StepAnswer};
use fuda_pkcs11_ext::Library;
use std::collections::BTreeMap;

/// Purposes in kdf3's label, and of a set in the order of PUT KEY.
const ENC: u8 = 1;
const MAC: u8 = 2;
const DEK: u8 = 3;

/// SCP03 derivation constants (GlobalPlatform Amendment D, table 4-1).
const CARD_CHALLENGE: u8 = 0x02;
const S_ENC: u8 = 0x04;
const S_MAC: u8 = 0x06;
const S_RMAC: u8 = 0x07;

/// A key-derivation key: its handle, and how card keys come from it.
#[derive(Debug, Clone, Copy)]
struct Kdk {
    handle: ObjectHandle,
    by: By,
}

#[derive(Debug, Clone, Copy)]
enum By {
    /// One AES, with the CMAC subkey that turns a CMAC of one block into it.
    EncryptData { k1: [u8; 16] },
    /// The token's own CMAC.
    Sp800108,
}

/// One static card key that a request needs: of which version, for what, and with which rights.
#[derive(Debug)]
struct Wanted {
    kdk: Kdk,
    purpose: u8,
    template: Vec<Attribute>,
}

/// A session on the token, and everything about a request that does not depend on the chip.
#[derive(Debug)]
pub struct Bare {
    library: Pkcs11,
    functions: Library,
    slot: Slot,
    login: Session,
    wanted: Vec<Wanted>,
    places: BTreeMap<(KeyVersion, u8), usize>,
    maker: Maker,
}

/// What came out for a card: every byte, in the order of the steps, and the number of PKCS#11 functions called.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    bytes: Vec<u8>,
    /// PKCS#11 functions called.
    pub calls: u32,
}

impl Bare {
    /// Logs in and prepares for cards that ask like `request`.
    ///
    /// # Errors
    /// When the token is not there or lacks a key.
    pub fn start(site: &Site, request: &CardRequest) -> Result<Self, Failure> {
        let token = site.hsm_config()?.token;
        let library = Pkcs11::new(&token.module).doing("load the PKCS#11 library")?;
        let functions = Library::load(&token.module).doing("load the PKCS#11 library")?;
        // The workers of this process may have started the library and logged in before.
        let _ = library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
        let slot = slot_of(&library, token.label.as_str())?;
        let login = library.open_ro_session(slot).doing("open a session")?;
        let _ = login.login(UserType::User, Some(&AuthPin::from(token.pin.read()?.expose().to_owned())));
        let (wanted, places, maker) = (Vec::new(), BTreeMap::new(), site.maker());
        let mut bare = Self { library, functions, slot, login, wanted, places, maker };
        bare.prepare(request)?;
        Ok(bare)
    }

    fn prepare(&mut self, request: &CardRequest) -> Result<(), Failure> {
        let mut kdks: BTreeMap<&KeyVersion, Kdk> = BTreeMap::new();
        for ((version, purpose), rights) in rights(request) {
            let kdk = match kdks.get(version) {
                Some(kdk) => *kdk,
                None => *kdks.entry(version).or_insert(self.kdk(version)?),
            };
            self.places.insert((version.clone(), purpose), self.wanted.len());
            self.wanted.push(Wanted { kdk, purpose, template: card_key_template(rights) });
        }
        Ok(())
    }

    fn kdk(&self, version: &KeyVersion) -> Result<Kdk, Failure> {
        let search = [
            Attribute::Token(true),
            Attribute::Label(version.to_string().into_bytes()),
            Attribute::Class(ObjectClass::SECRET_KEY),
        ];
        let found = self.login.find_objects(&search).doing("look for a key")?;
        let [handle] = found.as_slice() else { return Err(failed(format!("{} objects are {version}", found.len()))) };
        match self.maker {
            Maker::SoftHsm => Ok(Kdk { handle: *handle, by: By::EncryptData { k1: self.k1(*handle)? } }),
            // Kryoptic reads a token object from its database at every use.
            Maker::Kryoptic => {
                let copy = self.login.copy_object(*handle, &[Attribute::Token(false)]).doing("copy a key")?;
                Ok(Kdk { handle: copy, by: By::Sp800108 })
            }
        }
    }

    fn k1(&self, handle: ObjectHandle) -> Result<[u8; 16], Failure> {
        let zero =
            Calls::on(&self.login, self.functions, Lengths::Known).derive(handle, &[0; 16], &readable_template())?;
        let value = self.login.get_attributes(zero, &[AttributeType::Value]).doing("read the zero block")?;
        let Some(Attribute::Value(block)) = value.first() else { return Err(failed("no zero block".to_owned())) };
        let block: [u8; 16] = block.as_slice().try_into().doing("read the zero block")?;
        self.login.destroy_object(zero).doing("destroy an object")?;
        Ok(doubled(block))
    }

    /// Makes the calls of one card.
    ///
    /// # Errors
    /// When the token refuses one.
    pub fn card(&self, request: &CardRequest, lengths: Lengths) -> Result<Outcome, Failure> {
        let session = self.library.open_ro_session(self.slot).doing("open a session")?;
        let calls = Calls::on(&session, self.functions, lengths);
        let mut handles = Vec::with_capacity(self.wanted.len());
        for wanted in &self.wanted {
            handles.push(wanted.derive(&calls, &request.kdd)?);
        }
        let handle = |version: &KeyVersion, purpose| {
            let place = self.places.get(&(version.clone(), purpose));
            place.and_then(|place| handles.get(*place)).copied().ok_or("it was not derived").doing("find a card key")
        };
        let mut bytes = Vec::with_capacity(64 * request.steps.len());
        for step in &request.steps {
            match step {
                CardStep::OpenSession { key, host_challenge, challenge } => {
                    let (enc, mac) = (handle(key, ENC)?, handle(key, MAC)?);
                    let challenge = match challenge {
                        CardChallenge::Answered(challenge) => *challenge,
                        CardChallenge::Predicted { counter, df_name } => {
                            let [_, counter @ ..] = counter.to_be_bytes();
                            let mac = calls.cmac(enc, &scp03(CARD_CHALLENGE, 64, &[&counter, df_name]))?;
                            let [a, b, c, d, e, f, g, h, ..] = mac;
                            [a, b, c, d, e, f, g, h]
                        }
                    };
                    bytes.extend(challenge);
                    for (key, constant) in [(enc, S_ENC), (mac, S_MAC), (mac, S_RMAC)] {
                        bytes.extend(calls.cmac(key, &scp03(constant, 128, &[host_challenge, &challenge]))?);
                    }
                }
                CardStep::WrapKeySet { new, under } => {
                    let dek = handle(under, DEK)?;
                    for purpose in [ENC, MAC, DEK] {
                        let key = handle(new, purpose)?;
                        bytes.extend(calls.wrap(dek, key)?);
                        bytes.extend(calls.kcv(key)?);
                    }
                }
                // The benches' profiles have no recovery set.
                CardStep::WrapSealedSet { .. } => return Err(failed("a sealed set".to_owned())),
            }
        }
        let calls = calls.made() + 2;
        session.close().doing("close a session")?;
        Ok(Outcome { bytes, calls })
    }
}

impl Outcome {
    /// Whether a worker's answer says the same.
    #[must_use]
    pub fn agrees_with(&self, answer: &CardAnswer) -> bool {
        let mut bytes = Vec::with_capacity(self.bytes.len());
        for step in &answer.steps {
            match step {
                StepAnswer::Session { card_challenge, keys } => {
                    bytes.extend(card_challenge);
                    for key in [&keys.s_enc, &keys.s_mac, &keys.s_rmac] {
                        bytes.extend(key.expose());
                    }
                }
                StepAnswer::KeySet(set) => {
                    for key in set {
                        bytes.extend(key.ciphertext.as_bytes());
                        bytes.extend(key.kcv);
                    }
                }
            }
        }
        bytes == self.bytes && answer.calls == self.calls
    }
}

/// Every static key that a request needs, with the rights that its uses need.
fn rights(request: &CardRequest) -> BTreeMap<(&KeyVersion, u8), calls::Rights> {
    let mut rights: BTreeMap<(&KeyVersion, u8), calls::Rights> = BTreeMap::new();
    for step in &request.steps {
        match step {
            CardStep::OpenSession { key, .. } => {
                for purpose in [ENC, MAC] {
                    rights.entry((key, purpose)).or_default().signs();
                }
            }
            CardStep::WrapKeySet { new, under } => {
                rights.entry((under, DEK)).or_default().wraps();
                for purpose in [ENC, MAC, DEK] {
                    rights.entry((new, purpose)).or_default().goes();
                }
            }
            CardStep::WrapSealedSet { .. } => {}
        }
    }
    rights
}

fn slot_of(library: &Pkcs11, label: &str) -> Result<Slot, Failure> {
    for slot in library.get_slots_with_token().doing("list the tokens")? {
        if library.get_token_info(slot).doing("ask for a token's name")?.label() == label {
            return Ok(slot);
        }
    }
    Err(failed(format!("no token is labelled {label}")))
}

impl Wanted {
    fn derive(&self, calls: &Calls<'_>, kdd: &[u8; 10]) -> Result<ObjectHandle, Failure> {
        let block = kdf3_block(kdd, self.purpose);
        let [_counter, label @ ..] = &block;
        match self.kdk.by {
            By::EncryptData { k1 } => calls.derive(self.kdk.handle, &xor(block, k1), &self.template),
            By::Sp800108 => calls.derive_sp800_108(self.kdk.handle, label, &self.template),
        }
    }
}

/// kdf3's input: `01 ‖ 00 00 00 purpose ‖ 00 ‖ KDD`.
const fn kdf3_block(kdd: &[u8; 10], purpose: u8) -> [u8; 16] {
    let [d0, d1, d2, d3, d4, d5, d6, d7, d8, d9] = *kdd;
    [1, 0, 0, 0, purpose, 0, d0, d1, d2, d3, d4, d5, d6, d7, d8, d9]
}

fn xor(mut block: [u8; 16], key: [u8; 16]) -> [u8; 16] {
    block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
    block
}

/// Multiplication by x in GF(2¹²⁸).
fn doubled(block: [u8; 16]) -> [u8; 16] {
    let number = u128::from_be_bytes(block);
    ((number << 1) ^ ((number >> 127) * 0x87)).to_be_bytes()
}

/// SCP03's derivation block: `00×11 ‖ constant ‖ 00 ‖ L ‖ 01 ‖ context`.
fn scp03(constant: u8, bits: u16, context: &[&[u8]]) -> Vec<u8> {
    let [high, low] = bits.to_be_bytes();
    let mut block = vec![0; 11];
    block.extend([constant, 0, high, low, 1]);
    context.iter().for_each(|part| block.extend_from_slice(part));
    block
}
