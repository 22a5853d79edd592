//! The worker messages as bytes: one JSON object, hex in lower case, unknown members refused.
//!
//! Answers hold session keys. Those have no `Serialize`; they are written here by hand into a buffer that is wiped, and read
//! straight into their type.

use crate::error::Error;
use crate::hex_text::{AnyHex, BlobHex, Hex, SecretHex, WrappedHex};
use crate::message::{CardAnswer, CardChallenge, CardRequest, CardStep, Epoch, StepAnswer, WrappedKey};
use crate::name::KeyVersion;
use crate::sealed::{SealedKey, SealedSet};
use crate::secret::SessionKeys;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// Version of the messages. A worker and its caller must have the same one.
pub const CONTRACT: u32 = 4;

/// Room for the longest step of an answer: three AES-256 keys in hex, with their names.
const STEP_BYTES: usize = 384;

/// Longest message in bytes: 64 steps of the longest kind need 24 KiB, an error with all its text 10 KiB.
pub(crate) const FRAME_BYTES_MAX: usize = 64 * 1024;

/// The contract's version, checked while reading.
#[derive(Debug)]
struct Contract;

impl Serialize for Contract {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(CONTRACT)
    }
}

impl<'de> Deserialize<'de> for Contract {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            CONTRACT => Ok(Self),
            other => Err(serde::de::Error::custom(format!("contract {other}, not {CONTRACT}"))),
        }
    }
}

/// A key version by its name.
#[derive(Debug)]
pub(crate) struct Named(pub(crate) KeyVersion);

impl Serialize for Named {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    contract: Contract,
    epoch: Epoch,
    kdd: Hex<10>,
    steps: Vec<Step>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Step {
    OpenSession { key: Named, host_challenge: Hex<8>, challenge: Challenge },
    WrapKeySet { new: Named, under: Named },
    WrapSealedSet { of: Named, kek: Named, keys: [Sealed; 3], under: Named },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    blob: BlobHex,
    kcv: Hex<3>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Challenge {
    Answered(Hex<8>),
    Predicted { counter: u32, df_name: AnyHex },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    #[serde(rename = "contract")]
    _contract: Contract,
    calls: u32,
    steps: Vec<Answered>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Answered {
    Session { card_challenge: Hex<8>, s_enc: SecretHex, s_mac: SecretHex, s_rmac: SecretHex },
    KeySet([Wrapped; 3]),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrapped {
    ciphertext: WrappedHex,
    kcv: Hex<3>,
}

impl CardRequest {
    /// The request as one line of JSON.
    ///
    /// # Errors
    /// [`Error::Message`] when it cannot be written, which no request of this type is known to cause.
    pub fn to_wire(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(&Request::from(self)).map_err(|error| Error::Message { text: error.to_string() })
    }

    /// Reads a request and checks it.
    ///
    /// # Errors
    /// [`Error::Message`] when it is not of this contract, [`Error::BadRequest`] when no caller should send it.
    pub fn from_wire(bytes: &[u8]) -> Result<Self, Error> {
        read::<Request>(bytes)?.try_into()
    }
}

impl From<&CardRequest> for Request {
    fn from(request: &CardRequest) -> Self {
        let steps = request.steps.iter().map(Step::from).collect();
        Self { contract: Contract, epoch: request.epoch, kdd: Hex(request.kdd), steps }
    }
}

impl TryFrom<Request> for CardRequest {
    type Error = Error;

    fn try_from(read: Request) -> Result<Self, Error> {
        let steps = read.steps.into_iter().map(CardStep::from).collect();
        let request = Self { epoch: read.epoch, kdd: read.kdd.0, steps };
        request.check()?;
        Ok(request)
    }
}

impl From<Answer> for CardAnswer {
    fn from(read: Answer) -> Self {
        Self { calls: read.calls, steps: read.steps.into_iter().map(StepAnswer::from).collect() }
    }
}

impl CardAnswer {
    /// The answer as one line of JSON, in a buffer that wipes itself: it holds session keys.
    #[must_use]
    pub fn to_wire(&self) -> Zeroizing<Vec<u8>> {
        // Room for every step at once, so that the buffer never moves and leaves a copy behind.
        let mut out = Zeroizing::new(Vec::with_capacity(64 + self.steps.len() * STEP_BYTES));
        out.extend_from_slice(format!("{{\"contract\":{CONTRACT},\"calls\":{},\"steps\":[", self.calls).as_bytes());
        for (number, step) in self.steps.iter().enumerate() {
            if number > 0 {
                out.push(b',');
            }
            match step {
                StepAnswer::Session { card_challenge, keys } => {
                    out.extend_from_slice(b"{\"session\":{\"card_challenge\":");
                    push_hex(&mut out, card_challenge);
                    for (name, key) in [("s_enc", &keys.s_enc), ("s_mac", &keys.s_mac), ("s_rmac", &keys.s_rmac)] {
                        out.extend_from_slice(b",\"");
                        out.extend_from_slice(name.as_bytes());
                        out.extend_from_slice(b"\":");
                        push_hex(&mut out, key.expose());
                    }
                    out.extend_from_slice(b"}}");
                }
                StepAnswer::KeySet(set) => {
                    out.extend_from_slice(b"{\"key_set\":[");
                    for (place, key) in set.iter().enumerate() {
                        out.extend_from_slice(if place == 0 { b"{\"ciphertext\":" } else { b",{\"ciphertext\":" });
                        push_hex(&mut out, key.ciphertext.as_bytes());
                        out.extend_from_slice(b",\"kcv\":");
                        push_hex(&mut out, &key.kcv);
                        out.push(b'}');
                    }
                    out.extend_from_slice(b"]}");
                }
            }
        }
        out.extend_from_slice(b"]}");
        out
    }

    /// Reads an answer.
    ///
    /// # Errors
    /// [`Error::Message`] when it is not of this contract; the report never repeats its content.
    pub fn from_wire(bytes: &[u8]) -> Result<Self, Error> {
        read::<Answer>(bytes).map(Self::from)
    }
}

pub(crate) fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Error> {
    if bytes.len() > FRAME_BYTES_MAX {
        return Err(Error::Message { text: format!("{} bytes, more than {FRAME_BYTES_MAX}", bytes.len()) });
    }
    serde_json::from_slice(bytes).map_err(|error| Error::Message { text: error.to_string() })
}

pub(crate) fn push_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
    out.push(b'"');
    for byte in bytes {
        out.extend([digit(byte >> 4), digit(byte & 0x0F)]);
    }
    out.push(b'"');
}

impl From<&CardStep> for Step {
    fn from(step: &CardStep) -> Self {
        match step {
            CardStep::OpenSession { key, host_challenge, challenge } => Self::OpenSession {
                key: Named(key.clone()),
                host_challenge: Hex(*host_challenge),
                challenge: match challenge {
                    CardChallenge::Answered(challenge) => Challenge::Answered(Hex(*challenge)),
                    CardChallenge::Predicted { counter, df_name } => {
                        Challenge::Predicted { counter: *counter, df_name: AnyHex(df_name.clone()) }
                    }
                },
            },
            CardStep::WrapKeySet { new, under } => {
                Self::WrapKeySet { new: Named(new.clone()), under: Named(under.clone()) }
            }
            CardStep::WrapSealedSet { set, under } => Self::WrapSealedSet {
                of: Named(set.of.clone()),
                kek: Named(set.kek.clone()),
                keys: set.keys.clone().map(|key| Sealed { blob: BlobHex(key.blob), kcv: Hex(key.kcv) }),
                under: Named(under.clone()),
            },
        }
    }
}

impl From<Step> for CardStep {
    fn from(step: Step) -> Self {
        match step {
            Step::OpenSession { key, host_challenge, challenge } => Self::OpenSession {
                key: key.0,
                host_challenge: host_challenge.0,
                challenge: match challenge {
                    Challenge::Answered(challenge) => CardChallenge::Answered(challenge.0),
                    Challenge::Predicted { counter, df_name } => {
                        CardChallenge::Predicted { counter, df_name: df_name.0 }
                    }
                },
            },
            Step::WrapKeySet { new, under } => Self::WrapKeySet { new: new.0, under: under.0 },
            Step::WrapSealedSet { of, kek, keys, under } => {
                let keys = keys.map(|key| SealedKey { blob: key.blob.0, kcv: key.kcv.0 });
                Self::WrapSealedSet { set: Box::new(SealedSet { of: of.0, kek: kek.0, keys }), under: under.0 }
            }
        }
    }
}

impl From<Answered> for StepAnswer {
    fn from(answered: Answered) -> Self {
        match answered {
            Answered::Session { card_challenge, s_enc, s_mac, s_rmac } => Self::Session {
                card_challenge: card_challenge.0,
                keys: SessionKeys { s_enc: s_enc.0, s_mac: s_mac.0, s_rmac: s_rmac.0 },
            },
            Answered::KeySet(set) => {
                Self::KeySet(set.map(|key| WrappedKey { ciphertext: key.ciphertext.0, kcv: key.kcv.0 }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Ciphertext;
    use crate::sealed::Blob;
    use crate::secret::SessionKey;

    const REQUEST: &str = include_str!("../golden/card_request.json");
    const ANSWER: &str = include_str!("../golden/card_answer.json");

    fn request() -> CardRequest {
        let key = |text: &str| text.parse::<KeyVersion>().unwrap();
        CardRequest {
            epoch: Epoch::new(7),
            kdd: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
            steps: vec![
                CardStep::OpenSession {
                    key: key("initial@1"),
                    host_challenge: [0x11; 8],
                    challenge: CardChallenge::Answered([0x22; 8]),
                },
                CardStep::WrapKeySet { new: key("transport@1"), under: key("initial@1") },
                CardStep::WrapSealedSet {
                    set: Box::new(SealedSet {
                        of: key("recovery@1"),
                        kek: key("card-kek/line@1"),
                        keys: [0x77, 0x88, 0x99]
                            .map(|b| SealedKey { blob: Blob::new(vec![b; 24]).unwrap(), kcv: [b; 3] }),
                    }),
                    under: key("transport@1"),
                },
                CardStep::OpenSession {
                    key: key("ap/ticket@3"),
                    host_challenge: [0x33; 8],
                    challenge: CardChallenge::Predicted { counter: 1, df_name: vec![0xA0, 0, 0, 1] },
                },
            ],
        }
    }

    fn answer() -> CardAnswer {
        let key = |byte| SessionKey::new(&[byte; 16]).unwrap();
        CardAnswer {
            calls: 42,
            steps: vec![
                StepAnswer::Session {
                    card_challenge: [0x22; 8],
                    keys: SessionKeys { s_enc: key(0x44), s_mac: key(0x55), s_rmac: key(0x66) },
                },
                StepAnswer::KeySet(
                    [0x77, 0x88, 0x99]
                        .map(|b| WrappedKey { ciphertext: Ciphertext::new(&[b; 16]).unwrap(), kcv: [b; 3] }),
                ),
            ],
        }
    }

    #[test]
    fn the_golden_messages_are_what_is_written_and_read() {
        assert_eq!(String::from_utf8(request().to_wire().unwrap()).unwrap(), REQUEST.trim_end());
        assert_eq!(String::from_utf8(answer().to_wire().to_vec()).unwrap(), ANSWER.trim_end());
        assert_eq!(CardRequest::from_wire(REQUEST.as_bytes()).unwrap(), request());
        assert_eq!(CardAnswer::from_wire(ANSWER.as_bytes()).unwrap(), answer());
    }

    #[test]
    fn messages_of_another_shape_are_refused() {
        for (from, to) in [
            ("\"contract\":4", "\"contract\":3"),
            ("\"contract\":4,", ""),
            ("7777", "77"),
            ("\"kdd\":\"00", "\"kdd\":\""),
            ("initial@1", "initial"),
            ("wrap_key_set", "derive_block"),
            ("\"epoch\"", "\"block\":\"00\",\"epoch\""),
            ("\"counter\":1,", "\"counter\":0,"),
            ("\"counter\":1,", "\"counter\":16777216,"),
            ("a0000001", ""),
        ] {
            assert!(CardRequest::from_wire(REQUEST.replacen(from, to, 1).as_bytes()).is_err(), "{from} -> {to}");
        }
    }

    #[test]
    fn a_bad_answer_is_reported_without_its_keys() {
        let secret = "44444444444444444444444444444444";
        let error = CardAnswer::from_wire(ANSWER.replace(secret, &secret[1..]).as_bytes()).unwrap_err();
        assert!(!error.to_string().contains("4444"), "{error}");
    }

    #[test]
    fn keys_of_32_bytes_are_read_as_written_and_the_buffer_never_moves() {
        let key = |byte| SessionKey::new(&[byte; 32]).unwrap();
        let session = |byte| StepAnswer::Session {
            card_challenge: [byte; 8],
            keys: SessionKeys { s_enc: key(byte), s_mac: key(byte + 1), s_rmac: key(byte + 2) },
        };
        let wrapped = |b| WrappedKey { ciphertext: Ciphertext::new(&[b; 32]).unwrap(), kcv: [b; 3] };
        let set = |byte| StepAnswer::KeySet([byte, byte + 1, byte + 2].map(wrapped));
        let answer = CardAnswer { calls: u32::MAX, steps: (0..8).flat_map(|n| [session(n), set(n)]).collect() };
        let wire = answer.to_wire();
        assert_eq!(CardAnswer::from_wire(&wire).unwrap(), answer);
        assert_eq!(wire.capacity(), 64 + 16 * STEP_BYTES, "it had to grow");
    }

    #[test]
    fn a_printed_answer_hides_its_keys() {
        assert!(!format!("{:?}", answer()).contains("68"), "0x44 = 68");
    }
}
