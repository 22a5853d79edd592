//! Access rules in compact format (tag 8C): ISO/IEC 7816-4:2020 §9.3.3, tables 16 to 19.
//!
//! An access mode byte says for which operations a security condition byte follows, highest bit first. An operation
//! without a condition is forbidden.

use super::FcpError;

/// What must hold before an operation is done. One byte; E1 to F1 are this house's (GlobalPlatform knows no such byte).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecurityCondition {
    /// 00: nothing.
    Always,
    /// FF: cannot be fulfilled.
    Never,
    /// E1: a channel under the file's own key set (in the MF: the issuer's).
    Own,
    /// E2: a channel under the issuer set.
    Issuer,
    /// E3: a channel under the initial or the transport set.
    Transport,
    /// E4: a channel under the recovery set.
    Recovery,
    /// E5: a channel under the issuer, the initial or the transport set.
    IssuerOrTransport,
    /// F1: a channel under the own key set, and a verified PIN.
    OwnAndPin,
    /// Another card's byte.
    Other(u8),
}

impl SecurityCondition {
    /// The condition byte.
    #[must_use]
    pub const fn to_u8(self) -> u8 {
        match self {
            Self::Always => 0x00,
            Self::Never => 0xFF,
            Self::Own => 0xE1,
            Self::Issuer => 0xE2,
            Self::Transport => 0xE3,
            Self::Recovery => 0xE4,
            Self::IssuerOrTransport => 0xE5,
            Self::OwnAndPin => 0xF1,
            Self::Other(byte) => byte,
        }
    }

    /// What a condition byte means.
    #[must_use]
    pub const fn from_u8(byte: u8) -> Self {
        match byte {
            0x00 => Self::Always,
            0xFF => Self::Never,
            0xE1 => Self::Own,
            0xE2 => Self::Issuer,
            0xE3 => Self::Transport,
            0xE4 => Self::Recovery,
            0xE5 => Self::IssuerOrTransport,
            0xF1 => Self::OwnAndPin,
            other => Self::Other(other),
        }
    }
}

/// An operation that a rule is about: a bit of the access mode byte.
///
/// The same bit means one thing for an EF and another for a DF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Operation {
    /// b1 of an EF: READ, SEARCH. b1 of a DF: DELETE FILE of a child.
    ReadOrDeleteChild = 0x01,
    /// b2 of an EF: UPDATE, ERASE. b2 of a DF: CREATE FILE of an EF.
    UpdateOrCreateEf = 0x02,
    /// b3 of an EF: WRITE, APPEND. b3 of a DF: CREATE FILE of a DF.
    AppendOrCreateDf = 0x04,
    /// b4: DEACTIVATE FILE.
    Deactivate = 0x08,
    /// b5: ACTIVATE FILE.
    Activate = 0x10,
    /// b6: TERMINATE.
    Terminate = 0x20,
    /// b7: DELETE FILE of the file itself.
    DeleteSelf = 0x40,
}

impl Operation {
    /// Highest bit first, the order of the condition bytes.
    const ORDER: [Self; 7] = [
        Self::DeleteSelf,
        Self::Terminate,
        Self::Activate,
        Self::Deactivate,
        Self::AppendOrCreateDf,
        Self::UpdateOrCreateEf,
        Self::ReadOrDeleteChild,
    ];
    /// READ of an EF.
    pub const READ: Self = Self::ReadOrDeleteChild;
    /// UPDATE of an EF.
    pub const UPDATE: Self = Self::UpdateOrCreateEf;
    /// WRITE and APPEND of an EF.
    pub const APPEND: Self = Self::AppendOrCreateDf;
    /// DELETE FILE of a file in a DF.
    pub const DELETE_CHILD: Self = Self::ReadOrDeleteChild;
    /// CREATE FILE of an EF in a DF.
    pub const CREATE_EF: Self = Self::UpdateOrCreateEf;
    /// CREATE FILE of a DF in a DF.
    pub const CREATE_DF: Self = Self::AppendOrCreateDf;
}

/// The access rules of one file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccessRules {
    /// In the order of [`Operation::ORDER`].
    conditions: [Option<SecurityCondition>; 7],
}

impl AccessRules {
    /// No operation has a rule: everything is forbidden.
    #[must_use]
    pub const fn none() -> Self {
        Self { conditions: [None; 7] }
    }

    /// The same rules with `condition` for `operation`.
    #[must_use]
    pub fn allow(mut self, operation: Operation, condition: SecurityCondition) -> Self {
        for (slot, ordered) in self.conditions.iter_mut().zip(Operation::ORDER) {
            if ordered == operation {
                *slot = Some(condition);
            }
        }
        self
    }

    /// The condition of `operation`; [`SecurityCondition::Never`] where there is no rule.
    #[must_use]
    pub fn condition(&self, operation: Operation) -> SecurityCondition {
        self.rules().find(|(ordered, _)| *ordered == operation).map_or(SecurityCondition::Never, |(_, found)| found)
    }

    /// The rules that exist, highest bit first.
    pub fn rules(&self) -> impl Iterator<Item = (Operation, SecurityCondition)> + '_ {
        Operation::ORDER.into_iter().zip(self.conditions).filter_map(|(operation, found)| Some((operation, found?)))
    }

    /// The value of tag 8C: access mode byte, then one condition byte per rule.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mode = self.rules().fold(0, |mode, (operation, _)| mode | operation as u8);
        std::iter::once(mode).chain(self.rules().map(|(_, condition)| condition.to_u8())).collect()
    }

    /// Reads the value of tag 8C, which starts at `offset`.
    pub(super) fn parse(value: &[u8], offset: usize) -> Result<Self, FcpError> {
        let malformed = FcpError::Value { tag: 0x8C, offset };
        let Some((&mode, conditions)) = value.split_first() else { return Err(malformed) };
        // b8 set would give b7 to b4 a meaning of the card's own; more bytes would be further rules.
        if mode & 0x80 != 0 || conditions.len() != mode.count_ones() as usize {
            return Err(malformed);
        }
        let mut rest = conditions.iter();
        Ok(Self {
            conditions: Operation::ORDER.map(|operation| {
                if mode & operation as u8 == 0 { None } else { rest.next().map(|sc| SecurityCondition::from_u8(*sc)) }
            }),
        })
    }
}
