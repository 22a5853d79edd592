//! INITIALIZE UPDATE and its answer: Amendment D 1.2, §7.1.1.

use super::challenge::{Challenge, Cryptogram};
use super::channel::Initiated;
use super::derivation::{Constant, derive};
use super::keys::SessionKeys;
use super::level::Mode;
use crate::apdu::{Command, NE_SHORT_MAX, Response};
use crate::crypto::AesKey;
use crate::error::Error;
use crate::id::{DfName, Kdd, Kvn};
use std::fmt;
use std::ops::Range;

/// INS of INITIALIZE UPDATE.
const INS: u8 = 0x50;
/// The protocol identifier in the key information field.
const SCP03: u8 = 0x03;
/// KDD, KVN, protocol identifier and options: what stands before the card's challenge.
const BEFORE_CHALLENGE_BYTES: usize = 13;

/// INITIALIZE UPDATE: asks the card to open a channel with a key set.
#[derive(Debug, Clone)]
pub struct InitializeUpdate {
    /// The key set; 00 lets the card take its first one.
    pub kvn: Kvn,
    /// Random bytes; their length chooses S8 or S16.
    pub host_challenge: Challenge,
}

impl InitializeUpdate {
    /// `80 50 KVN 00 Lc host challenge 00`.
    #[must_use]
    pub fn command(&self) -> Command {
        Command::new(0x80, INS, self.kvn.to_u8(), 0x00).with_data(self.host_challenge.as_bytes()).with_ne(NE_SHORT_MAX)
    }

    /// Takes the card's answer.
    ///
    /// # Errors
    /// [`Error::CardStatus`] for another status word than 9000; [`Error::InitializeUpdateLength`] and
    /// [`Error::NotScp03`] from [`InitializeUpdateResponse::parse`]; [`Error::ModeMismatch`] when the answer is not in
    /// the mode of the host challenge; [`Error::KvnMismatch`] when a KVN other than 00 was asked for and another answers.
    pub fn answered(self, response: &Response) -> Result<Initiated, Error> {
        if !response.sw.is_success() {
            return Err(Error::CardStatus { ins: INS, sw: response.sw });
        }
        let answer = InitializeUpdateResponse::parse(&response.data)?;
        let mode = self.host_challenge.mode();
        if answer.card_challenge.mode() != mode {
            return Err(Error::ModeMismatch { asked: mode, answered: answer.card_challenge.mode() });
        }
        if self.kvn != Kvn::new(0x00) && answer.kvn != self.kvn {
            return Err(Error::KvnMismatch { asked: self.kvn, answered: answer.kvn });
        }
        Ok(Initiated::new(self.host_challenge, answer))
    }
}

/// The `i` parameter: implementation options of the card's SCP03 (Amendment D 1.2, §5.1).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ImplementationOptions(u8);

impl ImplementationOptions {
    /// From the byte.
    #[must_use]
    pub const fn new(byte: u8) -> Self {
        Self(byte)
    }

    /// Those of a card of this house: pseudo-random challenge, R-MAC and R-ENC (70), and S16 where that is what it speaks (01).
    #[must_use]
    pub const fn of_house(mode: Mode) -> Self {
        match mode {
            Mode::S8 => Self(0x70),
            Mode::S16 => Self(0x71),
        }
    }

    /// The byte.
    #[must_use]
    pub const fn to_u8(self) -> u8 {
        self.0
    }

    /// The card challenge is pseudo-random, and the answer ends with the sequence counter (b5).
    #[must_use]
    pub const fn has_pseudo_random_challenge(self) -> bool {
        self.0 & 0x10 != 0
    }

    /// R-MAC is supported (b6).
    #[must_use]
    pub const fn has_r_mac(self) -> bool {
        self.0 & 0x20 != 0
    }

    /// R-MAC and response encryption are supported (b6 and b7).
    #[must_use]
    pub const fn has_r_enc(self) -> bool {
        self.0 & 0x60 == 0x60
    }
}

impl fmt::Debug for ImplementationOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "i={:02X}", self.0)
    }
}

/// Sequence counter of a key set, three bytes: +1 at every INITIALIZE UPDATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SequenceCounter(u32);

impl SequenceCounter {
    /// Largest counter; a set that has reached it opens no channel any more.
    pub const MAX: Self = Self(0x00FF_FFFF);
    /// The first counter that a new set answers.
    pub const FIRST: Self = Self(1);

    /// From its number; `None` above [`SequenceCounter::MAX`].
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        if number <= Self::MAX.0 { Some(Self(number)) } else { None }
    }

    /// From its bytes.
    #[must_use]
    pub const fn from_bytes([a, b, c]: [u8; 3]) -> Self {
        Self(u32::from_be_bytes([0, a, b, c]))
    }

    /// Its number.
    #[must_use]
    pub const fn to_u32(self) -> u32 {
        self.0
    }

    /// Its bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 3] {
        let [_, a, b, c] = self.0.to_be_bytes();
        [a, b, c]
    }

    /// The counter of the INITIALIZE UPDATE after this one; `None` when the set is used up.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        Self::new(self.0 + 1)
    }
}

impl fmt::Display for SequenceCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06X}", self.0)
    }
}

/// What is known of a card before it is met: enough to compute what INITIALIZE UPDATE will answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prediction {
    /// The chip.
    pub kdd: Kdd,
    /// The key set.
    pub kvn: Kvn,
    /// Its counter in that answer.
    pub counter: SequenceCounter,
    /// The challenge that goes with the counter: [`predicted_card_challenge`], which an HSM computes as well.
    pub card_challenge: Challenge,
}

/// What a card answers to INITIALIZE UPDATE; nothing in it is authenticated until [`Initiated::prove`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitializeUpdateResponse {
    /// Key diversification data: the chip's identity.
    pub kdd: Kdd,
    /// The key set that answers.
    pub kvn: Kvn,
    /// Implementation options.
    pub options: ImplementationOptions,
    /// The card's challenge.
    pub card_challenge: Challenge,
    /// The card's proof that it has the keys.
    pub card_cryptogram: Cryptogram,
    /// The counter, where the challenge is pseudo-random.
    pub counter: Option<SequenceCounter>,
}

impl InitializeUpdateResponse {
    /// What a card of this house with pseudo-random challenges answers to `host_challenge`, computed before it is met.
    #[must_use]
    pub fn foreseen(card: &Prediction, host_challenge: Challenge, keys: &SessionKeys) -> Self {
        let Prediction { kdd, kvn, counter, card_challenge } = *card;
        let mode = host_challenge.mode();
        let context = [host_challenge.as_bytes(), card_challenge.as_bytes()].concat();
        let card_cryptogram = Cryptogram::derived(keys.mac(), Constant::CARD_CRYPTOGRAM, mode, &context);
        let options = ImplementationOptions::of_house(mode);
        Self { kdd, kvn, options, card_challenge, card_cryptogram, counter: Some(counter) }
    }

    /// How the answer of a chip begins, whatever its options and its counter: `KDD(10) ‖ KVN ‖ 03`.
    #[must_use]
    pub fn introduction(kdd: Kdd, kvn: Kvn) -> Vec<u8> {
        [kdd.as_bytes().as_slice(), &[kvn.to_u8(), SCP03]].concat()
    }

    /// The bytes that [`InitializeUpdateResponse::parse`] reads.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self { kdd, kvn, options, card_challenge, card_cryptogram, counter } = self;
        let mut data = Self::introduction(*kdd, *kvn);
        data.push(options.to_u8());
        data.extend_from_slice(card_challenge.as_bytes());
        data.extend_from_slice(card_cryptogram.as_bytes());
        data.extend(counter.iter().flat_map(|counter| counter.to_bytes()));
        data
    }

    /// Where the cryptogram stands in [`InitializeUpdateResponse::encode`].
    #[must_use]
    pub fn cryptogram_place(&self) -> Range<usize> {
        let begin = BEFORE_CHALLENGE_BYTES + self.card_challenge.as_bytes().len();
        begin..begin + self.card_cryptogram.as_bytes().len()
    }

    /// Reads `KDD(10) ‖ KVN ‖ 03 ‖ i ‖ challenge ‖ cryptogram [‖ counter(3)]`; the length tells S8 from S16.
    ///
    /// # Errors
    /// [`Error::InitializeUpdateLength`] unless the length fits S8 or S16 and what `i` says of the counter;
    /// [`Error::NotScp03`] for another protocol.
    pub fn parse(data: &[u8]) -> Result<Self, Error> {
        let wrong_length = || Error::InitializeUpdateLength { len: data.len() };
        let Some((kdd, [kvn, scp, i, rest @ ..])) = data.split_first_chunk::<10>() else {
            return Err(wrong_length());
        };
        if *scp != SCP03 {
            return Err(Error::NotScp03 { found: *scp });
        }
        let options = ImplementationOptions::new(*i);
        let (rest, counter) = if options.has_pseudo_random_challenge() {
            let (rest, counter) = rest.split_last_chunk::<3>().ok_or_else(wrong_length)?;
            (rest, Some(SequenceCounter::from_bytes(*counter)))
        } else {
            (rest, None)
        };
        let (card_challenge, cryptogram) = match rest.as_chunks::<8>() {
            ([challenge, cryptogram], []) => (Challenge::S8(*challenge), Challenge::S8(*cryptogram)),
            ([_, _, _, _], []) => match rest.as_chunks::<16>() {
                ([challenge, cryptogram], []) => (Challenge::S16(*challenge), Challenge::S16(*cryptogram)),
                _ => return Err(wrong_length()),
            },
            _ => return Err(wrong_length()),
        };
        Ok(Self {
            kdd: Kdd::new(*kdd),
            kvn: Kvn::new(*kvn),
            options,
            card_challenge,
            card_cryptogram: Cryptogram::new(cryptogram),
            counter,
        })
    }
}

/// The challenge that a card with `i` = 70 answers at `counter`, in the DF named `df_name` (Amendment D 1.2, §6.2.2.1).
///
/// A card that answers another one is not of this house or was not selected as believed; its cryptogram still decides.
#[must_use]
pub fn predicted_card_challenge(
    static_enc: &AesKey,
    counter: SequenceCounter,
    df_name: &DfName,
    mode: Mode,
) -> Challenge {
    let mut context = counter.to_bytes().to_vec();
    context.extend_from_slice(df_name.as_bytes());
    Challenge::cut(&derive(static_enc, Constant::CARD_CHALLENGE, mode.bits(), &context), mode)
}
