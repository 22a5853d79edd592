//! Fields: what second issuance writes into a WEF, by name.

use super::error::ProfileError;
use super::raw;
use super::word::lookup;
use std::fmt;
use toml::Spanned;

/// A field of a WEF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name, unique in its WEF.
    pub name: String,
    /// What it holds and how.
    pub kind: FieldKind,
    /// First byte in the WEF's slot, or in the record.
    pub offset: u16,
    /// Whether it is about a person.
    pub privacy: Privacy,
}

/// Whether a field is personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privacy {
    /// About the card or the service.
    Ordinary,
    /// About a person: kept out of logs and of WEFs that anybody reads.
    Personal,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// So many decimal digits.
    Digits {
        /// Number of digits.
        length: u16,
        /// BCD or ASCII.
        encoding: DigitEncoding,
        /// Check digit.
        check: Check,
    },
    /// Text in at most so many bytes.
    Text {
        /// Bytes in the field.
        bytes: u16,
        /// Character set.
        encoding: TextEncoding,
    },
    /// Year and month, YYYYMM.
    YearMonth(DigitEncoding),
    /// Year, month and day, YYYYMMDD.
    Date(DigitEncoding),
    /// So many bytes as they are.
    Bytes(u16),
    /// Unsigned number, most significant byte first, in so many bytes.
    Counter(u16),
}

/// How digits are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigitEncoding {
    /// Two digits a byte; an odd number of digits ends with F.
    Bcd,
    /// One digit a byte.
    Ascii,
}

/// How text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextEncoding {
    /// ISO/IEC 646.
    Ascii,
    /// Windows code page 932 (Shift_JIS with extensions).
    Cp932,
    /// UTF-8.
    Utf8,
}

/// Check digit at the end of a digit string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// None.
    None,
    /// ISO/IEC 7812-1 annex B.
    Luhn,
}

const DIGIT_ENCODINGS: [(&str, DigitEncoding); 2] = [("bcd", DigitEncoding::Bcd), ("ascii", DigitEncoding::Ascii)];
const TEXT_ENCODINGS: [(&str, TextEncoding); 3] =
    [("ascii", TextEncoding::Ascii), ("cp932", TextEncoding::Cp932), ("utf-8", TextEncoding::Utf8)];
const CHECKS: [(&str, Check); 1] = [("luhn", Check::Luhn)];

/// Longest digit string: what a member number, account or code can have.
const DIGITS_MAX: u16 = 64;
/// Longest counter: a u64.
const COUNTER_BYTES_MAX: u16 = 8;

#[derive(Clone, Copy)]
enum Type {
    Digits,
    Text,
    YearMonth,
    Date,
    Bytes,
    Counter,
}

const TYPES: [(&str, Type); 6] = [
    ("digits", Type::Digits),
    ("text", Type::Text),
    ("yearmonth", Type::YearMonth),
    ("date", Type::Date),
    ("bytes", Type::Bytes),
    ("counter", Type::Counter),
];

impl FieldKind {
    /// Bytes in the WEF.
    #[must_use]
    pub const fn size(&self) -> u16 {
        match self {
            Self::Digits { length, encoding: DigitEncoding::Bcd, .. } => length.div_ceil(2),
            Self::Digits { length, encoding: DigitEncoding::Ascii, .. } => *length,
            Self::Text { bytes, .. } | Self::Bytes(bytes) | Self::Counter(bytes) => *bytes,
            Self::YearMonth(DigitEncoding::Bcd) => 3,
            Self::YearMonth(DigitEncoding::Ascii) => 6,
            Self::Date(DigitEncoding::Bcd) => 4,
            Self::Date(DigitEncoding::Ascii) => 8,
        }
    }

    pub(super) fn check(field: &raw::Field) -> Result<Self, ProfileError> {
        let kind = lookup(&field.kind, "field type", &TYPES)?;
        let word = field.kind.get_ref();
        let refuse = |member: &str, given: Option<std::ops::Range<usize>>| match given {
            Some(span) => {
                Err(ProfileError::new(span, format!("a field of type {word} has no `{member}`"), "leave it out"))
            }
            None => Ok(()),
        };
        let digit = || encoding(field, &DIGIT_ENCODINGS);
        if !matches!(kind, Type::Digits) {
            refuse("length", field.length.as_ref().map(Spanned::span))?;
            refuse("check", field.check.as_ref().map(Spanned::span))?;
        }
        if matches!(kind, Type::Digits | Type::YearMonth | Type::Date) {
            refuse("bytes", field.bytes.as_ref().map(Spanned::span))?;
        }
        if matches!(kind, Type::Bytes | Type::Counter) {
            refuse("encoding", field.encoding.as_ref().map(Spanned::span))?;
        }
        Ok(match kind {
            Type::Digits => {
                let check = field.check.as_ref().map(|word| lookup(word, "check", &CHECKS)).transpose()?;
                let length = number(field, &field.length, "length", DIGITS_MAX)?;
                Self::Digits { length, encoding: digit()?, check: check.unwrap_or(Check::None) }
            }
            Type::Text => Self::Text {
                bytes: number(field, &field.bytes, "bytes", u16::MAX)?,
                encoding: encoding(field, &TEXT_ENCODINGS)?,
            },
            Type::YearMonth => Self::YearMonth(digit()?),
            Type::Date => Self::Date(digit()?),
            Type::Bytes => Self::Bytes(number(field, &field.bytes, "bytes", u16::MAX)?),
            Type::Counter => Self::Counter(number(field, &field.bytes, "bytes", COUNTER_BYTES_MAX)?),
        })
    }
}

/// The words that a profile uses, in a fixed order: part of the canonical form.
impl fmt::Display for FieldKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digits { length, encoding, check: Check::None } => write!(f, "digits {length} {encoding}"),
            Self::Digits { length, encoding, check: Check::Luhn } => write!(f, "digits {length} {encoding} luhn"),
            Self::Text { bytes, encoding } => write!(f, "text {bytes} {encoding}"),
            Self::YearMonth(encoding) => write!(f, "yearmonth {encoding}"),
            Self::Date(encoding) => write!(f, "date {encoding}"),
            Self::Bytes(bytes) => write!(f, "bytes {bytes}"),
            Self::Counter(bytes) => write!(f, "counter {bytes}"),
        }
    }
}

impl fmt::Display for DigitEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bcd => "bcd",
            Self::Ascii => "ascii",
        })
    }
}

impl fmt::Display for TextEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ascii => "ascii",
            Self::Cp932 => "cp932",
            Self::Utf8 => "utf-8",
        })
    }
}

fn encoding<T: Copy>(field: &raw::Field, table: &[(&str, T)]) -> Result<T, ProfileError> {
    let Some(word) = &field.encoding else { return Err(missing(field, "encoding")) };
    lookup(word, &format!("encoding of type {}", field.kind.get_ref()), table)
}

fn number(field: &raw::Field, value: &Option<Spanned<u16>>, member: &str, max: u16) -> Result<u16, ProfileError> {
    let value = value.as_ref().ok_or_else(|| missing(field, member))?;
    let number = *value.get_ref();
    if (1..=max).contains(&number) {
        Ok(number)
    } else {
        Err(ProfileError::new(value.span(), format!("`{member}` is {number}"), format!("write 1 to {max}")))
    }
}

fn missing(field: &raw::Field, member: &str) -> ProfileError {
    let what = format!("field `{}` of type {} has no `{member}`", field.name.get_ref(), field.kind.get_ref());
    ProfileError::new(field.name.span(), what, format!("add `{member}`"))
}
