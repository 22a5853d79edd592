//! Command and response APDUs as bytes on the wire.
//!
//! ISO/IEC 7816-3:2006 §12.1.3 (cases 1 to 4, short and extended) and ISO/IEC 7816-4:2020 §5.
//! Left out: the T=0 mapping onto TPDUs, which belongs to the transport.

use crate::status::StatusWord;
use std::fmt;
use thiserror::Error;

/// Largest Ne of a short command (Le = 00).
pub const NE_SHORT_MAX: u32 = 256;
/// Largest Ne of an extended command (Le = 0000).
pub const NE_EXTENDED_MAX: u32 = 65_536;
/// Most data bytes that a short command carries.
pub const DATA_SHORT_MAX: usize = 255;
/// Most data bytes that an extended command carries.
pub const DATA_EXTENDED_MAX: usize = 65_535;

/// CLA b5: another command of the chain follows.
pub const CLA_CHAINED: u8 = 0x10;

/// Bits of CLA that say secure messaging.
const CLA_SECURED: u8 = 0x0C;

/// How the length fields of a command are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Length {
    /// One-byte Lc and Le.
    #[default]
    Short,
    /// Marker 00 and two-byte Lc and Le.
    Extended,
}

/// A command APDU: header, data and the number of response bytes expected.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    /// Class byte.
    pub cla: u8,
    /// Instruction byte.
    pub ins: u8,
    /// First parameter byte.
    pub p1: u8,
    /// Second parameter byte.
    pub p2: u8,
    /// Command data, 0 to 65,535 bytes; empty means no Lc field.
    pub data: Vec<u8>,
    /// Ne, the most response bytes wanted, 1 to 65,536; `None` means no Le field.
    pub ne: Option<u32>,
    /// The form of Lc and Le; a command that needs the extended form gets it anyway.
    pub length: Length,
}

impl Command {
    /// A case 1 command: no data, no response data.
    #[must_use]
    pub const fn new(cla: u8, ins: u8, p1: u8, p2: u8) -> Self {
        Self { cla, ins, p1, p2, data: Vec::new(), ne: None, length: Length::Short }
    }

    /// The same command with data.
    #[must_use]
    pub fn with_data(mut self, data: impl Into<Vec<u8>>) -> Self {
        self.data = data.into();
        self
    }

    /// The same command with an Le field that asks for up to `ne` bytes (256 is Le = 00).
    #[must_use]
    pub const fn with_ne(mut self, ne: u32) -> Self {
        self.ne = Some(ne);
        self
    }

    /// The same command with extended length fields.
    #[must_use]
    pub const fn extended(mut self) -> Self {
        self.length = Length::Extended;
        self
    }

    /// The form in which [`Command::encode`] writes the length fields.
    #[must_use]
    pub fn encoded_length(&self) -> Length {
        let needs_extended = self.data.len() > DATA_SHORT_MAX || self.ne.is_some_and(|ne| ne > NE_SHORT_MAX);
        if needs_extended { Length::Extended } else { self.length }
    }

    /// Whether its class says secure messaging (ISO/IEC 7816-4:2020 §5.4.1).
    #[must_use]
    pub const fn is_secured(&self) -> bool {
        self.cla & CLA_SECURED != 0
    }

    /// The command as a chain of commands with at most `part_max` data bytes each: all but the last have b5 of CLA set and ask for nothing
    /// (ISO/IEC 7816-4:2020 §5.3.3). A command that fits is a chain of one.
    ///
    /// # Errors
    /// [`ApduError::DataTooLong`] when no part may carry data.
    pub fn chain(&self, part_max: usize) -> Result<Vec<Self>, ApduError> {
        if self.data.len() <= part_max {
            return Ok(vec![self.clone()]);
        }
        if part_max == 0 {
            return Err(ApduError::DataTooLong { len: self.data.len() });
        }
        let mut parts: Vec<Self> =
            self.data.chunks(part_max).map(|part| Self { data: part.to_vec(), ..self.head() }).collect();
        if let Some(last) = parts.last_mut() {
            (last.cla, last.ne) = (self.cla, self.ne);
        }
        Ok(parts)
    }

    /// The command without data, as the first of a chain.
    const fn head(&self) -> Self {
        Self::new(self.cla | CLA_CHAINED, self.ins, self.p1, self.p2)
    }

    /// The bytes on the wire.
    ///
    /// # Errors
    /// [`ApduError::DataTooLong`] above 65,535 data bytes, [`ApduError::NeOutOfRange`] for an Ne of 0 or above 65,536.
    pub fn encode(&self) -> Result<Vec<u8>, ApduError> {
        if let Some(ne) = self.ne
            && !(1..=NE_EXTENDED_MAX).contains(&ne)
        {
            return Err(ApduError::NeOutOfRange { ne });
        }
        let lc = u16::try_from(self.data.len()).map_err(|_| ApduError::DataTooLong { len: self.data.len() })?;
        let mut out = Vec::with_capacity(self.data.len() + 9);
        out.extend_from_slice(&[self.cla, self.ins, self.p1, self.p2]);
        match self.encoded_length() {
            Length::Short => {
                if lc > 0 {
                    out.push(low_byte(u32::from(lc)));
                    out.extend_from_slice(&self.data);
                }
                if let Some(ne) = self.ne {
                    out.push(low_byte(ne));
                }
            }
            Length::Extended => {
                if lc > 0 {
                    out.push(0);
                    out.extend_from_slice(&lc.to_be_bytes());
                    out.extend_from_slice(&self.data);
                }
                if let Some(ne) = self.ne {
                    if lc == 0 {
                        out.push(0);
                    }
                    out.extend_from_slice(&[low_byte(ne >> 8), low_byte(ne)]);
                }
            }
        }
        Ok(out)
    }

    /// Reads a command from the wire; every byte must belong to it.
    ///
    /// # Errors
    /// [`ApduError::Truncated`] or [`ApduError::LengthMismatch`] with the offset of the first byte that does not fit.
    pub fn decode(bytes: &[u8]) -> Result<Self, ApduError> {
        let Some((&[cla, ins, p1, p2], body)) = bytes.split_first_chunk::<4>() else {
            return Err(ApduError::Truncated { offset: bytes.len() });
        };
        let mut command = Self::new(cla, ins, p1, p2);
        match *body {
            [] => {}
            [le] => command.ne = Some(short_ne(le)),
            [0, hi, lo] => {
                command.length = Length::Extended;
                command.ne = Some(extended_ne([hi, lo]));
            }
            [0, hi, lo, ref rest @ ..] if !rest.is_empty() => {
                command.length = Length::Extended;
                let lc = usize::from(u16::from_be_bytes([hi, lo]));
                let (data, le) = rest.split_at_checked(lc).ok_or(ApduError::Truncated { offset: bytes.len() })?;
                command.data = data.to_vec();
                command.ne = match *le {
                    [] => None,
                    [hi, lo] => Some(extended_ne([hi, lo])),
                    _ => return Err(ApduError::LengthMismatch { offset: 7 + lc }),
                };
                if lc == 0 {
                    return Err(ApduError::LengthMismatch { offset: 5 });
                }
            }
            [lc, ref rest @ ..] => {
                let lc = usize::from(lc);
                if lc == 0 {
                    return Err(ApduError::LengthMismatch { offset: 4 });
                }
                let (data, le) = rest.split_at_checked(lc).ok_or(ApduError::Truncated { offset: bytes.len() })?;
                command.data = data.to_vec();
                command.ne = match *le {
                    [] => None,
                    [le] => Some(short_ne(le)),
                    _ => return Err(ApduError::LengthMismatch { offset: 6 + lc }),
                };
            }
        }
        Ok(command)
    }
}

/// Header, data length and Ne; never the data, which may be personal.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cla, ins, p1, p2, data, ne, .. } = self;
        write!(f, "Command({cla:02X} {ins:02X} {p1:02X} {p2:02X}, {} bytes, Ne {ne:?})", data.len())
    }
}

/// A response APDU: data and status word.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// Response data, 0 to 65,536 bytes.
    pub data: Vec<u8>,
    /// SW1 SW2.
    pub sw: StatusWord,
}

impl Response {
    /// A response without data.
    #[must_use]
    pub const fn status(sw: StatusWord) -> Self {
        Self { data: Vec::new(), sw }
    }

    /// A successful response (9000) with data.
    #[must_use]
    pub fn success(data: impl Into<Vec<u8>>) -> Self {
        Self { data: data.into(), sw: StatusWord::SUCCESS }
    }

    /// The bytes on the wire: data, SW1, SW2.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.data.len() + 2);
        out.extend_from_slice(&self.data);
        out.extend_from_slice(&self.sw.to_bytes());
        out
    }

    /// Reads a response from the wire.
    ///
    /// # Errors
    /// [`ApduError::Truncated`] for fewer than two bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, ApduError> {
        let Some((data, &sw)) = bytes.split_last_chunk::<2>() else {
            return Err(ApduError::Truncated { offset: bytes.len() });
        };
        Ok(Self { data: data.to_vec(), sw: StatusWord::from_bytes(sw) })
    }
}

/// Data length and status word; never the data.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({} bytes, {})", self.data.len(), self.sw)
    }
}

/// Bytes that are not an APDU, or a command that no APDU can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ApduError {
    /// The bytes end before the APDU does.
    #[error("APDU ends at byte {offset}, in the middle of a field")]
    Truncated {
        /// Where the bytes end.
        offset: usize,
    },
    /// The length fields and the number of bytes disagree.
    #[error("APDU length field and byte count disagree at byte {offset}")]
    LengthMismatch {
        /// First byte that does not fit.
        offset: usize,
    },
    /// More data than Lc can say.
    #[error("{len} data bytes do not fit an APDU (at most 65535)")]
    DataTooLong {
        /// Bytes of data.
        len: usize,
    },
    /// An Ne that Le cannot say.
    #[error("Ne {ne} is not in 1..=65536")]
    NeOutOfRange {
        /// The Ne asked for.
        ne: u32,
    },
}

fn short_ne(le: u8) -> u32 {
    if le == 0 { NE_SHORT_MAX } else { u32::from(le) }
}

fn extended_ne(le: [u8; 2]) -> u32 {
    match u16::from_be_bytes(le) {
        0 => NE_EXTENDED_MAX,
        n => u32::from(n),
    }
}

/// The low byte; 256 and 65,536 become 00, as Le wants it.
const fn low_byte(n: u32) -> u8 {
    n.to_be_bytes()[3]
}
