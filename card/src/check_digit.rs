//! The check digit of numbers that people copy: ISO/IEC 7812-1 annex B (modulus 10, "double-add-double").

/// The Luhn digit that follows `digits`; `None` if one of them is no digit or there is none.
#[must_use]
pub fn luhn(digits: &str) -> Option<char> {
    let mut sum = 0;
    for (place, digit) in digits.chars().rev().enumerate() {
        let digit = digit.to_digit(10)?;
        let doubled = digit * 2;
        sum += match place % 2 {
            0 if doubled > 9 => doubled - 9,
            0 => doubled,
            _ => digit,
        };
    }
    if digits.is_empty() { None } else { char::from_digit((10 - sum % 10) % 10, 10) }
}
