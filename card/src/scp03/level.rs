//! S8 and S16, security levels, and what they leave of a command's data field.

use crate::apdu::{DATA_EXTENDED_MAX, DATA_SHORT_MAX, Length};
use crate::crypto::BLOCK_BYTES;
use crate::error::Error;
use std::fmt;

/// Length of challenges, cryptograms and MACs (Amendment D 1.2, §4.1.2: S8 and S16 mode).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// 8 bytes.
    #[default]
    S8,
    /// 16 bytes.
    S16,
}

impl Mode {
    /// Bytes of a challenge, a cryptogram and a MAC.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::S8 => 8,
            Self::S16 => 16,
        }
    }

    /// The same in bits: L in the derivation of challenges and cryptograms.
    #[must_use]
    pub const fn bits(self) -> u16 {
        match self {
            Self::S8 => 64,
            Self::S16 => 128,
        }
    }
}

/// Security level of a channel: P1 of EXTERNAL AUTHENTICATE (Amendment D 1.2, table 7-4).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SecurityLevel {
    /// 00: authentication only.
    None = 0x00,
    /// 01: C-MAC.
    CMac = 0x01,
    /// 03: C-MAC and command encryption.
    CMacCEnc = 0x03,
    /// 11: C-MAC and R-MAC.
    CMacRMac = 0x11,
    /// 13: C-MAC, command encryption and R-MAC.
    CMacCEncRMac = 0x13,
    /// 33: C-MAC, R-MAC, encryption both ways.
    CMacCEncRMacREnc = 0x33,
}

impl SecurityLevel {
    /// Every level, weakest first.
    pub const ALL: [Self; 6] =
        [Self::None, Self::CMac, Self::CMacCEnc, Self::CMacRMac, Self::CMacCEncRMac, Self::CMacCEncRMacREnc];

    /// The level byte.
    #[must_use]
    pub const fn to_u8(self) -> u8 {
        self as u8
    }

    /// Commands carry a MAC.
    #[must_use]
    pub const fn has_c_mac(self) -> bool {
        self.to_u8() & 0x01 != 0
    }

    /// Command data is encrypted.
    #[must_use]
    pub const fn has_c_enc(self) -> bool {
        self.to_u8() & 0x02 != 0
    }

    /// Responses carry a MAC.
    #[must_use]
    pub const fn has_r_mac(self) -> bool {
        self.to_u8() & 0x10 != 0
    }

    /// Response data is encrypted.
    #[must_use]
    pub const fn has_r_enc(self) -> bool {
        self.to_u8() & 0x20 != 0
    }
}

impl TryFrom<u8> for SecurityLevel {
    type Error = Error;

    /// # Errors
    /// [`Error::SecurityLevel`] for a byte that is no level of SCP03.
    fn try_from(byte: u8) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|level| level.to_u8() == byte).ok_or(Error::SecurityLevel { byte })
    }
}

impl fmt::Display for SecurityLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X}", self.to_u8())
    }
}

impl fmt::Debug for SecurityLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecurityLevel({self})")
    }
}

/// Most plain data bytes that a wrapped command carries, and that every conforming card can answer under the same rules.
///
/// At level 33 in a short APDU: 239 (S8), 223 (S16).
#[must_use]
pub const fn plain_data_max(mode: Mode, level: SecurityLevel, length: Length) -> usize {
    let field = match length {
        Length::Short => DATA_SHORT_MAX,
        Length::Extended => DATA_EXTENDED_MAX,
    };
    let room = if level.has_c_mac() { field - mode.bytes() } else { field };
    if level.has_c_enc() { room / BLOCK_BYTES * BLOCK_BYTES - 1 } else { room }
}

#[cfg(test)]
mod tests {
    use super::{Length, Mode, SecurityLevel, plain_data_max};

    #[test]
    fn the_largest_plain_data_is_239_and_223() {
        assert_eq!(plain_data_max(Mode::S8, SecurityLevel::CMacCEncRMacREnc, Length::Short), 239);
        assert_eq!(plain_data_max(Mode::S16, SecurityLevel::CMacCEncRMacREnc, Length::Short), 223);
        assert_eq!(plain_data_max(Mode::S8, SecurityLevel::CMac, Length::Short), 247);
        assert_eq!(plain_data_max(Mode::S8, SecurityLevel::None, Length::Short), 255);
    }

    #[test]
    fn only_the_six_levels_exist() {
        let levels = (0..=0xFF).filter(|byte| SecurityLevel::try_from(*byte).is_ok()).collect::<Vec<u8>>();
        assert_eq!(levels, [0x00, 0x01, 0x03, 0x11, 0x13, 0x33]);
    }
}
