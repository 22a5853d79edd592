//! Life cycle status byte (tag 8A): ISO/IEC 7816-4:2020 §7.4.10, table 15.

/// Where a file stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LifeCycle {
    /// 00: the card says nothing.
    NoInformation,
    /// 01: being created.
    Creation,
    /// 03: being filled; access rules hold.
    Initialisation,
    /// 04 or 06: deactivated.
    Deactivated,
    /// 05 or 07: in use.
    Activated,
    /// 0C to 0F: the end.
    Terminated,
    /// Any other byte.
    Other(u8),
}

impl LifeCycle {
    /// The status byte; of several with one meaning, the one in which no bit is free.
    #[must_use]
    pub const fn to_u8(self) -> u8 {
        match self {
            Self::NoInformation => 0x00,
            Self::Creation => 0x01,
            Self::Initialisation => 0x03,
            Self::Deactivated => 0x04,
            Self::Activated => 0x05,
            Self::Terminated => 0x0C,
            Self::Other(byte) => byte,
        }
    }

    /// What a status byte means.
    #[must_use]
    pub const fn from_u8(byte: u8) -> Self {
        match byte {
            0x00 => Self::NoInformation,
            0x01 => Self::Creation,
            0x03 => Self::Initialisation,
            0x04 | 0x06 => Self::Deactivated,
            0x05 | 0x07 => Self::Activated,
            0x0C..=0x0F => Self::Terminated,
            other => Self::Other(other),
        }
    }
}
