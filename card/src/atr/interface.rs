//! Interface bytes TA1, TB1, … : ISO/IEC 7816-3:2006 §8.2.3 and §8.3.

use std::fmt;

/// Which of the four bytes of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// TA.
    A,
    /// TB.
    B,
    /// TC.
    C,
    /// TD: names a protocol and says which bytes of the next group follow.
    D,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::A, Self::B, Self::C, Self::D];

    /// Its bit in Y, the high nibble of T0 and TD.
    pub(super) const fn bit(self) -> u8 {
        match self {
            Self::A => 0x10,
            Self::B => 0x20,
            Self::C => 0x40,
            Self::D => 0x80,
        }
    }
}

/// An interface byte by name, as in TA1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceByte {
    /// Group number, from 1.
    pub group: u8,
    /// Which of the group.
    pub kind: Kind,
}

impl fmt::Display for InterfaceByte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "T{:?}{}", self.kind, self.group)
    }
}

/// The interface bytes that `t0` and the TD bytes announce, and what follows them: nothing when the bytes end before.
pub(super) fn read(t0: u8, mut rest: &[u8]) -> (Vec<(InterfaceByte, u8)>, Option<&[u8]>) {
    let mut found = Vec::new();
    let mut announced = t0;
    // A group takes at least one byte, the TD before it: 255 are more than an ATR has.
    for group in 1..=u8::MAX {
        let mut next = 0x00;
        for kind in Kind::ALL.into_iter().filter(|kind| announced & kind.bit() != 0) {
            let Some((value, after)) = rest.split_first() else { return (found, None) };
            found.push((InterfaceByte { group, kind }, *value));
            if kind == Kind::D {
                next = *value;
            }
            rest = after;
        }
        announced = next & 0xF0;
        if announced == 0 {
            break;
        }
    }
    (found, Some(rest))
}

/// Clock rate conversion Fi, bit rate adjustment Di and the highest clock frequency (tables 7 and 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speed {
    /// Clock cycles for a bit at Di = 1.
    pub fi: u16,
    /// Divides Fi.
    pub di: u8,
    /// Highest clock frequency in kHz; `None` where TA1 is absent, 5 MHz then.
    pub f_max_khz: Option<u16>,
}

impl Speed {
    /// Without TA1: Fi = 372, Di = 1.
    pub const DEFAULT: Self = Self { fi: 372, di: 1, f_max_khz: None };

    /// From TA1; `None` for a reserved value.
    #[must_use]
    pub const fn of_ta1(ta1: u8) -> Option<Self> {
        let (fi, khz) = match ta1 >> 4 {
            0x0 => (372, 4_000),
            0x1 => (372, 5_000),
            0x2 => (558, 6_000),
            0x3 => (744, 8_000),
            0x4 => (1116, 12_000),
            0x5 => (1488, 16_000),
            0x6 => (1860, 20_000),
            0x9 => (512, 5_000),
            0xA => (768, 7_500),
            0xB => (1024, 10_000),
            0xC => (1536, 15_000),
            0xD => (2048, 20_000),
            _ => return None,
        };
        let di = match ta1 & 0x0F {
            0x1 => 1,
            0x2 => 2,
            0x3 => 4,
            0x4 => 8,
            0x5 => 16,
            0x6 => 32,
            0x7 => 64,
            0x8 => 12,
            0x9 => 20,
            _ => return None,
        };
        Some(Self { fi, di, f_max_khz: Some(khz) })
    }
}

/// Whether protocol and speed can be negotiated (§6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperatingMode {
    /// TA2 absent: PPS may choose.
    Negotiable,
    /// TA2 present: this protocol, at once.
    Specific {
        /// T.
        protocol: u8,
    },
}

impl OperatingMode {
    pub(super) const fn of_ta2(ta2: Option<u8>) -> Self {
        match ta2 {
            None => Self::Negotiable,
            Some(byte) => Self::Specific { protocol: byte & 0x0F },
        }
    }
}
