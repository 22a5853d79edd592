//! Bytes as hex in messages: of a fixed length, of any, and as long as a key. What is secret is decoded where it lies and never copied.

use crate::length::KeyLength;
use crate::message::Ciphertext;
use crate::sealed::Blob;
use crate::secret::{Plain, SessionKey};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Bytes of a fixed length in hex.
#[derive(Debug)]
pub(crate) struct Hex<const N: usize>(pub(crate) [u8; N]);

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FixedHex<const N: usize>;
        impl<const N: usize> Visitor<'_> for FixedHex<N> {
            type Value = Hex<N>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} hex digits", 2 * N)
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Hex<N>, E> {
                let mut bytes = [0; N];
                // The error must not repeat the text: it may be a session key.
                hex::decode_to_slice(text, &mut bytes).map_err(|_| E::custom(format!("not {} hex digits", 2 * N)))?;
                Ok(Hex(bytes))
            }
        }
        deserializer.deserialize_str(FixedHex)
    }
}

/// Bytes of any length in hex.
#[derive(Debug)]
pub(crate) struct AnyHex(pub(crate) Vec<u8>);

impl Serialize for AnyHex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for AnyHex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode(text).map(Self).map_err(|_| serde::de::Error::custom("not hex"))
    }
}

/// Personal data: read where it lies, and written by hand.
pub(crate) struct PlainHex(pub(crate) Plain);

impl<'de> Deserialize<'de> for PlainHex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = PlainHex;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("hex digits")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<PlainHex, E> {
                hex::decode(text).map(|bytes| PlainHex(Plain::new(bytes))).map_err(|_| E::custom("not hex"))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// Personal data on its way to a worker.
#[derive(Debug)]
pub(crate) struct SharedHex(pub(crate) Arc<Plain>);

impl Serialize for SharedHex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(hex::encode(self.0.expose())))
    }
}

impl<'de> Deserialize<'de> for SharedHex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        PlainHex::deserialize(deserializer).map(|read| Self(Arc::new(read.0)))
    }
}

/// A sealed card key.
#[derive(Debug)]
pub(crate) struct BlobHex(pub(crate) Blob);

impl Serialize for BlobHex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0.as_bytes()))
    }
}

impl<'de> Deserialize<'de> for BlobHex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let AnyHex(bytes) = AnyHex::deserialize(deserializer)?;
        Blob::new(bytes).map(Self).ok_or_else(|| serde::de::Error::custom("not 48 or 80 hex digits"))
    }
}

/// A wrapped card key: can be read, is written by hand.
pub(crate) struct WrappedHex(pub(crate) Ciphertext);

impl<'de> Deserialize<'de> for WrappedHex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyHex(|bytes: &[u8]| Ciphertext::new(bytes).map(Self)))
    }
}

/// A session key: can be read, is written by hand.
pub(crate) struct SecretHex(pub(crate) SessionKey);

impl<'de> Deserialize<'de> for SecretHex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyHex(|bytes: &[u8]| SessionKey::new(bytes).map(Self)))
    }
}

/// Reads as many bytes as a key has, in a buffer that is wiped, and makes something of them.
struct KeyHex<F>(F);

impl<T, F: FnOnce(&[u8]) -> Option<T>> Visitor<'_> for KeyHex<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("32 or 64 hex digits")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        let mut buffer = Zeroizing::new([0; KeyLength::BYTES_MAX]);
        let bytes = buffer.get_mut(..text.len() / 2).unwrap_or_default();
        // The error must not repeat the text: it may be a session key.
        let read = hex::decode_to_slice(text, bytes).ok().and_then(|()| (self.0)(bytes));
        read.ok_or_else(|| E::custom("not 32 or 64 hex digits"))
    }
}
