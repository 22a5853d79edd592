//! PUT KEY (D8): GlobalPlatform Card Specification 2.3.1 §11.8, AES keys as in Amendment D 1.2, §7.2.

use super::{Exchange, data_of};
use crate::apdu::{Command, NE_SHORT_MAX, Response};
use crate::crypto::{Kcv, KeyLength};
use crate::error::Error;
use crate::id::Kvn;
use crate::scp03::CardProof;

const INS: u8 = 0xD8;
/// Key type AES in a key data field.
const TYPE_AES: u8 = 0x88;
/// P2: key identifier 01 of the first key, b8 = several keys in one command.
const P2_SET: u8 = 0x81;

/// A key ready for the card: wrapped under the channel's DEK, with the check value of the plain key.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyComponent {
    ciphertext: Vec<u8>,
    length: KeyLength,
    kcv: Kcv,
}

impl KeyComponent {
    /// From the ciphertext (AES-CBC, ICV 0; 32 bytes for an AES-192 key) and the GP KCV that an HSM made.
    ///
    /// # Errors
    /// [`Error::Parameter`] when the ciphertext is not the key's length in whole blocks.
    pub fn new(ciphertext: &[u8], length: KeyLength, kcv: Kcv) -> Result<Self, Error> {
        if ciphertext.len() == length.bytes().next_multiple_of(16) {
            Ok(Self { ciphertext: ciphertext.to_vec(), length, kcv })
        } else {
            Err(Error::Parameter {
                what: "the bytes of a wrapped key",
                value: ciphertext.len(),
                allowed: "16 for AES-128, 32 for AES-192 and AES-256",
            })
        }
    }

    /// Its check value.
    #[must_use]
    pub const fn kcv(&self) -> Kcv {
        self.kcv
    }
}

impl std::fmt::Debug for KeyComponent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyComponent({:?}, KCV {})", self.length, self.kcv)
    }
}

/// The two spellings of a key data field that hosts use; a card of this house takes both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ComponentForm {
    /// `88 11 10 ct`: the length of the plain key stands before the ciphertext, as Amendment D says.
    #[default]
    WithKeyLength,
    /// `88 10 ct`: ciphertext alone.
    CiphertextOnly,
}

/// Where the set goes: P1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// A new set beside the others (P1 = 00).
    Add,
    /// In place of this set, at once (P1 = its KVN).
    Replace(Kvn),
}

/// PUT KEY: one set of three keys, KID 01 to 03, loaded at once or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutKey {
    placement: Placement,
    kvn: Kvn,
    keys: [KeyComponent; 3],
    form: ComponentForm,
}

impl PutKey {
    /// The set `kvn` of ENC, MAC and DEK.
    #[must_use]
    pub const fn new(_: &CardProof, placement: Placement, kvn: Kvn, keys: [KeyComponent; 3]) -> Self {
        Self { placement, kvn, keys, form: ComponentForm::WithKeyLength }
    }

    /// The same command in the other spelling.
    #[must_use]
    pub const fn in_form(mut self, form: ComponentForm) -> Self {
        self.form = form;
        self
    }

    /// What a card that loaded the keys answers: `KVN ‖ KCV(3) × 3`.
    #[must_use]
    pub fn confirmation(&self) -> Vec<u8> {
        let kcvs = self.keys.iter().flat_map(|key| *key.kcv.as_bytes());
        std::iter::once(self.kvn.to_u8()).chain(kcvs).collect()
    }
}

impl Exchange for PutKey {
    /// The card holds the keys: it answered their check values.
    type Answer = ();

    fn command(&self) -> Command {
        let p1 = match self.placement {
            Placement::Add => 0x00,
            Placement::Replace(old) => old.to_u8(),
        };
        let mut data = vec![self.kvn.to_u8()];
        for KeyComponent { ciphertext, length, kcv } in &self.keys {
            // At most 33: the lengths are those of KeyComponent::new.
            let field = |len: usize| u8::try_from(len).unwrap_or(u8::MAX);
            data.push(TYPE_AES);
            match self.form {
                ComponentForm::WithKeyLength => {
                    data.extend_from_slice(&[field(ciphertext.len() + 1), field(length.bytes())]);
                }
                ComponentForm::CiphertextOnly => data.push(field(ciphertext.len())),
            }
            data.extend_from_slice(ciphertext);
            data.push(field(kcv.as_bytes().len()));
            data.extend_from_slice(kcv.as_bytes());
        }
        Command::new(0x80, INS, p1, P2_SET).with_data(data).with_ne(NE_SHORT_MAX)
    }

    /// Reads `KVN ‖ KCV(3) × 3` and compares.
    ///
    /// # Errors
    /// [`Error::CardStatus`]; [`Error::Answer`] for another length; [`Error::KvnMismatch`] or [`Error::KcvMismatch`] when
    /// the card says it loaded something else.
    fn answer(&self, response: &Response) -> Result<(), Error> {
        let data = data_of(INS, response)?;
        let Some((&kvn, kcvs)) = data.split_first() else {
            return Err(Error::Answer { ins: INS, offset: 0, expected: "the KVN" });
        };
        let (answered, []) = kcvs.as_chunks::<3>() else {
            return Err(Error::Answer { ins: INS, offset: data.len(), expected: "three KCVs" });
        };
        if answered.len() != self.keys.len() {
            return Err(Error::Answer { ins: INS, offset: data.len(), expected: "three KCVs" });
        }
        if kvn != self.kvn.to_u8() {
            return Err(Error::KvnMismatch { asked: self.kvn, answered: Kvn::new(kvn) });
        }
        for ((key, answered), kid) in self.keys.iter().zip(answered).zip(1..) {
            let answered = Kcv::new(*answered);
            if answered != key.kcv {
                return Err(Error::KcvMismatch { kvn: self.kvn, kid, expected: key.kcv, answered });
            }
        }
        Ok(())
    }
}
