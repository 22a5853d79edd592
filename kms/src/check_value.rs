//! Check values: several conventions exist for one key, so a value never goes without its label.

use crate::error::Error;
use std::fmt;
use std::str::FromStr;

/// How a check value was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GlobalPlatform Card Specification 2.3.1 §B.6: first 3 bytes of ECB over sixteen bytes 01.
    Gp,
    /// First 5 bytes of the CMAC of sixteen zero bytes: for paper and screens.
    Cmac,
    /// CKA_CHECK_VALUE as the token reports it: first 3 bytes of ECB over zeros (PKCS #11 3.1 §4.8).
    P11,
    /// First 8 bytes of the SHA-256 of a public key's uncompressed point.
    Point,
}

impl Method {
    /// The label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gp => "gp",
            Self::Cmac => "cmac",
            Self::P11 => "p11",
            Self::Point => "point",
        }
    }

    const fn bytes(self) -> usize {
        match self {
            Self::Gp | Self::P11 => 3,
            Self::Cmac => 5,
            Self::Point => 8,
        }
    }
}

/// A labelled check value, written `gp:E79C05`.
#[derive(Clone, PartialEq, Eq)]
pub struct CheckValue {
    method: Method,
    bytes: Vec<u8>,
}

impl CheckValue {
    /// The leading bytes of `output` that the method keeps.
    #[must_use]
    pub fn new(method: Method, output: &[u8]) -> Self {
        Self { method, bytes: output.iter().copied().take(method.bytes()).collect() }
    }

    /// How it was made.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.method
    }

    /// The value without its label, in hex.
    #[must_use]
    pub fn hex(&self) -> String {
        hex::encode_upper(&self.bytes)
    }
}

impl fmt::Display for CheckValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.method.as_str(), self.hex())
    }
}

impl fmt::Debug for CheckValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for CheckValue {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Registry { text: format!("`{text}` is no labelled check value") };
        let (label, value) = text.split_once(':').ok_or_else(wrong)?;
        let methods = [Method::Gp, Method::Cmac, Method::P11, Method::Point];
        let method = methods.into_iter().find(|method| method.as_str() == label).ok_or_else(wrong)?;
        let bytes = hex::decode(value).map_err(|_| wrong())?;
        if bytes.len() == method.bytes() { Ok(Self { method, bytes }) } else { Err(wrong()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_lengths_belong_together() {
        for text in ["gp:E79C05", "cmac:6DFD5BD2F0", "p11:000000", "point:0011223344556677"] {
            assert_eq!(text.parse::<CheckValue>().unwrap().to_string(), text);
        }
        for text in ["E79C05", "gp:", "gp:E79C", "kcv:E79C05", "cmac:E79C05", "gp:E79C0G"] {
            assert!(text.parse::<CheckValue>().is_err(), "{text}");
        }
    }
}
