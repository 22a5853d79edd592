//! Names that a card and its host share: chip identity, key version number, file identifier, DF name.

use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Text or bytes that are not the identifier asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is not {expected}")]
pub struct IdError {
    text: String,
    expected: &'static str,
}

impl IdError {
    fn new(text: impl Into<String>, expected: &'static str) -> Self {
        Self { text: text.into(), expected }
    }
}

fn hex_array<const N: usize>(text: &str, expected: &'static str) -> Result<[u8; N], IdError> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| IdError::new(text, expected))?;
    Ok(bytes)
}

/// Key diversification data: the 10 bytes that a card answers first to INITIALIZE UPDATE, and the chip's identity here.
///
/// GlobalPlatform Card Specification 2.3.1, §E.5.1.5 (the card's issuer chooses the content).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kdd([u8; 10]);

impl Kdd {
    /// From its bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 10]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 10] {
        &self.0
    }
}

impl fmt::Display for Kdd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_upper(self.0))
    }
}

impl fmt::Debug for Kdd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kdd({self})")
    }
}

impl FromStr for Kdd {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        hex_array(text, "a chip identity (20 hex digits)").map(Self)
    }
}

/// Key version number: names a key set on a card (GlobalPlatform Card Specification 2.3.1, §7.5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kvn(u8);

impl Kvn {
    /// The chip maker's initial set on a blank chip.
    pub const INITIAL: Self = Self(0xFF);
    /// First number of the issuer's sets in the MF (30 to 3C).
    pub const ISSUER_FIRST: Self = Self(0x30);
    /// The transport set in the MF.
    pub const TRANSPORT: Self = Self(0x3D);
    /// The recovery set in the MF.
    pub const RECOVERY: Self = Self(0x3F);
    /// First number of an application's sets in its DF (30 to 3E).
    pub const AP_FIRST: Self = Self(0x30);

    /// From its number.
    #[must_use]
    pub const fn new(number: u8) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn to_u8(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Kvn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X}", self.0)
    }
}

impl fmt::Debug for Kvn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kvn({self})")
    }
}

/// File identifier: two bytes, ISO/IEC 7816-4:2020 §7.1.1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fid(u16);

impl Fid {
    /// The master file.
    pub const MF: Self = Self(0x3F00);
    /// EF.ATR in the MF.
    pub const WEF_ATR: Self = Self(0x2F01);

    /// From its number.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn to_u16(self) -> u16 {
        self.0
    }

    /// Its bytes on the wire.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 2] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for Fid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

impl fmt::Debug for Fid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fid({self})")
    }
}

impl FromStr for Fid {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        hex_array(text, "a file identifier (4 hex digits)").map(|bytes| Self(u16::from_be_bytes(bytes)))
    }
}

/// DF name (application identifier): 1 to 16 bytes, ISO/IEC 7816-4:2020 §7.1.1.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DfName(Vec<u8>);

impl DfName {
    /// The name of the MF, and of a blank chip: `A000000151000000`.
    #[must_use]
    pub fn mf() -> Self {
        Self(vec![0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00, 0x00])
    }

    /// From its bytes.
    ///
    /// # Errors
    /// [`IdError`] unless there are 1 to 16 bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, IdError> {
        if (1..=16).contains(&bytes.len()) {
            Ok(Self(bytes.to_vec()))
        } else {
            Err(IdError::new(hex::encode_upper(bytes), "a DF name (1 to 16 bytes)"))
        }
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for DfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_upper(&self.0))
    }
}

impl fmt::Debug for DfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DfName({self})")
    }
}

impl FromStr for DfName {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let bytes = hex::decode(text).map_err(|_| IdError::new(text, "a DF name (2 to 32 hex digits)"))?;
        Self::new(&bytes)
    }
}

/// Short EF identifier: 1 to 30, ISO/IEC 7816-4:2020 §7.3.2.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sfi(u8);

impl Sfi {
    /// From its number; `None` unless it is 1 to 30.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if matches!(number, 1..=30) { Some(Self(number)) } else { None }
    }

    /// Its number.
    #[must_use]
    pub const fn to_u8(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Sfi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X}", self.0)
    }
}

impl fmt::Debug for Sfi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sfi({self})")
    }
}
