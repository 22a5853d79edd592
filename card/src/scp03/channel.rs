//! Opening a channel: the card proves itself, then the host (Amendment D 1.2, §5.3 and §7.1.2).

use super::challenge::{Challenge, Cryptogram};
use super::derivation::Constant;
use super::initialize::{InitializeUpdateResponse, SequenceCounter};
use super::keys::SessionKeys;
use super::level::SecurityLevel;
use super::messaging::Authenticated;
use super::session::Session;
use crate::apdu::{Command, Response};
use crate::crypto::BLOCK_BYTES;
use crate::error::Error;
use crate::id::{Kdd, Kvn};
use subtle::ConstantTimeEq;

/// INS of EXTERNAL AUTHENTICATE.
const INS: u8 = 0x82;

/// The card has answered INITIALIZE UPDATE; neither side is proved.
#[derive(Debug)]
pub struct Initiated {
    host_challenge: Challenge,
    answer: InitializeUpdateResponse,
}

impl Initiated {
    pub(super) const fn new(host_challenge: Challenge, answer: InitializeUpdateResponse) -> Self {
        Self { host_challenge, answer }
    }

    /// What the card answered; not authenticated yet.
    #[must_use]
    pub const fn answer(&self) -> &InitializeUpdateResponse {
        &self.answer
    }

    /// The context of all derivations of the session: host challenge ‖ card challenge (16 or 32 bytes).
    #[must_use]
    pub fn context(&self) -> Vec<u8> {
        [self.host_challenge.as_bytes(), self.answer.card_challenge.as_bytes()].concat()
    }

    /// Checks the card cryptogram and only then makes EXTERNAL AUTHENTICATE (`84 82 level 00`).
    ///
    /// # Errors
    /// [`Error::CardCryptogram`] when the card does not hold the keys. Nothing has been sent then, so no try is burned;
    /// the same keys must not be tried again.
    pub fn prove(self, keys: SessionKeys, level: SecurityLevel) -> Result<(Proved, Command), Error> {
        let mode = self.host_challenge.mode();
        let context = self.context();
        let cryptogram = |constant| Cryptogram::derived(keys.mac(), constant, mode, &context);
        if !bool::from(cryptogram(Constant::CARD_CRYPTOGRAM).ct_eq(&self.answer.card_cryptogram)) {
            return Err(Error::CardCryptogram { kvn: self.answer.kvn });
        }
        let proof = CardProof { kdd: self.answer.kdd, kvn: self.answer.kvn, counter: self.answer.counter };

        let host_cryptogram = cryptogram(Constant::HOST_CRYPTOGRAM);
        let mut session = Session::new(keys, mode, level, [0; BLOCK_BYTES]);
        let plain = Command::new(0x80, INS, level.to_u8(), 0x00).with_data(host_cryptogram.as_bytes());
        let command = session.append_c_mac(plain)?;
        Ok((Proved { session, proof }, command))
    }
}

/// The card proved that it holds the keys: only the check of its cryptogram makes this value.
///
/// Commands that change a card ask for it, so they cannot be built for a card that proved nothing.
#[derive(Debug, PartialEq, Eq)]
pub struct CardProof {
    kdd: Kdd,
    kvn: Kvn,
    counter: Option<SequenceCounter>,
}

impl CardProof {
    /// The chip.
    #[must_use]
    pub const fn kdd(&self) -> Kdd {
        self.kdd
    }

    /// The key set it proved to hold.
    #[must_use]
    pub const fn kvn(&self) -> Kvn {
        self.kvn
    }

    /// The set's sequence counter in the session, where the card says it.
    #[must_use]
    pub const fn counter(&self) -> Option<SequenceCounter> {
        self.counter
    }
}

/// The card is proved; EXTERNAL AUTHENTICATE is on its way.
#[derive(Debug)]
pub struct Proved {
    session: Session,
    proof: CardProof,
}

impl Proved {
    /// The card's proof.
    #[must_use]
    pub const fn proof(&self) -> &CardProof {
        &self.proof
    }

    /// Takes the card's answer to EXTERNAL AUTHENTICATE.
    ///
    /// # Errors
    /// [`Error::CardStatus`] for another status word than 9000 (6300: the card refuses the host cryptogram; never try
    /// again), [`Error::UnexpectedData`] for data, which this response cannot have.
    pub fn authenticated(self, response: &Response) -> Result<Authenticated, Error> {
        if !response.sw.is_success() {
            return Err(Error::CardStatus { ins: INS, sw: response.sw });
        }
        if !response.data.is_empty() {
            return Err(Error::UnexpectedData { ins: INS, len: response.data.len() });
        }
        Ok(Authenticated::new(self.session, self.proof))
    }
}
