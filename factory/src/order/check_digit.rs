//! Check digits of serials: ISO/IEC 7812-1 annex B, or none.

/// How the last digit of a serial is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckDigit {
    /// ISO/IEC 7812-1 annex B (modulus 10, "double-add-double").
    Luhn,
    /// There is none.
    None,
}

impl CheckDigit {
    pub(super) fn append(self, mut digits: String) -> String {
        if self == Self::Luhn {
            digits.push(luhn(&digits).unwrap_or('0'));
        }
        digits
    }

    /// The digit that should end `serial`, when another one does.
    pub(super) fn mismatch(self, serial: &str) -> Option<char> {
        if self == Self::None {
            return None;
        }
        let (at, found) = serial.char_indices().last()?;
        match serial.get(..at).and_then(luhn) {
            Some(expected) => (found != expected).then_some(expected),
            None => Some('0'),
        }
    }
}

/// The Luhn digit that follows `digits`; `None` if one of them is no digit or there is none.
fn luhn(digits: &str) -> Option<char> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luhn_digits_are_those_of_the_standard() {
        // ISO/IEC 7812-1 annex B example and well-known test numbers.
        for number in ["79927398713", "4111111111111111", "4992739871600000", "88104000000013"] {
            let wrong = CheckDigit::Luhn.mismatch(number).is_some();
            assert_eq!(wrong, number == "4992739871600000", "{number}");
        }
        assert_eq!(CheckDigit::Luhn.mismatch("4"), Some('0'));
        assert_eq!(CheckDigit::Luhn.mismatch("12A4"), Some('0'));
        assert_eq!(CheckDigit::None.mismatch("12A4"), None);
    }
}
