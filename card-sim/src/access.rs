//! Access rules of a file: which security condition guards which operation.
//!
//! ISO/IEC 7816-4:2020 §9.3.3.1, compact format: an access mode byte, then one security condition byte for each of its
//! bits that is set, highest bit first. The condition bytes are this card's own:
//!
//! | SC | condition |
//! |---|---|
//! | 00 | always |
//! | E1 | the DF's own key set (in the MF: the issuer's) |
//! | E2 | the issuer's set |
//! | E3 | the initial or the transport set |
//! | E4 | the recovery set |
//! | E5 | the issuer's, the initial or the transport set |
//! | F1 | the DF's own set, and its PIN |
//! | FF | never |

/// One security condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Condition {
    /// Always.
    Always = 0x00,
    /// The DF's own key set.
    Own = 0xE1,
    /// The issuer's key set.
    Issuer = 0xE2,
    /// The initial or the transport key set.
    Transport = 0xE3,
    /// The recovery key set.
    Recovery = 0xE4,
    /// The issuer's, the initial or the transport key set.
    IssuerOrTransport = 0xE5,
    /// The DF's own key set and its PIN.
    OwnAndPin = 0xF1,
    /// Never.
    Never = 0xFF,
}

impl Condition {
    /// The condition that a security condition byte names.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0x00 => Self::Always,
            0xE1 => Self::Own,
            0xE2 => Self::Issuer,
            0xE3 => Self::Transport,
            0xE4 => Self::Recovery,
            0xE5 => Self::IssuerOrTransport,
            0xF1 => Self::OwnAndPin,
            0xFF => Self::Never,
            _ => return None,
        })
    }
}

/// What a rule guards; the value is the bit of the access mode byte (ISO/IEC 7816-4:2020 tables for DFs and EFs).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Operation {
    /// READ of an EF.
    Read = 0,
    /// UPDATE of an EF.
    Update = 1,
    /// DEACTIVATE FILE.
    Deactivate = 3,
    /// ACTIVATE FILE.
    Activate = 4,
    /// TERMINATE.
    Terminate = 5,
    /// DELETE FILE of the file itself.
    DeleteSelf = 6,
}

/// What a rule of a DF guards besides [`Operation`]; the low bits mean something else there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum FolderOperation {
    /// DELETE FILE of a child.
    DeleteChild = 0,
    /// CREATE FILE of an EF.
    CreateEf = 1,
    /// CREATE FILE of a DF.
    CreateDf = 2,
}

/// The access rules of one file; an operation without a rule is never allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessRules([Condition; 7]);

impl AccessRules {
    /// The rules of a file without tag 8C.
    pub const NOTHING: Self = Self([Condition::Never; 7]);

    /// Reads the value of tag 8C.
    ///
    /// `None` for a proprietary access mode byte, an unknown condition, or a number of conditions that does not fit.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (&mode, conditions) = value.split_first()?;
        if mode & 0x80 != 0 || mode.count_ones() as usize != conditions.len() {
            return None;
        }
        let mut rules = Self::NOTHING;
        let bits = (0..7usize).rev().filter(|bit| mode >> bit & 1 == 1);
        for (bit, condition) in bits.zip(conditions) {
            *rules.0.get_mut(bit)? = Condition::from_byte(*condition)?;
        }
        Some(rules)
    }

    /// The condition for an operation that DFs and EFs have.
    #[must_use]
    pub fn condition(&self, operation: Operation) -> Condition {
        self.bit(operation as usize)
    }

    /// The condition for an operation in a DF.
    #[must_use]
    pub fn folder_condition(&self, operation: FolderOperation) -> Condition {
        self.bit(operation as usize)
    }

    fn bit(&self, bit: usize) -> Condition {
        self.0.get(bit).copied().unwrap_or(Condition::Never)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_come_highest_bit_first() {
        let rules = AccessRules::parse(&[0x43, 0xFF, 0xE1, 0x00]).unwrap();
        assert_eq!(rules.condition(Operation::DeleteSelf), Condition::Never);
        assert_eq!(rules.condition(Operation::Update), Condition::Own);
        assert_eq!(rules.condition(Operation::Read), Condition::Always);
        assert_eq!(rules.condition(Operation::Activate), Condition::Never, "no rule, no access");
    }

    #[test]
    fn unknown_bytes_are_refused() {
        assert!(AccessRules::parse(&[]).is_none());
        assert!(AccessRules::parse(&[0x01]).is_none(), "a condition is missing");
        assert!(AccessRules::parse(&[0x01, 0x00, 0x00]).is_none(), "one too many");
        assert!(AccessRules::parse(&[0x01, 0x05]).is_none(), "an unknown condition");
        assert!(AccessRules::parse(&[0x81, 0x00]).is_none(), "a proprietary mode byte");
    }
}
