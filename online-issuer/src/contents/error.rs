//! Why a value does not go onto a card: the field and the place in its value, never the value.

use thiserror::Error;

/// A value that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("WEF {wef}, field {field}: {wrong}")]
pub struct ContentError {
    /// The WEF.
    pub wef: String,
    /// The field.
    pub field: String,
    /// What is wrong.
    pub wrong: Wrong,
}

/// What is wrong with a value. Characters count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Wrong {
    /// The member has not said it.
    #[error("is missing")]
    Missing,
    /// Another number of digits.
    #[error("has {found} digits, not {wanted}")]
    Digits {
        /// Digits of the field.
        wanted: u16,
        /// Characters there are.
        found: usize,
    },
    /// A character that is no digit.
    #[error("character {place} is no digit")]
    NoDigit {
        /// Which.
        place: usize,
    },
    /// The check digit.
    #[error("the check digit is wrong")]
    CheckDigit,
    /// No such month or day.
    #[error("is no date of the calendar")]
    NoDate,
    /// A character that the character set lacks.
    #[error("character {place} is not in the field's character set")]
    Character {
        /// Which.
        place: usize,
    },
    /// Too many bytes.
    #[error("has {found} bytes, the field has room for {room}")]
    TooLong {
        /// Room of the field.
        room: u16,
        /// Bytes in the field's character set.
        found: usize,
    },
    /// Not hex, or another number of bytes.
    #[error("is not {wanted} bytes of hex")]
    NoBytes {
        /// Bytes of the field.
        wanted: u16,
    },
    /// Not a number, or too high a one.
    #[error("is no number of {wanted} bytes")]
    NoNumber {
        /// Bytes of the field.
        wanted: u16,
    },
    /// The profile puts the field where the slot ends.
    #[error("ends beyond the slot")]
    NoRoom,
}
