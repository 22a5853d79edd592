//! Answer to reset: ISO/IEC 7816-3:2006 §8, and the historical bytes of ISO/IEC 7816-4:2020 §12.1.1.
//!
//! [`Atr::inspect`] reads as far as it can and lists what is wrong, for tools that must say something about any card;
//! [`Atr::parse`] takes valid ATRs only; [`AtrBuilder`] makes them.

mod build;
mod capabilities;
mod historical;
mod interface;

pub use build::AtrBuilder;
pub use capabilities::LongCommands;
pub use historical::{Historical, HistoricalWarning};
pub use interface::{InterfaceByte, Kind, OperatingMode, Speed};

use thiserror::Error;

/// Most bytes of an ATR: TS and 32 more (§8.2.1).
pub const ATR_BYTES_MAX: usize = 33;

/// What TS says about the coding of the bytes that follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Convention {
    /// 3B.
    Direct,
    /// 3F.
    Inverse,
}

/// An ATR taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Atr {
    /// The coding convention; `None` where TS is neither 3B nor 3F.
    pub convention: Option<Convention>,
    /// TA1, TB1, … in the order sent.
    pub interface: Vec<(InterfaceByte, u8)>,
    /// Protocols T that the TD bytes name, in their order; T=0 alone where there is no TD byte.
    pub protocols: Vec<u8>,
    /// The historical bytes, where all of them are there.
    pub historical: Option<Vec<u8>>,
    /// The check byte.
    pub tck: Option<u8>,
    /// What is wrong; empty for a valid ATR.
    pub errors: Vec<AtrError>,
}

/// What is wrong with an ATR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AtrError {
    /// Fewer than two bytes.
    #[error("shorter than TS T0")]
    TooShort,
    /// More than 33 bytes.
    #[error("longer than {ATR_BYTES_MAX} bytes")]
    TooLong,
    /// TS is neither 3B nor 3F.
    #[error("TS is {ts:02X}")]
    Ts {
        /// The first byte.
        ts: u8,
    },
    /// The ATR ends among its interface bytes.
    #[error("interface bytes run past the end")]
    InterfaceBytes,
    /// The ATR ends among its historical bytes.
    #[error("historical bytes run past the end")]
    HistoricalBytes,
    /// A protocol other than T=0 is named and no TCK follows.
    #[error("TCK missing")]
    TckMissing,
    /// TCK is not the exclusive or of T0 to the last historical byte.
    #[error("TCK is {found:02X}, {expected:02X} expected")]
    TckWrong {
        /// The byte found.
        found: u8,
        /// The byte that belongs there.
        expected: u8,
    },
    /// Bytes after the end.
    #[error("{count} extra byte(s)")]
    Extra {
        /// How many.
        count: usize,
    },
}

impl Atr {
    /// Takes a valid ATR apart.
    ///
    /// # Errors
    /// The first [`AtrError`] in it.
    pub fn parse(bytes: &[u8]) -> Result<Self, AtrError> {
        let atr = Self::inspect(bytes);
        match atr.errors.first() {
            Some(error) => Err(*error),
            None => Ok(atr),
        }
    }

    /// Takes any bytes apart as far as they go.
    #[must_use]
    pub fn inspect(bytes: &[u8]) -> Self {
        let mut atr = Self::default();
        let [ts, t0, rest @ ..] = bytes else {
            atr.errors.push(AtrError::TooShort);
            return atr;
        };
        match ts {
            0x3B => atr.convention = Some(Convention::Direct),
            0x3F => atr.convention = Some(Convention::Inverse),
            ts => atr.errors.push(AtrError::Ts { ts: *ts }),
        }
        if bytes.len() > ATR_BYTES_MAX {
            atr.errors.push(AtrError::TooLong);
        }
        let (interface, rest) = interface::read(*t0, rest);
        atr.protocols = interface.iter().filter(|(byte, _)| byte.kind == Kind::D).map(|(_, td)| td & 0x0F).collect();
        atr.interface = interface;
        if atr.protocols.is_empty() {
            atr.protocols.push(0);
        }
        let Some(rest) = rest else {
            atr.errors.push(AtrError::InterfaceBytes);
            return atr;
        };
        let Some((historical, rest)) = rest.split_at_checked(usize::from(t0 & 0x0F)) else {
            atr.errors.push(AtrError::HistoricalBytes);
            return atr;
        };
        atr.historical = Some(historical.to_vec());
        atr.end(bytes, rest);
        atr
    }

    /// TCK, where the protocols demand it, and nothing after it.
    fn end(&mut self, bytes: &[u8], rest: &[u8]) {
        let rest = match (self.tck_required(), rest) {
            (false, rest) => rest,
            (true, []) => {
                self.errors.push(AtrError::TckMissing);
                return;
            }
            (true, [tck, rest @ ..]) => {
                self.tck = Some(*tck);
                let covered = bytes.len().saturating_sub(rest.len() + 1);
                let expected = check_byte(bytes.get(1..covered).unwrap_or_default());
                if *tck != expected {
                    self.errors.push(AtrError::TckWrong { found: *tck, expected });
                }
                rest
            }
        };
        if !rest.is_empty() {
            self.errors.push(AtrError::Extra { count: rest.len() });
        }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }

    /// Whether TCK must be there: "if only T=0 is indicated, possibly by default, then TCK shall be absent" (§8.2.5).
    #[must_use]
    pub fn tck_required(&self) -> bool {
        self.protocols.iter().any(|protocol| *protocol != 0)
    }

    /// An interface byte.
    #[must_use]
    pub fn interface_byte(&self, kind: Kind, group: u8) -> Option<u8> {
        let wanted = InterfaceByte { kind, group };
        self.interface.iter().find(|(byte, _)| *byte == wanted).map(|(_, value)| *value)
    }

    /// Clock and bit rate conversion as TA1 says them, or the default.
    #[must_use]
    pub fn speed(&self) -> Option<Speed> {
        self.interface_byte(Kind::A, 1).map_or(Some(Speed::DEFAULT), Speed::of_ta1)
    }

    /// Whether the reader may choose protocol and speed (TA2).
    #[must_use]
    pub fn operating_mode(&self) -> OperatingMode {
        OperatingMode::of_ta2(self.interface_byte(Kind::A, 2))
    }

    /// What the historical bytes say; `None` where there are none.
    #[must_use]
    pub fn historical(&self) -> Option<Historical> {
        self.historical.as_deref().and_then(Historical::read)
    }
}

/// Exclusive or of all bytes.
fn check_byte(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |check, byte| check ^ byte)
}
