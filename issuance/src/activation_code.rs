//! Activation codes: what a buyer types to claim the card in the package.
//!
//! A code is made from the card's serial by the key `activation`: the first 45 bits of AES-CMAC over `FUDA-AC1 ‖ serial`, as nine digits
//! of Crockford's base 32, and one check digit (Luhn, modulus 32), shown in two groups of five. The line prints it, the centre computes it anew;
//! nobody keeps a list. The MAC itself is made in the HSM and is none of this module's business.

use std::fmt;
use std::str::FromStr;
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroizing;

/// Digits of Crockford's base 32: no I, L, O (they are read as 1, 1, 0), no U.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const BASE: usize = DIGITS.len();
const BITS_PER_DIGIT: usize = 5;
/// Digits that come from the MAC: 45 bits are 3·10¹³ codes, so among 10⁸ cards on shelves a guess in 350,000 hits one.
const DATA_DIGITS: usize = 9;
/// Digits of a code, the check digit included.
const CODE_DIGITS: usize = DATA_DIGITS + 1;
/// Digits before the hyphen.
const GROUP_DIGITS: usize = 5;
/// Bytes of the MAC that are looked at: they hold the 45 bits.
const MAC_BYTES_USED: usize = 8;
/// Longest typed text, in characters: a code with a space between any two digits, and room to spare.
const TYPED_CHARS_MAX: usize = 64;
/// What stands before the serial under the MAC, so that no other MAC of the key is ever a code.
const PREFIX: &str = "FUDA-AC1";

/// An activation code. Whoever knows it may claim the card: wiped on drop, never printed by accident, copied or serialised.
pub struct ActivationCode(Zeroizing<[u8; CODE_DIGITS]>);

/// Why a text is no activation code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ActivationCodeError {
    /// Too few or too many digits.
    #[error("an activation code has {CODE_DIGITS} characters, not {found}")]
    Length {
        /// Characters there were, hyphens and spaces not counted.
        found: usize,
    },
    /// A character that no code has.
    #[error("character {place} is {found:?}, which no activation code has")]
    Digit {
        /// Counted from 1, hyphens and spaces not counted.
        place: usize,
        /// The character.
        found: char,
    },
    /// The check digit does not fit: one character is wrong, or two changed places.
    #[error("the activation code has a typing error")]
    Check,
}

impl ActivationCodeError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Length { .. } => "ACTIVATION_CODE_LENGTH",
            Self::Digit { .. } => "ACTIVATION_CODE_CHARACTER",
            Self::Check => "ACTIVATION_CODE_CHECK",
        }
    }
}

impl ActivationCode {
    /// What is to be MAC'ed under the key `activation` for a serial.
    #[must_use]
    pub fn mac_input(serial: &str) -> Vec<u8> {
        [PREFIX, serial].concat().into_bytes()
    }

    /// The code that a MAC over [`ActivationCode::mac_input`] stands for.
    #[must_use]
    pub fn from_mac(mac: &[u8; 16]) -> Self {
        let used = mac.iter().take(MAC_BYTES_USED).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let mut digits = Zeroizing::new([0_u8; CODE_DIGITS]);
        for (place, digit) in digits.iter_mut().take(DATA_DIGITS).enumerate() {
            let below = MAC_BYTES_USED * 8 - BITS_PER_DIGIT * (place + 1);
            *digit = (used >> below & 0x1F) as u8;
        }
        let check = check_digit(digits.iter().take(DATA_DIGITS));
        if let Some(last) = digits.last_mut() {
            *last = check;
        }
        Self(digits)
    }

    /// The ten characters without a hyphen: the one spelling that is compared, MAC'ed or indexed.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.iter().map(|digit| character(*digit)).collect())
    }

    /// As it is printed: two groups of five with a hyphen between.
    #[must_use]
    pub fn printed(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(CODE_DIGITS + 1));
        for (place, digit) in self.0.iter().enumerate() {
            if place == GROUP_DIGITS {
                text.push('-');
            }
            text.push(character(*digit));
        }
        text
    }
}

impl FromStr for ActivationCode {
    type Err = ActivationCodeError;

    /// Reads what a person types: upper or lower case, half or full width, I and L for 1, O for 0, hyphens and spaces anywhere.
    fn from_str(typed: &str) -> Result<Self, ActivationCodeError> {
        let mut digits = Zeroizing::new([0_u8; CODE_DIGITS]);
        let mut found = 0;
        for typed in typed.chars().take(TYPED_CHARS_MAX).filter(|typed| !is_separator(*typed)) {
            let digit = value(typed).ok_or(ActivationCodeError::Digit { place: found + 1, found: typed })?;
            if let Some(place) = digits.get_mut(found) {
                *place = digit;
            }
            found += 1;
        }
        if found != CODE_DIGITS {
            return Err(ActivationCodeError::Length { found });
        }
        let expected = check_digit(digits.iter().take(DATA_DIGITS));
        if digits.last() == Some(&expected) { Ok(Self(digits)) } else { Err(ActivationCodeError::Check) }
    }
}

impl PartialEq for ActivationCode {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&*other.0).into()
    }
}

impl Eq for ActivationCode {}

impl fmt::Debug for ActivationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Luhn's digit, modulus 32, that follows `digits`.
fn check_digit<'d>(digits: impl DoubleEndedIterator<Item = &'d u8>) -> u8 {
    let sum: usize = digits
        .rev()
        .zip([2, 1].into_iter().cycle())
        .map(|(digit, factor)| {
            let product = usize::from(*digit) * factor;
            product / BASE + product % BASE
        })
        .sum();
    u8::try_from((BASE - sum % BASE) % BASE).unwrap_or_default()
}

/// The character of a digit.
fn character(digit: u8) -> char {
    DIGITS.get(usize::from(digit)).map_or('?', |digit| char::from(*digit))
}

/// The digit that a typed character stands for.
fn value(typed: char) -> Option<u8> {
    let plain = match half_width(typed).to_ascii_uppercase() {
        'I' | 'L' => '1',
        'O' => '0',
        other => other,
    };
    let place = DIGITS.iter().position(|digit| char::from(*digit) == plain)?;
    u8::try_from(place).ok()
}

/// Hyphens and spaces of both widths, and what input methods make of a hyphen.
fn is_separator(typed: char) -> bool {
    typed.is_whitespace()
        || matches!(half_width(typed), '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30FC}' | '\u{FF70}')
}

/// Full-width forms of ASCII (U+FF01 to U+FF5E), as Japanese input methods give them, in half width.
fn half_width(typed: char) -> char {
    match typed {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(typed) - 0xFEE0).unwrap_or(typed),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Serial, AES-CMAC by OpenSSL 3 under the key 00 01 … 1F, code by a few lines of Python.
    const KNOWN: [(&str, &str, &str); 3] = [
        ("88104000000013", "CE0CC45473872B410BF9E029C5BFDC57", "SR6C8-N3KGY"),
        ("88104000000021", "7CA2BAF5402DB6F51F9316F760497D90", "FJHBN-XA05W"),
        ("A-1", "C425B16E642D188FBE1AF51304B59506", "RGJV2-VK45B"),
    ];

    fn known() -> impl Iterator<Item = ActivationCode> {
        KNOWN.iter().map(|(_, mac, _)| ActivationCode::from_mac(&hex::decode(mac).unwrap().try_into().unwrap()))
    }

    #[test]
    fn codes_are_those_of_an_independent_computation() {
        for ((_, _, printed), code) in KNOWN.iter().zip(known()) {
            assert_eq!(code.printed().as_str(), *printed);
            assert_eq!(code.expose().as_str(), printed.replace('-', ""));
        }
        assert_eq!(ActivationCode::mac_input("A-1"), b"FUDA-AC1A-1");
    }

    #[test]
    fn what_a_person_types_is_read() {
        let code = known().next().unwrap();
        for typed in [
            "SR6C8-N3KGY",
            "sr6c8n3kgy",
            " sr6c8 - n3kgy ",
            "S-R-6-C-8-N-3-K-G-Y",
            "ＳＲ６Ｃ８－ｎ３ｋｇｙ",
            "SR6C8ーN3KGY　",
        ] {
            assert_eq!(typed.parse::<ActivationCode>().unwrap(), code, "{typed}");
        }
        let zeros_and_ones = ActivationCode::from_mac(&[0; 16]);
        assert_eq!(zeros_and_ones.printed().as_str(), "00000-00000");
        assert_eq!("ooooo-OOOOO".parse::<ActivationCode>().unwrap(), zeros_and_ones);
        let ones = ActivationCode::from_mac(&[0x08, 0x42, 0x10, 0x84, 0x21, 0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(ones.printed().get(..5), Some("11111"));
        assert_eq!(ones.printed().replace('1', "l").parse::<ActivationCode>().unwrap(), ones);
        assert_eq!(ones.printed().replace('1', "I").parse::<ActivationCode>().unwrap(), ones);
    }

    #[test]
    fn what_is_no_code_is_refused() {
        use ActivationCodeError::{Check, Digit, Length};
        let long = "0".repeat(1_000_000);
        for (typed, error) in [
            ("", Length { found: 0 }),
            ("- -", Length { found: 0 }),
            ("SR6C8-N3KG", Length { found: 9 }),
            ("SR6C8-N3KGYY", Length { found: 11 }),
            ("SR6C8-N3UGY", Digit { place: 8, found: 'U' }),
            ("SR6C8+N3KGY", Digit { place: 6, found: '+' }),
            ("カード", Digit { place: 1, found: 'カ' }),
            (&long, Length { found: TYPED_CHARS_MAX }),
            ("SR6C8-N3KGZ", Check),
        ] {
            assert_eq!(typed.parse::<ActivationCode>().unwrap_err(), error, "{typed:.20}");
        }
    }

    #[test]
    fn one_wrong_character_or_two_neighbours_that_changed_places_are_found() {
        for code in known() {
            let right: Vec<char> = code.expose().chars().collect();
            for place in 0..CODE_DIGITS {
                for digit in DIGITS.iter().map(|digit| char::from(*digit)).filter(|digit| *digit != right[place]) {
                    let mut typed = right.clone();
                    typed[place] = digit;
                    let typed: String = typed.into_iter().collect();
                    assert_eq!(typed.parse::<ActivationCode>().unwrap_err(), ActivationCodeError::Check, "{typed}");
                }
                // Luhn's blind spot: the lowest and the highest digit side by side.
                if place > 0 && right[place] != right[place - 1] && ![right[place], right[place - 1]].contains(&'Z') {
                    let mut typed = right.clone();
                    typed.swap(place, place - 1);
                    let typed: String = typed.into_iter().collect();
                    assert_eq!(typed.parse::<ActivationCode>().unwrap_err(), ActivationCodeError::Check, "{typed}");
                }
            }
        }
    }

    #[test]
    fn a_code_is_not_printed_by_accident() {
        assert_eq!(format!("{:?}", known().next().unwrap()), "[redacted]");
    }
}
