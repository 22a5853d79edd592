//! Check digits of serials: ISO/IEC 7812-1 annex B, or none.

use fuda_card::check_digit::luhn;

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
