//! One value in the encoding of its field.

use super::{ERASED, Wrong};
use fuda_card::check_digit::luhn;
use fuda_card::profile::{Check, DigitEncoding, FieldKind, TextEncoding};
use fuda_issuance::delivery::CsvEncoding;
use jiff::civil::Date;

/// The bytes of a value, as many as the field has. Dates are `YYYYMM` and `YYYYMMDD`, with or without hyphens; bytes are hex.
///
/// # Errors
/// [`Wrong`].
pub fn encode(kind: &FieldKind, value: &str) -> Result<Vec<u8>, Wrong> {
    match kind {
        FieldKind::Digits { length, encoding, check } => {
            let digits = digits(value, *length)?;
            if *check == Check::Luhn && !ends_with_luhn(&digits) {
                return Err(Wrong::CheckDigit);
            }
            Ok(written(&digits, *encoding))
        }
        FieldKind::YearMonth(encoding) => {
            let digits = digits(&value.replace('-', ""), 6)?;
            date(&format!("{digits}01"))?;
            Ok(written(&digits, *encoding))
        }
        FieldKind::Date(encoding) => {
            let digits = digits(&value.replace('-', ""), 8)?;
            date(&digits)?;
            Ok(written(&digits, *encoding))
        }
        FieldKind::Text { bytes, encoding } => {
            let mut text = text(value, *encoding)?;
            if text.len() > usize::from(*bytes) {
                return Err(Wrong::TooLong { room: *bytes, found: text.len() });
            }
            text.resize(usize::from(*bytes), ERASED);
            Ok(text)
        }
        FieldKind::Bytes(wanted) => {
            let bytes = hex::decode(value).ok().filter(|bytes| bytes.len() == usize::from(*wanted));
            bytes.ok_or(Wrong::NoBytes { wanted: *wanted })
        }
        FieldKind::Counter(wanted) => {
            let number = value.parse::<u64>().map_err(|_| Wrong::NoNumber { wanted: *wanted })?.to_be_bytes();
            let above = number.len().saturating_sub(usize::from(*wanted));
            match number.split_at_checked(above) {
                Some((zeros, rest)) if zeros.iter().all(|byte| *byte == 0) => Ok(rest.to_vec()),
                _ => Err(Wrong::NoNumber { wanted: *wanted }),
            }
        }
    }
}

fn digits(value: &str, wanted: u16) -> Result<String, Wrong> {
    if let Some(place) = value.chars().position(|c| !c.is_ascii_digit()) {
        return Err(Wrong::NoDigit { place: place + 1 });
    }
    let found = value.len();
    if found == usize::from(wanted) { Ok(value.to_owned()) } else { Err(Wrong::Digits { wanted, found }) }
}

fn ends_with_luhn(digits: &str) -> bool {
    let last = digits.char_indices().next_back();
    last.is_some_and(|(at, last)| digits.get(..at).and_then(luhn) == Some(last))
}

fn date(digits: &str) -> Result<Date, Wrong> {
    Date::strptime("%Y%m%d", digits).map_err(|_| Wrong::NoDate)
}

/// Digits as bytes. BCD puts two into one, and F after the last of an odd number.
fn written(digits: &str, encoding: DigitEncoding) -> Vec<u8> {
    match encoding {
        DigitEncoding::Ascii => digits.as_bytes().to_vec(),
        DigitEncoding::Bcd => {
            let nibble = |digit: Option<&u8>| digit.map_or(0x0F, |digit| digit.wrapping_sub(b'0') & 0x0F);
            digits.as_bytes().chunks(2).map(|pair| nibble(pair.first()) << 4 | nibble(pair.get(1))).collect()
        }
    }
}

/// Text in a character set. What does not come back as it went in is refused: nobody's name is changed silently.
fn text(value: &str, encoding: TextEncoding) -> Result<Vec<u8>, Wrong> {
    let mut bytes = Vec::new();
    for (place, c) in (1..).zip(value.chars()) {
        let mut buffer = [0; 4];
        let one = &*c.encode_utf8(&mut buffer);
        match encoding {
            TextEncoding::Ascii if !c.is_ascii() => return Err(Wrong::Character { place }),
            TextEncoding::Ascii | TextEncoding::Utf8 => bytes.extend_from_slice(one.as_bytes()),
            TextEncoding::Cp932 => {
                bytes.extend(CsvEncoding::Cp932.encode(one).ok_or(Wrong::Character { place })?);
            }
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_every_kind_are_these_bytes() {
        let digits = |length, encoding| FieldKind::Digits { length, encoding, check: Check::None };
        let text = |bytes, encoding| FieldKind::Text { bytes, encoding };
        for (kind, value, bytes) in [
            (digits(5, DigitEncoding::Bcd), "12345", "12345f"),
            (digits(2, DigitEncoding::Ascii), "07", "3037"),
            (FieldKind::YearMonth(DigitEncoding::Bcd), "2028-02", "202802"),
            (FieldKind::Date(DigitEncoding::Ascii), "20280229", "3230323830323239"),
            (text(4, TextEncoding::Ascii), "AB", "4142ffff"),
            // Code page 932: half-width katakana, JIS X 0208, and NEC row 13, which Shift_JIS proper lacks.
            (text(6, TextEncoding::Cp932), "ｱ亜①", "b1889f8740ff"),
            (text(4, TextEncoding::Utf8), "あ", "e38182ff"),
            (FieldKind::Bytes(2), "0a0B", "0a0b"),
            (FieldKind::Counter(4), "258", "00000102"),
            (FieldKind::Counter(8), "1", "0000000000000001"),
        ] {
            assert_eq!(encode(&kind, value).map(hex::encode), Ok(bytes.to_owned()), "{kind} {value}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_by_its_place() {
        let bcd = |length, check| FieldKind::Digits { length, encoding: DigitEncoding::Bcd, check };
        let cp932 = |bytes| FieldKind::Text { bytes, encoding: TextEncoding::Cp932 };
        for (kind, value, wrong) in [
            (bcd(4, Check::None), "12a4", Wrong::NoDigit { place: 3 }),
            (bcd(4, Check::None), "123", Wrong::Digits { wanted: 4, found: 3 }),
            (bcd(4, Check::Luhn), "1234", Wrong::CheckDigit),
            (FieldKind::YearMonth(DigitEncoding::Bcd), "202813", Wrong::NoDate),
            (FieldKind::Date(DigitEncoding::Bcd), "20270229", Wrong::NoDate),
            (cp932(40), "渡邉é", Wrong::Character { place: 3 }),
            // Code page 932 would turn the yen sign into a backslash.
            (cp932(40), "¥", Wrong::Character { place: 1 }),
            (cp932(3), "アイ", Wrong::TooLong { room: 3, found: 4 }),
            (FieldKind::Text { bytes: 4, encoding: TextEncoding::Ascii }, "aé", Wrong::Character { place: 2 }),
            (FieldKind::Bytes(2), "0a", Wrong::NoBytes { wanted: 2 }),
            (FieldKind::Counter(1), "256", Wrong::NoNumber { wanted: 1 }),
        ] {
            assert_eq!(encode(&kind, value), Err(wrong), "{kind} {value}");
        }
    }
}
