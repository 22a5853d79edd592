//! Byte strings of the protocol: upper-case hex in JSON.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Text that is no byte string of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not hex: {expected}")]
pub struct HexError {
    expected: &'static str,
}

fn decode_upper(text: &str, expected: &'static str) -> Result<Vec<u8>, HexError> {
    // One spelling for one byte string: what was signed or stored is found again.
    base16ct::upper::decode_vec(text).map_err(|_| HexError { expected })
}

/// A byte string of any length: a command, a response, a value to be met.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct HexBytes(Vec<u8>);

impl HexBytes {
    /// From its bytes.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Number of bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for HexBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base16ct::upper::encode_string(&self.0))
    }
}

impl FromStr for HexBytes {
    type Err = HexError;

    fn from_str(text: &str) -> Result<Self, HexError> {
        decode_upper(text, "an even number of upper-case hex digits").map(Self)
    }
}

/// Declares an identifier of a fixed number of bytes.
macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, $expected:literal, $pattern:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// From its bytes.
            #[must_use]
            pub const fn new(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&base16ct::upper::encode_string(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = HexError;

            fn from_str(text: &str) -> Result<Self, HexError> {
                let wrong = HexError { expected: $expected };
                decode_upper(text, $expected)?.try_into().map(Self).map_err(|_| wrong)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $pattern })
            }
        }

        as_text!($name);
    };
}

/// JSON text by `Display` and `FromStr`.
macro_rules! as_text {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

as_text!(HexBytes);

impl JsonSchema for HexBytes {
    fn schema_name() -> Cow<'static, str> {
        "HexBytes".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^([0-9A-F]{2})*$" })
    }
}

identifier! {
    /// A session, from `open` to its end: 16 bytes that the terminal chooses, 10 of them or all at random. Who knows it may resume the session.
    SessionId, 16, "32 upper-case hex digits", "^[0-9A-F]{32}$"
}

impl SessionId {
    /// One that begins so many milliseconds after 1970, and goes on at random. As with UUID version 7 (RFC 9562, 6.2 and 6.11), sessions of
    /// one time stand side by side in a centre's indexes.
    #[must_use]
    pub fn at(ms: u64, chance: [u8; 10]) -> Self {
        let [_, _, time @ ..] = ms.to_be_bytes();
        let mut sid = [0; 16];
        let (head, tail) = sid.split_at_mut(time.len());
        head.copy_from_slice(&time);
        tail.copy_from_slice(&chance);
        Self(sid)
    }
}

identifier! {
    /// A script, from the centre: 8 bytes.
    ScriptId, 8, "16 upper-case hex digits", "^[0-9A-F]{16}$"
}
