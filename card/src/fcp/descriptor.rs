//! File descriptor byte and what follows it (tag 82): ISO/IEC 7816-4:2020 §7.4.5, table 12.

use super::FcpError;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileDescriptor {
    /// MF or DF (38).
    Df {
        /// Whether several logical channels may use it at once.
        sharing: Sharing,
    },
    /// Working EF, transparent (01).
    WefTransparent {
        /// Whether several logical channels may use it at once.
        sharing: Sharing,
    },
    /// Working EF, linear with records of one size (02).
    WefLinearFixed {
        /// Whether several logical channels may use it at once.
        sharing: Sharing,
        /// Records and their size.
        records: Records,
    },
    /// Internal EF, linear with records of one size (0A).
    IefLinearFixed {
        /// Records and their size.
        records: Records,
    },
    /// Internal EF, linear with records of any size (0C): the key file of a DF.
    IefLinearVariable,
    /// Any other kind, and a record file that does not say its records; kept so that foreign cards can be read.
    Other {
        /// File descriptor byte.
        byte: u8,
    },
}

/// b7 of the file descriptor byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// One logical channel at a time.
    Exclusive,
    /// Several logical channels at once.
    Shareable,
}

impl Sharing {
    const BIT: u8 = 0x40;

    const fn of(byte: u8) -> Self {
        if byte & Self::BIT == 0 { Self::Exclusive } else { Self::Shareable }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Exclusive => 0,
            Self::Shareable => Self::BIT,
        }
    }
}

/// Shape of a file of records of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Records {
    /// Bytes in a record, 1 to 65,535.
    pub size: u16,
    /// Number of records, 1 to 254.
    pub count: u8,
}

impl Records {
    /// Bytes of all records.
    #[must_use]
    pub const fn bytes(self) -> u32 {
        self.size as u32 * self.count as u32
    }
}

/// Data coding byte of a record file: "one-time write, data unit of one quartet" as ETSI TS 102 221 §11.1.1.4.3 fixes it.
const DATA_CODING: u8 = 0x21;

impl FileDescriptor {
    /// A DF or the MF of this house.
    pub const DF: Self = Self::Df { sharing: Sharing::Exclusive };
    /// A transparent working EF of this house.
    pub const WEF_TRANSPARENT: Self = Self::WefTransparent { sharing: Sharing::Exclusive };

    /// A linear fixed working EF of this house.
    #[must_use]
    pub const fn wef_records(size: u16, count: u8) -> Self {
        Self::WefLinearFixed { sharing: Sharing::Exclusive, records: Records { size, count } }
    }

    /// The value of tag 82.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        match self {
            Self::Df { sharing } => vec![0x38 | sharing.bit()],
            Self::WefTransparent { sharing } => vec![0x01 | sharing.bit()],
            Self::WefLinearFixed { sharing, records } => with_records(0x02 | sharing.bit(), records),
            Self::IefLinearFixed { records } => with_records(0x0A, records),
            Self::IefLinearVariable => vec![0x0C],
            Self::Other { byte } => vec![byte],
        }
    }

    /// Reads the value of tag 82, which starts at `offset`.
    pub(super) fn parse(value: &[u8], offset: usize) -> Result<Self, FcpError> {
        let malformed = FcpError::Value { tag: 0x82, offset };
        let Some((&byte, rest)) = value.split_first() else { return Err(malformed) };
        let sharing = Sharing::of(byte);
        let records = match *rest {
            [_, high, low, count] => Some(Records { size: u16::from_be_bytes([high, low]), count }),
            [_, high, low, 0, count] => Some(Records { size: u16::from_be_bytes([high, low]), count }),
            _ => None,
        };
        match (byte & !Sharing::BIT, records) {
            (0x38, _) => Ok(Self::Df { sharing }),
            (0x01, _) => Ok(Self::WefTransparent { sharing }),
            (0x02, Some(records)) => Ok(Self::WefLinearFixed { sharing, records }),
            (0x0A, Some(records)) if sharing == Sharing::Exclusive => Ok(Self::IefLinearFixed { records }),
            // Table 12 allows the byte alone or with its data coding byte, and a count of records in two bytes.
            (0x02 | 0x0A, None) if !matches!(rest.len(), 0 | 1 | 5) => Err(malformed),
            (0x0C, _) if sharing == Sharing::Exclusive => Ok(Self::IefLinearVariable),
            _ => Ok(Self::Other { byte }),
        }
    }
}

fn with_records(byte: u8, Records { size, count }: Records) -> Vec<u8> {
    let [high, low] = size.to_be_bytes();
    vec![byte, DATA_CODING, high, low, count]
}
